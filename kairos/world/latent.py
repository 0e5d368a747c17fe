"""The hidden space in which tastes meet items: a unit vector for every category, style, item and user.

An item is its category, plus its style, plus something of its own; a user is a handful of categories and styles. What the two
have to do with each other is the inner product, in [-1, 1]: near 0 by chance, about 0.7 for what somebody is keen on. Nobody
outside the world sees these vectors. A recommender sees categories and titles, which name category and style but not the rest.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kairos.world.draws import stream
from kairos.world.values import Scenario
from kairos.world.words import CATEGORIES, STYLES

DIM = 24
CREATORS_PER_CATEGORY = 6
_STREAM = 1

Vectors = NDArray[np.float32]


class LatentSpace:
    """Where categories and styles lie. ``categories`` is (n_categories, DIM), ``styles`` (n_styles, DIM), rows of length 1."""

    def __init__(self, seed: int) -> None:
        rng = stream(seed, _STREAM)
        departments = sorted({(category.scenario, category.path[0]) for category in CATEGORIES})
        place = {department: index for index, department in enumerate(departments)}
        of_department = unit(rng.normal(size=(len(departments), DIM)))
        own = unit(rng.normal(size=(len(CATEGORIES), DIM)))
        shared = of_department[[place[category.scenario, category.path[0]] for category in CATEGORIES]]
        self.categories = unit(0.5 * shared + own)
        self.styles = unit(rng.normal(size=(len(STYLES), DIM)))
        self.styles_of = [np.array([STYLES.index(style) for style in category.styles]) for category in CATEGORIES]

    def item(self, category: int, style: int, rng: np.random.Generator) -> Vectors:
        """One item's vector, (DIM,). ``style`` counts within the category."""
        own = unit(rng.normal(size=DIM))
        return unit(0.75 * self.categories[category] + 0.5 * self.styles[self.styles_of[category][style]] + 0.3 * own)


def categories_of(scenario: Scenario) -> Sequence[int]:
    """Indices into ``CATEGORIES``; those of one scenario are neighbours."""
    return [index for index, category in enumerate(CATEGORIES) if category.scenario == scenario]


def creator_name(creator: int) -> str:
    """Who publishes: sellers, desks and creators, six to a category."""
    kind = {Scenario.SHOP: "seller", Scenario.NEWS: "desk", Scenario.SOCIAL: "creator"}
    return f"{kind[CATEGORIES[creator // CREATORS_PER_CATEGORY].scenario]}-{creator:03d}"


def unit(vectors: NDArray[np.float64] | Vectors) -> Vectors:
    """Rows scaled to length 1."""
    scaled: Vectors = (vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)).astype(np.float32)
    return scaled
