"""Directions as whole numbers, so that inner products are exact.

Floating-point sums depend on the order of their terms, and BLAS chooses that order by shape, thread count and processor: the same two vectors
may differ in the last bits between a batch of one and a batch of a thousand, and a near-tie then falls the other way after a restart. A
direction is therefore rounded to whole numbers of length `SCALE`. Every partial sum of the inner product of two of them is a whole number
below `(SCALE + √dim / 2)² < 2²⁴` (Cauchy-Schwarz), which float32 holds exactly: any BLAS gives the same bits.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALE = 4000.0
MOST_DIMENSIONS = 8192  # √8192 / 2 = 45, and 4045² < 2²⁴

Codes = NDArray[np.float32]


def code_of(vector: NDArray[np.floating[Any]]) -> Codes | None:
    """The code of one vector, (dim,), whole numbers in float32; None if it has no direction (zero, or not finite).

    >>> code_of(np.array([3.0, -4.0])).tolist()
    [2400.0, -3200.0]
    """
    wide = vector.astype(np.float64)
    squared = float(np.add.reduce(wide * wide))
    if not 0.0 < squared < inf:
        return None
    wide *= SCALE / sqrt(squared)
    return np.rint(wide, out=wide).astype(np.float32)


def codes_of(vectors: NDArray[np.float32]) -> tuple[Codes, NDArray[np.bool_]]:
    """The codes of many vectors, (n, dim), bit for bit as one by one, and which of them have a direction; the others get zeros."""
    wide = np.ascontiguousarray(vectors, np.float64)
    squared = np.add.reduce(wide * wide, axis=1)
    has_direction = (squared > 0.0) & (squared < inf)
    wide[~has_direction] = 0.0
    wide *= (SCALE / np.sqrt(np.where(has_direction, squared, 1.0)))[:, np.newaxis]
    return np.rint(wide, out=wide).astype(np.float32), has_direction
