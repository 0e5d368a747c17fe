"""Decayed sums: `S(t) = Σ_k x_k · 2^(−(t − t_k) / h)`, kept as the value at the newest time it has seen.

What is newer moves that time and fades the value; what is older is faded before it is added. So the order of arrival does not matter (`x`
added out of order gives the same value, but for rounding), and nothing grows without bound. Source: forward decay, Cormode, Shkapenyuk,
Srivastava & Xu, ICDE 2009, with the landmark at the newest element.
"""

from __future__ import annotations


def fading(age_ms: int, half_life_ms: int) -> float:
    """What is left of 1 after `age_ms`.

    >>> fading(3_600_000, 3_600_000)
    0.5
    """
    # Python raises OverflowError below the least float; whatever is that old is gone.
    left: float = 2.0 ** -min(age_ms / half_life_ms, 1000.0)
    return left


def times(held_at_ms: int, at_ms: int, half_life_ms: int) -> tuple[int, float, float]:
    """How to add what happened at `at_ms` to a value held as of `held_at_ms`: the new time, the factor of the held and that of the new.

    >>> times(1_000, 2_000, 1_000), times(2_000, 1_000, 1_000)
    ((2000, 0.5, 1.0), (2000, 1.0, 0.5))
    """
    if at_ms >= held_at_ms:
        return at_ms, fading(at_ms - held_at_ms, half_life_ms), 1.0
    return held_at_ms, 1.0, fading(held_at_ms - at_ms, half_life_ms)
