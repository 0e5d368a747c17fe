"""Means with intervals, paired: the same users of the same worlds with the same luck under every policy.

Users are drawn anew with all that is theirs (B. Efron and R. Tibshirani, *An Introduction to the Bootstrap*, 1993, ch. 6 and 8), within
each seed, and with the same draw for every policy, so that a difference or a ratio of two policies varies only by what they do to the users.
Half widths are 1.96 standard deviations of the draws. What another world (seed) of the same kind would give is in them only as far as users are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kairos.evaluate.measures import Measure

Floats = NDArray[np.float64]
_DRAWS = 1_000
_SEED = 20_260_302
_NORMAL = 1.96


@dataclass(frozen=True, slots=True)
class Estimate:
    """``mean ± half``; nan where there is nothing to divide by."""

    mean: float
    half: float


class Bootstrap:
    """``users``: how many each seed has. All arrays handed in are the seeds' users one after the other."""

    def __init__(self, users: Sequence[int]) -> None:
        rng = np.random.default_rng(_SEED)
        draws = [rng.multinomial(n, np.full(n, 1 / n), size=_DRAWS) for n in users]
        self._weights = np.concatenate([np.ones((1, sum(users))), np.concatenate(draws, axis=1)])  # the first row: as it was

    def values(self, measure: Measure, sums: Mapping[str, Floats]) -> Floats:
        """The measure as it was, and of every draw, (1 + draws,)."""
        of, per = self._weights @ sums[measure.of], self._weights @ sums[measure.per]
        with np.errstate(divide="ignore", invalid="ignore"):
            values: Floats = measure.scale * of / per
        return values


def estimate(values: Floats) -> Estimate:
    """Of what ``values`` gave, or of a difference or ratio of two of them.

    >>> estimate(np.array([2.0, 1.0, 3.0, 1.0, 3.0]))
    Estimate(mean=2.0, half=1.96)
    """
    drawn = values[1:][np.isfinite(values[1:])]
    return Estimate(float(values[0]), float(_NORMAL * drawn.std()) if len(drawn) else float("nan"))
