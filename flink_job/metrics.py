"""Every metric of the job, by name. See docs/metrics.md.

A call from Python into Flink's counters costs as much as the whole gate, so counts are kept here and handed over every few milliseconds, always by
the operator's own thread. (Flink's gauges would be asked by other threads, and those crash the interpreter inside the JVM.) All are running totals
since this instance of the operator was opened: a job that is started, resumed or restarted after a failure counts from 0 again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Protocol

from flink_job.codec.errors import reason_name
from flink_job.core.reasons import Reason
from flink_job.variety import ENTROPY_BOUNDS_MBIT, Variety
from kairos.v1 import dead_letter_pb2

COUNTERS = {
    "signals": "signals read, dead letters included",
    "decisions": "decisions that asked the gates",
    "scored": "decisions that scored candidates; the others were saved by the gates",
    "pushes": "push commands sent",
    "wake_ups_set": "wake-ups set",
    "wake_ups_fired": "timers that fired, those no longer wanted included",
    "users_new": "users seen for the first time",
    "users_erased": "users erased",
    "inputs_logged": "decisions logged with all that they read",
    "inputs_too_large": "decisions logged without it, because the record would have been too large",
    "exposures": "users whose first signal came since the arms of their experiments differ",
    "items_changed": "catalogue changes taken in",
    "items_outdated": "catalogue records older than what was held",
    "items_unusable": "restored items that the present configuration refuses; publish the catalogue again",
    "knowledge_unused": "knowledge records of a kind this release does not use",
    "knowledge_taken": "knowledge records about items and segments, and prices of a push, taken in",
    "knowledge_outdated": "knowledge records about items and segments, and prices of a push, older than what was held",
    "item_signals_sent": "item signals written by the user operator",
    "item_signals": "item signals read by the item operator, once for each key they concern",
    "item_signals_repeated": "of these, those it had learned from before",
    "item_versions": "catalogue records read by the item operator",
    "knowledge_released": "knowledge records written by the item operator",
    "nudges_sent": "nudges written by the item operator",
    "policy_changed": "times another policy came into force",
    "policy_outdated": "policies older than the one that was held",
    "policy_refused": "policies that cannot be followed; each is a dead letter too, but for those restored under a changed configuration",
    **{f"suppressed.{reason.metric}": reason.value for reason in Reason},
    **{
        f"dead_letters.{reason_name(number)}": "dead letters for this reason"
        for number in dead_letter_pb2.DeadLetterReason.values()
        if number
    },
}
"""Name → what it counts."""

LATENCY_BUCKETS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 60000)
"""Upper bounds of the buckets of `push_latency_ms.le_<bound>`: from the cause of a push to its decision."""


class FlinkCounter(Protocol):
    """The part of Flink's counter that is used."""

    def inc(self, n: int) -> None:
        """Add."""

    def dec(self, n: int) -> None:
        """Take away."""


class MetricGroup(Protocol):
    """The part of Flink's metric group that is used."""

    def counter(self, name: str) -> FlinkCounter:
        """The counter of this name."""


class Metrics:
    """Counts of one operator instance."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(COUNTERS, 0)
        self.suppressed = {reason: f"suppressed.{reason.metric}" for reason in Reason}
        self.latency = [0] * (len(LATENCY_BUCKETS_MS) + 1)
        self.variety = Variety()
        self.levels: dict[str, Callable[[], int]] = {}
        """Values that go up and down, by name."""
        self._flink: dict[str, FlinkCounter] = {}
        self._shown: dict[str, int] = {}

    def add(self, name: str) -> None:
        """Count one."""
        self.counts[name] += 1

    def push_latency(self, milliseconds: int) -> None:
        """Note how long after its cause a push was decided."""
        self.latency[bisect_left(LATENCY_BUCKETS_MS, milliseconds)] += 1

    def values(self) -> dict[str, int]:
        """Every metric, as it stands."""
        values = dict(self.counts)
        total = 0
        for bound, count in zip((*LATENCY_BUCKETS_MS, "inf"), self.latency, strict=True):
            total += count
            values[f"push_latency_ms.le_{bound}"] = total
        total = 0
        for bound, count in zip((*ENTROPY_BOUNDS_MBIT, "inf"), self.variety.entropies, strict=True):
            total += count
            values[f"category_entropy_mbit.le_{bound}"] = total
        values["items_covered"] = self.variety.covered
        for name, read in self.levels.items():
            values[name] = read()
        return values

    def register(self, group: MetricGroup) -> None:
        """Show every metric to Flink; `show` keeps them up to date."""
        self._flink = {name: group.counter(name) for name in self.values()}
        self._shown = dict.fromkeys(self._flink, 0)

    def show(self) -> None:
        """Hand over what has changed. Only the operator's own thread may call this."""
        for name, value in self.values().items():
            change = value - self._shown[name]
            if change > 0:
                self._flink[name].inc(change)
            elif change < 0:
                self._flink[name].dec(-change)
            self._shown[name] = value
