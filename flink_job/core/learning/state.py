"""What is kept of one item, creator or segment, as a value in memory; `flink_job.codec.item_state` makes bytes of it.

An item uses all of it but `slots` and `wording`; a creator only watchers; a segment only slots; a template only outcomes and `wording`.
Bounded in every part by the rules of learning.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SENT, OPENED, CONVERTED, DISMISSED, OPTED_OUT = range(5)
"""Positions in `outcomes`; the first three are columns of `slots`, too."""

SLOT_COLUMNS = 4
VISITS = 3
"""The column of visits."""

SlotCounts = NDArray[np.float32]
"""(168, 4): sends, opens, conversions by hour of week of sending, and visits by hour of week."""


def _none() -> list[float]:
    return [0.0] * 5


@dataclass(slots=True)
class ItemState:
    """One key of the item operator. The operator that loads it owns it; the core changes it in place."""

    popularity: float = 0.0
    """Σ ratings, decayed to `popularity_at_ms`; likewise by group of users (`ItemSignal.groups`)."""
    popularity_at_ms: int = 0
    by_group: dict[str, float] = field(default_factory=dict)

    outcomes: list[float] = field(default_factory=_none)
    """Pushes sent, opened, converted, dismissed, opted out, decayed to `outcomes_at_ms`."""
    slots: SlotCounts | None = None
    """Sends, opens, conversions and visits by slot, likewise; None: nothing is known."""
    outcomes_at_ms: int = 0

    rating_sum: float = 0.0
    """Σ ratings with the half-life of co-visits, decayed to `covisits_at_ms`; so are the weights of the neighbours."""
    covisits_at_ms: int = 0
    neighbour_ids: list[str] = field(default_factory=list)
    neighbour_key: array[int] = field(default_factory=lambda: array("Q"))
    neighbour_weight: array[float] = field(default_factory=lambda: array("f"))
    neighbour_rating_sum: array[float] = field(default_factory=lambda: array("f"))
    """The neighbours' own rating sums as last heard, 0: unknown."""

    watchers: list[str] = field(default_factory=list)
    """User ids, the longest without a word first."""
    watched_at_ms: array[int] = field(default_factory=lambda: array("q"))
    watch_reasons: array[int] = field(default_factory=lambda: array("B"))
    """Bit k for WatchReason k + 1."""

    updated_at_ms: int = 0
    """Version of the item's record; 0: none was seen. The next ones are from it."""
    price: float = math.nan
    """The highest since watchers were last told of a drop; NaN: none."""
    stock: int | None = None
    creator_id: str = ""
    category: str = ""
    deleted: bool = False
    posted: bool = False

    seen: bytes = b""
    """Digests of the newest signal ids, 8 bytes each, oldest first."""
    released_at_ms: int = 0
    unreleased_ratings: float = 0.0
    unreleased_outcomes: float = 0.0
    unreleased_visits: float = 0.0
    release_due_ms: int = 0
    """When a release is due; 0: none is waited for."""

    wording: list[float] = field(default_factory=list)
    """The six sums of `learning.wordings`, as of `outcomes_at_ms`; empty: nothing is known."""
