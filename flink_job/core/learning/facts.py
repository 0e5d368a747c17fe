"""What is known of an item, a segment or a wording, and what a push costs, as it is told to the deciders; `flink_job.core.knowledge` holds it.

The item operator makes the facts of items, segments and wordings; a price comes from people or from a controller.
"""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.learning.state import SlotCounts


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What behaviour taught about an item, as of `made_at_ms`.

    `outcomes`: pushes sent, opened, converted, dismissed, opted out, decayed to `outcomes_at_ms`. `popularity` and `by_group` are decayed to
    `made_at_ms`. `gone`: the item was taken out of the catalogue, and nothing else is told.
    """

    item_id: str
    made_at_ms: int
    popularity: float = 0.0
    by_group: tuple[tuple[str, float], ...] = ()
    rating_sum: float = 0.0
    neighbours: tuple[str, ...] = ()
    similarities: tuple[float, ...] = ()
    """0..1, of each neighbour, falling."""
    outcomes: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    outcomes_at_ms: int = 0
    category: str = ""
    stopped: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SegmentFacts:
    """When a segment's users are there and open pushes, as of `as_of_ms`. `segment` is a country, empty: users whose country is unknown."""

    segment: str
    made_at_ms: int
    as_of_ms: int
    slots: SlotCounts
    """(168, 4): sends, opens, conversions by hour of week of sending, and visits by hour of week."""


@dataclass(frozen=True, slots=True)
class WordingFacts:
    """What pushes taught about a template of messages: the six sums of `flink_job.core.learning.wordings`, decayed to `as_of_ms`."""

    template_id: str
    made_at_ms: int
    sums: tuple[float, ...] = (0.0,) * 6
    as_of_ms: int = 0


@dataclass(frozen=True, slots=True)
class PriceFacts:
    """What every push costs, in units of utility, 0 or more, until `valid_until_ms` (0: until another price is told)."""

    made_at_ms: int
    price: float = 0.0
    valid_until_ms: int = 0


Facts = ItemFacts | SegmentFacts | WordingFacts | PriceFacts
