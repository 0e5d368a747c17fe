"""Two clocks: the civil one that everybody's watch shows, and how far lives have gone on.

At pace 1 they are the same. At pace 30 people think, tire, forget, publish and sell out thirty times as fast, while the hour of
their day stays what the watch says: good for watching a world at work. Events carry civil time; the world's own modules reckon in
life time.

>>> Pace(origin_ms=1_000_000, factor=30).life(1_001_000)
1030000
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Pace:
    """``life - origin = factor * (civil - origin)``; both in milliseconds since the epoch."""

    origin_ms: int
    factor: float = 1.0

    def life(self, civil_ms: int) -> int:
        """How far lives are at a moment of the clock."""
        return self.origin_ms + round((civil_ms - self.origin_ms) * self.factor)

    def civil(self, life_ms: int) -> int:
        """What the clock shows at a moment of life."""
        return self.origin_ms + round((life_ms - self.origin_ms) / self.factor)

    def civil_all(self, life_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """``civil`` of each."""
        if self.factor == 1.0:
            return life_ms
        civil: NDArray[np.int64] = self.origin_ms + np.rint((life_ms - self.origin_ms) / self.factor).astype(np.int64)
        return civil

    def life_all(self, civil_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """``life`` of each."""
        if self.factor == 1.0:
            return civil_ms
        life: NDArray[np.int64] = self.origin_ms + np.rint((civil_ms - self.origin_ms) * self.factor).astype(np.int64)
        return life
