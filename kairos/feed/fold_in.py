"""Room for newcomers in a space that exists already: a new thing lies where the things lie that it is visited with.

    F_new = unit( Σ_j g_j · n_new,j / √n_j · F_j )       over all j that have features

n_new,j counts pairs as in ``covisits``; n_j are all pairs of j so far, so that what everybody reads pulls less (the normalisation of
item-based collaborative filtering); g_j is 1 for the things of the first space and NEWCOMERS_PULL for other newcomers, whose place is
hearsay itself. News lives for a day or two: a space that was computed once knows nothing of what is read tomorrow. Computing it anew
would turn its axes, and with them the meaning of every interest that users' states hold.

*Contract*: things of the first space never move; newcomers move as more visits tell about them. Only visits that were given are
looked at, so features are never ahead of the log.
"""

import numpy as np
from numpy.typing import NDArray

from kairos.feed.covisits import covisit_counts
from kairos.feed.features import Matrix, unit
from kairos.feed.sparse import Ints

NEWCOMERS_PULL = 0.3


class GrowingSpace:
    """Features by thing number; numbers are dense and may grow."""

    def __init__(self, first: Matrix, pairs: NDArray[np.float64]) -> None:
        """``first``: (n, dim), zeros for things that nothing is known about yet; ``pairs``: (n,), how many each took part in."""
        self._features = first.copy()
        self._pairs = pairs.copy()
        self._pull = np.zeros(first.shape, np.float64)
        self._settled = first.any(axis=1)

    @property
    def features(self) -> Matrix:
        """(n, dim) as of now; a view, not a copy."""
        return self._features

    def observe(self, groups: Ints, things: Ints, n_things: int) -> Ints:
        """Learns from visits in order of time, of which ``things`` are numbers below ``n_things``; the things that moved."""
        self._grow(n_things)
        counts = covisit_counts(groups, things, len(self._features))
        self._pairs += counts.row_sums()
        has_features = self._features.any(axis=1)
        told = ~self._settled[counts.rows] & has_features[counts.columns]
        newcomers, others, together = counts.rows[told], counts.columns[told], counts.values[told]
        strength = np.where(self._settled[others], 1.0, NEWCOMERS_PULL) * together / np.sqrt(self._pairs[others])
        np.add.at(self._pull, newcomers, strength[:, None] * self._features[others])
        moved: Ints = np.unique(newcomers)
        self._features[moved] = unit(self._pull[moved])
        return moved

    def _grow(self, n_things: int) -> None:
        if n_things <= len(self._features):
            return
        # By half more than asked for: growing by a few at a time would copy everything each time.
        more = n_things + n_things // 2 - len(self._features)
        dim = self._features.shape[1]
        self._features = np.concatenate([self._features, np.zeros((more, dim), np.float32)])
        self._pull = np.concatenate([self._pull, np.zeros((more, dim), np.float64)])
        self._pairs = np.concatenate([self._pairs, np.zeros(more, np.float64)])
        self._settled = np.concatenate([self._settled, np.zeros(more, bool)])
