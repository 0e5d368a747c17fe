"""How many events a second a build gets through, and what that costs: a fixed backlog, read from its start, timed by the markers in it."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from benchmarks.builds.build import Running
from benchmarks.stage import Stage
from benchmarks.usage import Usage
from kairos.errors import KairosError

WARM_UP_SHARE = 0.25
"""So much of the events that were reached is not counted: start-up, reading the catalogue, and the JVM compiling itself."""
_POLL_S = 0.25
_CHECK_S = 5.0
_FIRST_MARKER_S = 120.0
_FEWEST_MARKERS = 8


@dataclass(frozen=True, slots=True)
class Throughput:
    """One run over a backlog. Microseconds are of CPU, per event; memory is the peak."""

    events_per_s: float
    cpu_us: float
    broker_cpu_us: float
    rss_mib: float
    events_counted: int
    events_reached: int
    complete: bool
    push_share: float
    events_per_s_by_tenth: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def events_per_cpu_second(self) -> float:
        """Of the build's own processes."""
        return 1e6 / self.cpu_us

    @property
    def events_per_cpu_second_with_broker(self) -> float:
        """Of the build and the broker."""
        return 1e6 / (self.cpu_us + self.broker_cpu_us)


def drain(running: Running, stage: Stage, markers: Sequence[int], limit_s: float) -> bool:
    """Wait until every marker came through, or until `limit_s` after the first one did. Raises KairosError if the build ends or does nothing."""
    started, first_at, checked = time.monotonic(), 0.0, 0.0
    with stage.counted("dead-letters") as count:
        while (reached := count()) < len(markers):
            now = time.monotonic()
            if reached and not first_at:
                first_at = now
            if not reached and now - started > _FIRST_MARKER_S:
                raise KairosError(f"Nothing came through within {_FIRST_MARKER_S:.0f} s of the start.")
            if first_at and now - first_at > limit_s:
                return False
            if now - checked > _CHECK_S:
                running.check()
                checked = now
            time.sleep(_POLL_S)
    return True


def evaluate(stage: Stage, usage: Usage, markers: Sequence[int], *, counted_from: int, complete: bool, facts: dict[str, Any]) -> Throughput:
    """The steady part of a run that `drain` waited for; `markers` are the numbers of the records before each marker.

    What comes before record `counted_from` is no part of it.
    """
    times_ms = stage.times_ms("dead-letters")
    markers = markers[: len(times_ms)]
    if len(markers) < _FEWEST_MARKERS or markers[-1] <= counted_from:
        raise KairosError(f"Only {markers[-1] if markers else 0} events came through in the time given: too few to tell a rate.")
    first = bisect_left(markers, counted_from + WARM_UP_SHARE * (markers[-1] - counted_from))
    last = len(markers) - 1
    counted = markers[last] - markers[first]
    return Throughput(
        events_per_s=_rate(markers, times_ms, first, last),
        cpu_us=usage.cpu_between("build", times_ms[first], times_ms[last]) / counted * 1e6,
        broker_cpu_us=usage.cpu_between("broker", times_ms[first], times_ms[last]) / counted * 1e6,
        rss_mib=usage.peak_rss_mib("build", times_ms[first], times_ms[last]),
        events_counted=counted,
        events_reached=markers[last],
        complete=complete,
        push_share=stage.end("pushes") / (markers[last] - counted_from),
        events_per_s_by_tenth=_by_tenth(markers, times_ms),
        facts=facts,
    )


def _by_tenth(markers: Sequence[int], times_ms: Sequence[int]) -> list[float]:
    """The rate in every tenth of the events, to see whether it was steady."""
    ends = [bisect_left(markers, tenth * markers[-1] / 10) for tenth in range(11)]
    return [_rate(markers, times_ms, first, last) for first, last in pairwise(ends)]


def _rate(markers: Sequence[int], times_ms: Sequence[int], first: int, last: int) -> float:
    return (markers[last] - markers[first]) / max(1, times_ms[last] - times_ms[first]) * 1_000
