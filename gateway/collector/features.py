"""Features for items that come without: of their categories, words and price, as `kairos feed` makes them (docs/features.md)."""

from __future__ import annotations

from collections.abc import Callable

from kairos.v1.item_pb2 import Item


def featuriser(dim: int) -> Callable[[Item], bytes]:
    """What makes `dim` little-endian float32 numbers of an item; nothing of an item without content."""
    from kairos.feed.features import ItemFeaturiser

    by_content = ItemFeaturiser(dim)

    def features(item: Item) -> bytes:
        text = item.texts.get("") or next((item.texts[language] for language in sorted(item.texts)), None)
        vector = by_content.features(
            categories=item.categories,
            text=f"{text.title} {text.summary}".strip() if text is not None else "",
            tags=item.tags,
            price=item.price if item.HasField("price") else None,
        )
        return vector.astype("<f4").tobytes() if vector.any() else b""

    return features


def leave(_item: Item) -> bytes:
    """Leaves an item without features as it is."""
    return b""
