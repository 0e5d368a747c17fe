"""Randomness that can be repeated: the same question gives the same draw on every machine, and a replay the same choice.

There is no generator and no state of one. A draw is a hash of what it is for, so draws for different purposes are independent, and none depends
on how many were made before.
"""

from __future__ import annotations

from hashlib import blake2b
from math import inf

import numpy as np
from numpy.typing import NDArray

_PRECISION = 53  # bits that a float64 below 1 holds
_STEP = 2.0**-_PRECISION


def uniform(user_id: str, counter: int, purpose: str) -> float:
    """A number from [0, 1), one of 2⁵³ evenly spaced ones, for the `counter`-th decision on this user.

    `purpose` says what is drawn ("item", "message") and has at most 16 bytes; `counter` is at least 0 and below 2⁶⁴.

    >>> uniform("anna", 7, "item") == uniform("anna", 7, "item") != uniform("anna", 8, "item")
    True
    """
    digest = blake2b(user_id.encode(), digest_size=8, salt=counter.to_bytes(8, "little"), person=purpose.encode()).digest()
    return (int.from_bytes(digest, "little") >> (64 - _PRECISION)) * _STEP


def drawn(shares: NDArray[np.float64], draw: float) -> int:
    """Which of the `shares`, (n,), none negative and not all 0, the `draw` from [0, 1) falls on; never one of 0.

    The inverse of the distribution function, so the answer depends on the order of the shares: give them in an order that means something.
    Raises ValueError for shares or a draw that are none.

    >>> drawn(np.array([0.5, 0.0, 0.5]), 0.5)
    2
    """
    if not 0.0 <= draw < 1.0:
        raise ValueError(f"a draw is from [0, 1), not {draw}")
    below = np.add.accumulate(shares)
    total = below.item(-1)
    if not 0.0 < total < inf:
        raise ValueError(f"shares must be finite and have a positive sum, not {total}")
    # draw · total is below total in floating point too (by half a unit in the last place at least), so there always is a share above it.
    return int(below.searchsorted(draw * total, side="right"))
