"""Every word, category or price step as a fixed vector of signs: a dictionary that never has to be built or shared.

A token t gets φ(t) = σ(t) / √dim, where the signs σ(t) ∈ {−1, +1}^dim are the bits of BLAKE2b(t). Then ⟨φ(t), φ(t)⟩ = 1 and, for
t ≠ t', ⟨φ(t), φ(t')⟩ has mean 0 and standard deviation 1/√dim: 0.125 at 64 dimensions. Signed hashing keeps inner products unbiased
(Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009); that a dense ±1 projection also keeps
distances is due to Achlioptas ("Database-friendly random projections", JCSS 2003). Hashing a token to one signed bucket instead
has the same variance, but puts it all into few pairs: at 64 buckets every 64th category would look *identical* to a given one.

*Contract*: the same token has the same vector in every process, on every machine, for ever; Python's own ``hash`` would not do.

>>> φ = SignProjection(dim=8)
>>> [round(float(x) * 8**0.5) for x in φ.vector("word:mug")]
[-1, 1, -1, -1, -1, -1, 1, 1]
"""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_BITS_PER_DIGEST = 512  # BLAKE2b gives at most 64 bytes
_CACHED_TOKENS = 200_000  # of 64 float32 each: 50 MB at most


class SignProjection:
    """Tokens to vectors of ``dim`` numbers, each with Euclidean length 1."""

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise ValueError(f"dim is {dim}, but a vector needs 1 or more dimensions")
        self.dim = dim
        self._scale = np.float32(1.0 / np.sqrt(dim))
        self._cache: dict[str, NDArray[np.float32]] = {}

    def vector(self, token: str) -> NDArray[np.float32]:
        """φ(token), (dim,). Read-only: it is shared."""
        known = self._cache.get(token)
        if known is not None:
            return known
        if len(self._cache) >= _CACHED_TOKENS:
            self._cache.clear()
        signs = self._bits(token).astype(np.float32) * 2 - 1
        vector: NDArray[np.float32] = signs * self._scale
        vector.flags.writeable = False
        self._cache[token] = vector
        return vector

    def sum(self, weighted: Mapping[str, float]) -> NDArray[np.float32]:
        """Σ_t weight_t φ(t), (dim,); zeros if there is no token."""
        total = np.zeros(self.dim, np.float32)
        for token, weight in weighted.items():
            total += np.float32(weight) * self.vector(token)
        return total

    def _bits(self, token: str) -> NDArray[np.uint8]:
        data = token.encode()
        digests = [
            hashlib.blake2b(data, digest_size=(min(_BITS_PER_DIGEST, self.dim - at) + 7) // 8, salt=at.to_bytes(4, "little")).digest()
            for at in range(0, self.dim, _BITS_PER_DIGEST)
        ]
        return np.unpackbits(np.frombuffer(b"".join(digests), np.uint8))[: self.dim]
