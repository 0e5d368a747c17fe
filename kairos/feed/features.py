"""Item features from content: categories, words and price, each projected to the same ``dim`` dimensions.

    F_i = unit( Σ_b  w_b · unit( Σ_{t ∈ b} weight_t · φ(t) ) )      b ∈ {categories, words, price}

with φ of ``projection``. Each block is brought to length 1 first, so that an item with a long title is not "more text" than one
with a short one, and the weights ``w_b`` mean what they say. A block without tokens is left out; an item without any has no
features (zeros), and then no claim is made about it.

*Contract*: pure and deterministic; no vocabulary, no corpus: an item that is published next year fits into today's space.

>>> featuriser = ItemFeaturiser(dim=64)
>>> mug, cup, drill = (
...     featuriser.features(categories=["home", "kitchen", "mugs"], text="red mug", price=6.5),
...     featuriser.features(categories=["home", "kitchen", "cups"], text="red cup", price=5.0),
...     featuriser.features(categories=["tools"], text="hammer drill", price=89.0),
... )
>>> bool(mug @ cup > 0.4 > mug @ drill)
True
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kairos.feed.projection import SignProjection
from kairos.feed.tokens import category_tokens, price_tokens, word_tokens

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BlockWeights:
    """How much each kind of content counts. Measured choices: docs/features.md."""

    categories: float = 1.0
    words: float = 1.0
    price: float = 0.25


class ItemFeaturiser:
    """Content to ``F_i``, float32 of length ``dim`` and Euclidean length 1 (or all zeros where there is no content)."""

    def __init__(self, dim: int, weights: BlockWeights | None = None) -> None:
        self._projection = SignProjection(dim)
        self._weights = weights or BlockWeights()

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self._projection.dim

    def features(
        self,
        *,
        categories: Sequence[str] = (),
        text: str = "",
        tags: Iterable[str] = (),
        price: float | None = None,
    ) -> Vector:
        """(dim,). ``categories`` from general to specific; ``price`` in the catalogue's own currency."""
        blocks = (
            (self._weights.categories, category_tokens(categories)),
            (self._weights.words, word_tokens(text, tags)),
            (self._weights.price, price_tokens(price)),
        )
        total = np.zeros(self.dim, np.float32)
        for weight, tokens in blocks:
            if tokens:
                total += np.float32(weight) * unit(self._projection.sum(tokens))
        return unit(total)


def unit(vectors: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float32]:
    """Each row scaled to Euclidean length 1; rows that are (nearly) zero become exactly zero. Shape as given: (dim,) or (n, dim)."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled = np.divide(vectors, lengths, out=np.zeros_like(vectors, dtype=np.float32), where=lengths > 1e-9, casting="unsafe")
    return scaled.astype(np.float32, copy=False)


def to_bytes(vector: Vector) -> bytes:
    """As the contract has it: little-endian float32. Empty for a vector of zeros: the item says nothing about itself."""
    return vector.astype("<f4").tobytes() if vector.any() else b""
