"""Not the same again: what is like the last pushes counts for less, and a digest does not repeat itself.

Demotion, as Instagram describes it for notifications: the utility of a candidate c is multiplied by

    Π_d (1 − w_d · max_p recency(p) · 1{sim_d(c, p) > τ_d}),   recency(p) = 2^(−age of p / half-life)

over the ways d of being alike (the same category, the same top category, the same creator, features in nearly the same direction) and the last
pushes p. It is a maximum over the pushes and not a product: two mugs yesterday speak against a third no more than one does, and no candidate
falls below Π_d (1 − w_d).

Worked example: one push, a half-life ago, of the candidate's category and by its creator; w = 0.4 and 0.2. The factor is
(1 − 0.4 · 0.5) · (1 − 0.2 · 0.5) = 0.72.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flink_job.core.catalogue import Catalogue
from flink_job.core.index.codes import SCALE, Codes
from flink_job.core.index.columns import Rows
from flink_job.core.index.labels import UNLABELLED, Labels
from flink_job.core.rules.diversity import DiversityRules
from flink_job.core.state import FAILED, UserState

Utilities = NDArray[np.float64]

_SQUARED = SCALE * SCALE  # inner product of a direction with itself


@dataclass(frozen=True, slots=True, eq=False)
class Pushed:
    """The last pushes whose items are still in the catalogue, newest first: their rows, (m,), and ages in milliseconds, (m,)."""

    rows: Rows
    ages_ms: NDArray[np.float64]


class Diversity:
    """The rules of diversity, ready to use on one catalogue."""

    __slots__ = ("_catalogue", "_rules", "_shares")

    def __init__(self, rules: DiversityRules, catalogue: Catalogue) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._shares = np.array([[rules.same_category], [rules.same_top_category], [rules.same_creator]])

    def pushed(self, state: UserState, now_ms: int) -> Pushed:
        """What of the last pushes speaks against more of the same. One that failed was not seen; of an item that is gone nothing is known."""
        rows: list[int] = []
        ages_ms: list[int] = []
        for at in range(len(state.sent_item) - 1, -1, -1):
            if len(rows) == self._rules.last:
                break
            row = self._catalogue.row_of_key(state.sent_item[at])
            if row >= 0 and state.sent_status[at] != FAILED:
                rows.append(row)
                ages_ms.append(max(now_ms - state.sent_at_ms[at], 0))
        return Pushed(np.array(rows, np.intp), np.array(ages_ms, np.float64))

    def factors(self, candidates: Rows, pushed: Pushed) -> Utilities:
        """What each candidate's utility is multiplied by, (n,), in (0, 1]."""
        catalogue, rules = self._catalogue, self._rules
        if not len(pushed.rows):
            return np.ones(len(candidates))
        recency = np.exp2(pushed.ages_ms / -rules.half_life_ms)
        labels, theirs = catalogue.labels.take(candidates, axis=0), catalogue.labels.take(pushed.rows, axis=0)
        factors: Utilities = np.multiply.reduce(1.0 - self._shares * newest_with(labels, theirs, recency))
        if rules.alike:
            alike = catalogue.directions(pushed.rows) @ catalogue.directions(candidates).T > rules.alike_above * _SQUARED
            factors *= 1.0 - rules.alike * np.maximum.reduce(alike * recency[:, np.newaxis])
        return factors


def newest_with(labels: Labels, theirs: Labels, recency: NDArray[np.float64]) -> NDArray[np.float64]:
    """The highest recency, (m,), of those of `theirs`, (m, kinds), that have the same label as each of `labels`, (n, kinds): (kinds, n).

    Without a label nothing is the same.
    """
    mine, theirs = np.ascontiguousarray(labels.T)[:, np.newaxis, :], theirs.T[:, :, np.newaxis]
    found: NDArray[np.float64] = np.maximum.reduce((mine == theirs) * ((theirs != UNLABELLED) * recency[:, np.newaxis]), axis=1)
    return found


def demoted(utilities: NDArray[np.floating[Any]], factors: NDArray[np.float64]) -> Utilities:
    """Utilities, (n,), after their factors in (0, 1].

    A negative utility stays as it is: a factor would raise it. So none ever rises, and none changes its sign.

    >>> demoted(np.array([2.0, -2.0]), np.array([0.5, 0.5])).tolist()
    [1.0, -2.0]
    """
    return np.minimum(utilities, utilities * factors)


def select(
    utilities: NDArray[np.floating[Any]],
    directions: Codes,
    keys: NDArray[np.uint64],
    before: Codes,
    items: int,
    relevance: float,
    picked: Sequence[int] = (),
) -> list[int]:
    """Positions of up to `items` candidates for one digest, in the order in which they are picked; those of `picked` were before.

    Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): again and again the candidate with the highest

        relevance · u_i / max u − (1 − relevance) · max(0, max_j cos(i, j)),   j: what was picked already, and `before`

    Utilities, (n,), are scaled because cosines have a scale; only positive ones are picked. `directions`, (n, dim), and `before`, (m, dim), of the
    last pushes, are the catalogue's. Of equal ones the lowest of the `keys`, (n,), comes first, so the order of candidates does not matter.
    """
    open_to = utilities > 0.0
    positions: list[int] = []
    if not open_to.any():
        return positions
    worth = relevance * (utilities / utilities.max())
    nearest = np.zeros(len(utilities))
    open_to[list(picked)] = False
    for position in picked:
        np.maximum(nearest, directions @ directions[position], out=nearest)
    if len(before):
        np.maximum(nearest, (before @ directions.T).max(axis=0), out=nearest)
    for _ in range(min(items, np.count_nonzero(open_to))):
        value = np.where(open_to, worth - (1.0 - relevance) / _SQUARED * nearest, -np.inf)
        best = np.flatnonzero(value == value.max())
        position = int(best[keys.take(best).argmin()])
        positions.append(position)
        open_to[position] = False
        np.maximum(nearest, directions @ directions[position], out=nearest)
    return positions


def entropy(labels: Iterable[int]) -> float:
    """How evenly labels are spread, in bits: 0 if all are the same, log₂ k if k are equally frequent. Unlabelled ones do not count.

    >>> entropy([5, 5, 8, 8])
    1.0
    """
    counts = Counter(labels)
    del counts[UNLABELLED]
    total = counts.total()
    return sum(count / total * log2(total / count) for count in counts.values())
