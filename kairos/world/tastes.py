"""What people like, and how that changes: interests come and go one at a time.

A taste is three favourite categories of unequal weight, a style in the first two of them, and something of one's own. When an interest
gives way, another category takes its place at random. So tastes of today are drawn like those of the first day: people change,
but never become like one another, however long a world lasts. (Adding a little of a new taste every day would do that: what all tastes
have in common adds up, and the rest averages out.)
"""

import numpy as np
from numpy.typing import NDArray

from kairos.world.latent import DIM, LatentSpace, Vectors, categories_of, unit
from kairos.world.values import Scenario

_FAVOURITES = 3
_STYLE_STRENGTHS = (0.35, 0.2)
_OWN_STRENGTH = 0.2


class Tastes:
    """Of ``n`` users in one kind of application. ``favourites`` are categories, (n, 3), the one that counts most first."""

    def __init__(self, space: LatentSpace, scenario: Scenario, n: int, rng: np.random.Generator) -> None:
        self._space = space
        self._among = np.array(categories_of(scenario), np.int32)
        self.favourites = self._among[np.argsort(rng.random((n, len(self._among))), axis=1)[:, :_FAVOURITES]]
        self._weights = -np.sort(-rng.dirichlet([0.8] * _FAVOURITES, n), axis=1)
        self._styles = np.stack([self._style_in(self.favourites[:, rank], rng) for rank in range(len(_STYLE_STRENGTHS))], axis=1)
        self._own = unit(rng.normal(size=(n, DIM)))

    def vectors(self) -> Vectors:
        """Where the tastes lie in the latent space, (n, DIM), rows of length 1."""
        taste = np.einsum("nf,nfk->nk", self._weights, self._space.categories[self.favourites])
        for rank, strength in enumerate(_STYLE_STRENGTHS):
            taste += strength * self._space.styles[self._styles[:, rank]]
        return unit(taste + _OWN_STRENGTH * self._own)

    def drift(self, gives_way: float, new_passion: float, rng: np.random.Generator) -> None:
        """Each interest gives way to another with one probability; with the other, a new one becomes the first of all."""
        n = len(self.favourites)
        leaves = rng.random((n, _FAVOURITES)) < gives_way
        leaves[:, 0] |= rng.random(n) < new_passion
        for rank in range(_FAVOURITES):
            users = np.nonzero(leaves[:, rank])[0]
            if len(users):
                self._replace(users, rank, rng)

    def _replace(self, users: NDArray[np.intp], rank: int, rng: np.random.Generator) -> None:
        luck = rng.random((len(users), len(self._among)))
        luck[(self.favourites[users, :, None] == self._among).any(axis=1)] = -1.0
        self.favourites[users, rank] = self._among[luck.argmax(axis=1)]
        if rank < len(_STYLE_STRENGTHS):
            self._styles[users, rank] = self._style_in(self.favourites[users, rank], rng)

    def _style_in(self, categories: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int64]:
        """One of each category's styles."""
        luck = rng.random(len(categories))
        styles = np.empty(len(categories), np.int64)
        for category in np.unique(categories):
            mine = categories == category
            among = self._space.styles_of[category]
            styles[mine] = among[(luck[mine] * len(among)).astype(np.int64)]
        return styles
