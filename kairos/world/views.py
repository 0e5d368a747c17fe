"""What people look at in a visit: from visits that begin to views of items, one row a view.

A view follows the last one's category, or changes it by taste; it follows popularity, or a creator; and of the few items then in
sight the one is taken that fits best.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kairos.world.behaviour import Browsing
from kairos.world.catalogue import Catalogue
from kairos.world.columns import NOBODY
from kairos.world.latent import CREATORS_PER_CATEGORY, LatentSpace, categories_of
from kairos.world.memory import Ints
from kairos.world.people import People
from kairos.world.shelf import Shelf
from kairos.world.values import Scenario

_IN_SIGHT = 4
_MOST_VIEWS = 40
_LONGEST_THINK_MS = 15 * 60_000
_TASTE_FOCUS = 6.0  # how much taste decides the category


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits to one application that begin; all (n_visits,)."""

    scenario: Scenario
    user: Ints
    at_ms: Ints
    number: Ints  # unique: session ids are made of it
    first_item: Ints  # what they come for; NOBODY: nothing in particular
    command: Ints  # the push they come from; NOBODY: none

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True, slots=True)
class Views:
    """Views of items in order of visit and time; all (n_views,)."""

    visit: Ints
    user: Ints
    at_ms: Ints
    think_ms: Ints  # until the next one
    item: Ints
    match: NDArray[np.float64]  # taste and item, -1..1
    chosen: NDArray[np.bool_]  # the category was changed, not stayed in
    first: NDArray[np.bool_]
    luck: NDArray[np.float64]  # (n_views, 8) uniform numbers for what follows

    def __getitem__(self, mask: NDArray[np.bool_]) -> "Views":
        return Views(**{column.name: getattr(self, column.name)[mask] for column in fields(self)})


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that people look at and choose by."""

    people: People
    catalogue: Catalogue
    space: LatentSpace
    shelf: Shelf


def look_around(visits: Visits, browsing: Browsing, scene: Scene, rng: np.random.Generator) -> Views:
    """The views of these visits. Visits to an empty application have none."""
    lengths = np.minimum(rng.geometric(1 / browsing.views_per_session, len(visits)), _MOST_VIEWS)
    visit = np.repeat(np.arange(len(visits)), lengths)
    n = len(visit)
    begins = np.cumsum(lengths) - lengths
    first = np.zeros(n, bool)
    first[begins] = True

    think = np.minimum(browsing.think_ms * np.exp(browsing.think_spread * rng.normal(size=n)), _LONGEST_THINK_MS).astype(np.int64)
    elapsed = np.cumsum(think) - think
    at_ms = visits.at_ms[visit] + 1_000 + elapsed - elapsed[begins][visit] if n else elapsed

    user = visits.user[visit]
    people = scene.people
    taste = people.taste[people.scenarios.index(visits.scenario)][user]
    chosen = first | (rng.random(n) >= browsing.stay_in_category)
    categories = _categories(visits.scenario, taste, chosen, scene, rng)
    item = _best_in_sight(categories, taste, browsing, scene, rng)
    trending = scene.shelf.trending(visits.scenario, rng.random(n))
    way = rng.random(n)
    item = np.where(way < browsing.from_trending, trending, item)
    news = _from_followed(visits.scenario, user, at_ms, scene, rng)
    # Whoever follows somebody looks there as often as the kind of application has it, however few they follow.
    slots = people.follows.shape[1]
    follows = way > 1 - browsing.from_followed * slots / np.maximum((people.follows[user] >= 0).sum(axis=1), 1)
    item = np.where(follows & (news != NOBODY), news, item)
    item = np.where(first & (visits.first_item[visit] != NOBODY), visits.first_item[visit], item)

    views = Views(
        visit=visit,
        user=user,
        at_ms=at_ms,
        think_ms=think,
        item=item,
        match=np.einsum("vk,vk->v", taste, scene.catalogue.vector[item]).astype(np.float64),
        chosen=chosen,
        first=first,
        luck=rng.random((n, 8)),
    )
    return views[item != NOBODY]


def _categories(scenario: Scenario, taste: NDArray[np.float32], chosen: NDArray[np.bool_], scene: Scene, rng: np.random.Generator) -> Ints:
    """A category for each view: drawn by taste where it is chosen, else that of the view before."""
    among = np.array(categories_of(scenario))
    leaning = _TASTE_FOCUS * (taste @ scene.space.categories[among].T)
    leaning = np.where(scene.shelf.weight[among] > 0, leaning + rng.gumbel(size=leaning.shape), -np.inf)
    drawn = among[leaning.argmax(axis=1)]
    last_choice = np.maximum.accumulate(np.where(chosen, np.arange(len(chosen)), 0))
    categories: Ints = drawn[last_choice]
    return categories


def _best_in_sight(categories: Ints, taste: NDArray[np.float32], browsing: Browsing, scene: Scene, rng: np.random.Generator) -> Ints:
    n = len(categories)
    sight = np.stack([scene.shelf.find(categories, rng.random(n)) for _ in range(_IN_SIGHT)], axis=1)
    fit = browsing.pickiness * np.einsum("vsk,vk->vs", scene.catalogue.vector[sight], taste) + rng.gumbel(size=(n, _IN_SIGHT))
    items: Ints = sight[np.arange(n), fit.argmax(axis=1)]
    return items


def _from_followed(scenario: Scenario, user: Ints, at_ms: Ints, scene: Scene, rng: np.random.Generator) -> Ints:
    """The newest item of one of the creators whom they follow; NOBODY where the slot is empty or the item gone."""
    follows, catalogue = scene.people.follows, scene.catalogue
    creator = follows[user, rng.integers(0, follows.shape[1], len(user))]
    among = categories_of(scenario)
    here = (creator >= among[0] * CREATORS_PER_CATEGORY) & (creator < (among[-1] + 1) * CREATORS_PER_CATEGORY)
    newest = np.where(here, catalogue.newest_of[np.where(here, creator, 0)], NOBODY)
    gone = catalogue.gone[newest] | catalogue.sold_out[newest] | (catalogue.ends_ms[newest] <= at_ms)
    return np.where(gone, NOBODY, newest)
