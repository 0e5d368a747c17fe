"""When others are there, open and convert, by segment, in the decider's memory. Part of the knowledge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flink_job.core.learning.facts import SegmentFacts
from flink_job.core.learning.fading import fading
from flink_job.core.learning.state import SLOT_COLUMNS, SlotCounts
from flink_job.core.local_time import SLOTS


class KnownHours:
    """The newest facts of each segment. An older record never replaces a newer one."""

    __slots__ = ("_half_life_ms", "_of_segment")

    def __init__(self, half_life_ms: int) -> None:
        self._half_life_ms = half_life_ms
        self._of_segment: dict[str, SegmentFacts] = {}

    def put(self, facts: SegmentFacts) -> bool:
        """Take in facts; False if newer ones are held."""
        held = self._of_segment.get(facts.segment)
        if held is not None and held.made_at_ms >= facts.made_at_ms:
            return False
        self._of_segment[facts.segment] = facts
        return True

    def of(self, country: str, now_ms: int) -> NDArray[np.float64]:
        """(168, 4) decayed sends, opens, conversions and visits by hour of week, of this segment; zeros if nothing is known."""
        facts = self._of_segment.get(country)
        return np.zeros((SLOTS, SLOT_COLUMNS)) if facts is None else self._faded(facts, now_ms)

    def of_all(self, now_ms: int) -> NDArray[np.float64]:
        """The same of all segments together, (168, 4)."""
        total = np.zeros((SLOTS, SLOT_COLUMNS))
        for name in sorted(self._of_segment):  # in one order, whatever order they came in
            total += self._faded(self._of_segment[name], now_ms)
        return total

    def week(self, country: str, now_ms: int) -> tuple[SlotCounts, SlotCounts] | None:
        """Those of all segments and of this one, (168, 4) each, None if nothing is known."""
        everybody = self.of_all(now_ms).astype(np.float32)
        return (everybody, self.of(country, now_ms).astype(np.float32)) if everybody.any() else None

    def _faded(self, facts: SegmentFacts, now_ms: int) -> NDArray[np.float64]:
        left: NDArray[np.float64] = facts.slots.astype(np.float64)
        left *= fading(max(now_ms - facts.as_of_ms, 0), self._half_life_ms)
        return left
