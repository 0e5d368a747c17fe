"""Random numbers that depend on nothing but a seed and a name.

What becomes of a push is drawn from its command id, not from a stream that all pushes share. So the same push meets the same luck
however many others there are and in whatever order they come, and two policies can be compared on the same users' luck.
"""

import math
from hashlib import blake2b
from statistics import NormalDist

import numpy as np

_STANDARD = NormalDist()
_UNIFORMS = 8


class Draws:
    """Eight independent uniform numbers in (0, 1) for one name; ``first`` to ``eighth`` by index 0..7.

    >>> Draws(1, "a").uniform(0) == Draws(1, "a").uniform(0) != Draws(2, "a").uniform(0)
    True
    """

    __slots__ = ("_digest",)

    def __init__(self, seed: int, name: str) -> None:
        self._digest = blake2b(name.encode(), digest_size=8 * _UNIFORMS, key=seed.to_bytes(16, "little", signed=True)).digest()

    def uniform(self, index: int) -> float:
        """Over (0, 1)."""
        raw = int.from_bytes(self._digest[8 * index : 8 * index + 8], "little") >> 11
        return (raw + 0.5) / (1 << 53)

    def lognormal(self, index: int, median: float, spread: float) -> float:
        """Positive; ``spread`` is the sigma of its logarithm."""
        return median * math.exp(spread * _STANDARD.inv_cdf(self.uniform(index)))

    def exponential(self, index: int, mean: float) -> float:
        """Positive."""
        return -mean * math.log(self.uniform(index))

    def number(self) -> int:
        """48 bits, the same for the same name."""
        return int.from_bytes(self._digest[:6], "little")

    def generator(self) -> np.random.Generator:
        """For whatever needs more than eight numbers."""
        return np.random.Generator(np.random.PCG64(int.from_bytes(self._digest[-16:], "little")))


def stream(seed: int, *path: int) -> np.random.Generator:
    """An independent generator for one purpose, such as (3, 17): tick 17 of purpose 3."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([abs(seed), int(seed < 0), *path])))
