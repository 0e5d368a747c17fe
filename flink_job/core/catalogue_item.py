"""One version of an item as the catalogue keeps it, and the groups in which it is found."""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.ids import key_of
from flink_job.core.index.columns import Floats

URGENT = "\0urgent"
"""A group that is no category: what is urgent, or has the editors' boost."""

_HIGH = 3


@dataclass(frozen=True, slots=True, eq=False)
class CatalogueItem:
    """One version of an item. Times are milliseconds since the epoch."""

    item_id: str
    key: int
    """64-bit hash of the id, `flink_job.core.ids.key_of`."""
    updated_at_ms: int
    features: Floats | None
    """F_i, (dim,), of length 1; None if the item has none."""
    categories: tuple[str, ...]
    """From general to specific."""
    price: float
    """NaN if it has none."""
    stock: int | None
    """None: not limited. 0 or less: sold out."""
    valid_from_ms: int
    valid_until_ms: int
    """Not sent from then on; 0: no end."""
    published_at_ms: int
    creator_id: str
    countries: frozenset[str]
    languages: frozenset[str]
    min_age: int
    sensitivities: frozenset[str]
    consumable: bool
    boost: float
    payload: bytes
    """The record itself; the adapter renders the message from it."""
    scenario: int = 0
    """Which kind of thing: 1 shop, 2 news, 3 social, 0 unknown."""
    urgency: int = 0
    """As `kairos.v1.Urgency`; 3 within the hour, 4 now or never."""
    replenish_after_ms: int = 0
    """A consumable is bought again after about so long; 0: unknown."""
    segments: frozenset[str] = frozenset()
    """Of the users it is for; empty: all."""

    @property
    def restricted(self) -> bool:
        """Not everybody may get it."""
        return bool(self.countries or self.languages or self.min_age or self.sensitivities or self.segments)

    @property
    def groups(self) -> tuple[str, ...]:
        """What it is found by: its categories, its creator, and whether it is urgent."""
        groups = self.categories
        if self.creator_id:
            groups += (by_creator(key_of(self.creator_id)),)
        if self.urgency >= _HIGH or self.boost > 0:
            groups += (URGENT,)
        return groups


def by_creator(creator_key: int) -> str:
    """The group of the items of a creator, by the key of their id; no category either."""
    return f"\0creator/{creator_key:x}"
