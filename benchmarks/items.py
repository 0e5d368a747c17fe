"""The catalogue of the benchmarks: groups of similar items (Zipf) around centres that belong to twenty themes. The same for the same arguments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.overlay import DAY_MS
from kairos.v1 import item_pb2

ITEMS_PER_GROUP = 100
THEMES = 20
SEED = 20260105

Ints = NDArray[np.int64]
_ADJECTIVES = ("Quiet", "Bright", "Heavy", "Little", "Northern", "Woollen", "Double", "Round", "Second", "Early")
_NOUNS = ("Lantern", "Harbour", "Orchard", "Kettle", "Compass", "Meadow", "Ladder", "Violin", "Blanket", "Signal")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Records to write, and what the events need to know about them."""

    records: list[tuple[str, bytes]]
    """(item id, kairos.v1.Item)"""
    groups: list[Ints]
    """Numbers of the items of each group, most popular first."""


def make_catalogue(count: int, dim: int, now_ms: int) -> Catalogue:
    """`count` items with features of length `dim`, published in the 90 days before `now_ms`."""
    rng = np.random.default_rng(SEED)
    groups = max(THEMES, count // ITEMS_PER_GROUP)
    size = np.arange(1, groups + 1) ** -0.7
    group = rng.choice(groups, count, p=size / size.sum())  # drawn first: it is the same for every `dim`
    group[:groups] = np.arange(groups)[:count]  # none is empty
    theme_of_group = rng.integers(0, THEMES, groups)
    themes = _units(rng.normal(size=(THEMES, dim)))
    centres = _units(0.8 * _units(rng.normal(size=(groups, dim))) + themes[theme_of_group])
    features = _units(centres[group] + rng.normal(size=(count, dim)) * (0.7 / np.sqrt(dim))).astype("<f4")
    age_ms = rng.integers(0, 90 * DAY_MS, count)
    price = np.round(np.exp(rng.normal(3.0, 1.0, count)), 2)
    records = [
        (
            item_id(at),
            item_pb2.Item(
                item_id=item_id(at),
                updated_at_ms=now_ms - 1,
                scenario=item_pb2.SCENARIO_SHOP,
                features=features[at].tobytes(),
                categories=["all", f"theme-{theme_of_group[group[at]]}", f"group-{group[at]}"],
                price=float(price[at]),
                currency="EUR",
                published_at_ms=int(now_ms - age_ms[at]),
                texts={"": _text(at, rng), "pt": _text(at, rng)},
                image_url=f"https://images.example.com/{item_id(at)}/large.webp",
                deep_link=f"shop://items/{item_id(at)}",
            ).SerializeToString(),
        )
        for at in range(count)
    ]
    return Catalogue(records, [np.flatnonzero(group == number).astype(np.int64) for number in range(groups)])


def item_id(number: int) -> str:
    """The id of an item."""
    return f"item-{number:06d}"


def _text(number: int, rng: np.random.Generator) -> item_pb2.ItemText:
    adjective, noun = rng.integers(0, 10, 2)
    title = f"{_ADJECTIVES[adjective]} {_NOUNS[noun]} No. {number}"
    return item_pb2.ItemText(title=title, summary=f"{title}: in stock now, delivered to your door within two days.")


def _units(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    units: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return units
