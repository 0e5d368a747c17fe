"""Notes what the decisions of one call read of what all users share, so that they can be taken again without it.

Who calls it: the adapter, before and after a call of the policy whose cause was drawn; the finder and the moment, while it watches. There is one
only where the policy asks for replayable logs, so that all others pay nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.candidates import Finder, Found
from flink_job.core.ids import digest_of
from flink_job.core.learning.state import SlotCounts
from flink_job.core.state import UserState
from flink_job.core.tastes import Tastes

_WHOLE_DIGEST = 1 << 64

WeekOfOthers = tuple[SlotCounts, SlotCounts]
"""Decayed sends, opens, conversions and visits by hour of the week, (168, 4) each: of everybody, and of a segment."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What was found for a moment. `about_key`: the item that it was about, 0: none; `only`: no other would have done."""

    now_ms: int
    about_key: int
    only: bool
    found: Found


@dataclass(frozen=True, slots=True, eq=False)
class HoursAsked:
    """What was known of others' hours when it was asked: in which hour since the epoch, for which country; None: nothing."""

    country: str
    hour: int
    week: WeekOfOthers | None


class Witness:
    """What was read since `begin`; `watching` until `end`."""

    __slots__ = ("_below", "findings", "hours", "watching")

    def __init__(self, share: float) -> None:
        """`share` of all causes are drawn."""
        self._below = int(share * _WHOLE_DIGEST)
        self.watching = False
        self.findings: list[Finding] = []
        self.hours: list[HoursAsked] = []

    def draws(self, cause_id: str) -> bool:
        """What this cause leads to is to be replayable: the draw by which a share of the decisions against a push is logged."""
        return int.from_bytes(digest_of(cause_id), "little") < self._below

    def begin(self) -> None:
        """Watch, and forget what was noted before."""
        self.watching = True
        self.findings, self.hours = [], []

    def end(self) -> None:
        """Watch no more."""
        self.watching = False


class WatchedFinder:
    """A finder whose findings the witness notes while it watches."""

    __slots__ = ("_finder", "_witness")

    def __init__(self, finder: Finder, witness: Witness) -> None:
        self._finder = finder
        self._witness = witness

    def find(self, state: UserState, tastes: Tastes, nudged_key: int, now_ms: int) -> Found:
        """As the finder itself."""
        found = self._finder.find(state, tastes, nudged_key, now_ms)
        if self._witness.watching:
            self._witness.findings.append(Finding(now_ms, nudged_key, False, found))
        return found

    def only(self, key: int, now_ms: int) -> Found:
        """As the finder itself."""
        found = self._finder.only(key, now_ms)
        if self._witness.watching:
            self._witness.findings.append(Finding(now_ms, key, True, found))
        return found
