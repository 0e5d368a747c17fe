"""Visits from beginning to end: who comes by themselves, and who comes by a push."""

import numpy as np

from flink_job.core.signals import InteractionType as Type
from kairos.world.arrivals import Arrivals
from kairos.world.baskets import Sales, Till, left_carts, shop_baskets
from kairos.world.behaviour import Behaviour
from kairos.world.catalogue import Catalogue
from kairos.world.columns import Events, joined, rows
from kairos.world.funnels import Teller, news, shop, social
from kairos.world.habits import Habits
from kairos.world.latent import LatentSpace
from kairos.world.lifecycle import Lifecycle
from kairos.world.people import People
from kairos.world.shelf import Shelf
from kairos.world.values import Scenario
from kairos.world.views import Scene, Views, Visits, look_around
from kairos.world.words import CATEGORIES

_READING_MS = 90_000
_LED_BIT = 1 << 61
_MOST_STYLES = max(len(category.styles) for category in CATEGORIES)
_CLIPS = np.zeros((len(CATEGORIES), _MOST_STYLES), bool)
for _row, _category in enumerate(CATEGORIES):
    _CLIPS[_row, : len(_category.styles)] = [style == "Short clip" for style in _category.styles]


class Sessions:
    """Makes the interactions of visits and notes what they leave behind: follows, carts, purchases, stock."""

    def __init__(
        self,
        arrivals: Arrivals,
        people: People,
        catalogue: Catalogue,
        lifecycle: Lifecycle,
        space: LatentSpace,
        habits: Habits,
        behaviour: Behaviour,
    ) -> None:
        self._arrivals, self._people, self._catalogue = arrivals, people, catalogue
        self._space, self._habits, self._behaviour = space, habits, behaviour
        self._till = Till(people, catalogue, lifecycle, behaviour.funnel)
        self._shelf = Shelf(catalogue, behaviour, 0)

    def tick(self, tick: int, from_ms: int, length_ms: int) -> Events:
        """All that comes of the visits that begin in this tick, by themselves."""
        self._shelf = Shelf(self._catalogue, self._behaviour, from_ms)
        told = [self._sign_ups(from_ms, length_ms)]
        for visits, rng in self._arrivals.draw(tick, from_ms, length_ms):
            if len(visits):
                views = self._look(visits, rng)
                told.append(self._visit(visits, views[self._arrivals.present(visits)[views.visit]]))
        events = joined(told)
        events["number"] = (tick << 24) + np.arange(len(events))
        self._arrivals.came_of_it(len(events))
        return events

    def led(self, user: int, item: int, at_ms: int, command: int, rng: np.random.Generator) -> Events:
        """The visit of somebody who opened a push: the item first, then as they like. What they came for is ``converted``'s."""
        scenario = Scenario(int(self._catalogue.scenario[item]))
        one = (np.array([each], np.int64) for each in (user, at_ms, _LED_BIT | command, item, command))
        visits = Visits(scenario, *one)
        views = self._look(visits, rng)
        arrival = Teller(visits, views[views.first], self._catalogue)
        events = joined([*arrival.looks(), self._visit(visits, views[~views.first]), self._starts(visits)])
        return _numbered(events, command, first=0)

    def converted(self, user: int, item: int, at_ms: int, command: int, rng: np.random.Generator) -> tuple[Events, float | None]:
        """What an opened push was for: bought, read or liked; with its worth, or nothing when it was sold out."""
        scenario = Scenario(int(self._catalogue.scenario[item]))
        common = {"user": user, "scenario": scenario, "item": item, "session": _LED_BIT | command, "command": command}
        worth: float | None = self._behaviour.pushed[scenario].conversion_value
        if scenario == Scenario.SHOP:
            price = self._catalogue.price[item]
            one = [np.array([each], np.int64) for each in (user, item, at_ms, _LED_BIT | command, command, 1)]
            sold, made = self._till.sell(Sales(rng.random((1, 2)), *one))
            cart = rows(1, at_ms=at_ms - 40_000, type=Type.CART, quantity=1, value=price, **common)
            told, worth = [cart, *sold], float(price) if made[0] else None
        elif scenario == Scenario.NEWS:
            told = [rows(1, at_ms=at_ms, type=Type.READ_THROUGH, dwell_ms=_READING_MS, completion=rng.uniform(0.9, 1.0), **common)]
        else:
            told = [rows(1, at_ms=at_ms, type=Type.LIKE, **common)]
        return _numbered(joined(told), command, first=1_000), worth

    def _look(self, visits: Visits, rng: np.random.Generator) -> Views:
        browsing = self._behaviour.browsing[visits.scenario]
        return look_around(visits, browsing, Scene(self._people, self._catalogue, self._space, self._shelf), rng)

    def _visit(self, visits: Visits, views: Views) -> Events:
        """The funnel of the visits' kind of application; visits without views leave nothing."""
        if not len(views.user):
            return rows(0)
        people, catalogue, funnel = self._people, self._catalogue, self._behaviour.funnel
        teller = Teller(visits, views, catalogue)
        if visits.scenario == Scenario.SHOP:
            told = shop(teller, self._behaviour.browsing[visits.scenario], funnel, people.price_sensitivity)
            told += left_carts(teller, people, catalogue, self._habits, funnel, self._behaviour.cart_lasts_ms, self._till)
            told += shop_baskets(teller, people, catalogue, self._habits, funnel, self._till)
        elif visits.scenario == Scenario.NEWS:
            told = news(teller, funnel)
        else:
            clips = _CLIPS[catalogue.category[views.item], catalogue.style[views.item]]
            told = social(teller, funnel, clips)
        np.maximum.at(people.busy_until_ms, views.user, views.at_ms + views.think_ms)
        begun = np.unique(views.visit[views.first])
        events = joined([*told, self._starts(Visits(visits.scenario, *(_of(visits)[:, begun])))])
        follows = events[events["type"] == Type.FOLLOW]
        people.follow(follows["user"], follows["creator"])
        return events

    def _starts(self, visits: Visits) -> Events:
        return rows(
            len(visits),
            at_ms=visits.at_ms,
            user=visits.user,
            type=Type.SESSION_START,
            scenario=visits.scenario,
            session=visits.number,
            command=visits.command,
        )

    def _sign_ups(self, from_ms: int, length_ms: int) -> Events:
        joined = self._people.joined_ms
        new = np.nonzero((joined >= from_ms) & (joined < from_ms + length_ms))[0]
        return rows(len(new), at_ms=joined[new], user=new, type=Type.SIGN_UP, scenario=self._people.scenarios[0])


def _numbered(events: Events, command: int, first: int) -> Events:
    """Numbers that depend on the command alone: the same push makes the same events whatever else is going on."""
    events["number"] = _LED_BIT | (command << 12) | (first + np.arange(len(events)))
    return events


def _of(visits: Visits) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.stack([visits.user, visits.at_ms, visits.number, visits.first_item, visits.command])
