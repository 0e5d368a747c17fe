"""When each event of a replay is due: by the log's own rhythm, at a rate, or at once.

A schedule begins when the first event is sent. ``due_ms`` is where in real time an event belongs; with times shifted it is also the
event's new time, so that event time and sending time are the same, however much faster than life the log is replayed.

*Contract*: values only. ``due_slices`` does the waiting, through a ``Clock`` that tests replace.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_AT_A_TIME = 2_000  # events between two looks at the clock
_SHORTEST_SLEEP_MS = 1.0


class Clock(Protocol):
    """Real time, or a test's."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""

    def sleep_ms(self, ms: float) -> None:
        """Returns ``ms`` later."""


class WallClock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def sleep_ms(self, ms: float) -> None:
        """Returns about ``ms`` later."""
        time.sleep(ms / 1000)


class Schedule(Protocol):
    """Where events and moments of the log lie in real time."""

    def due_ms(self, at_ms: Ints, sent: int) -> Ints | None:
        """(n,) for events at ``at_ms`` (n,), of which ``sent`` went before; None: as soon as possible."""

    def moment_ms(self, at_ms: int) -> int:
        """Real time at which the replay passes a moment of the log; 0 if that cannot be said beforehand."""


@dataclass(frozen=True, slots=True)
class BySpeed:
    """``speed`` seconds of the log in one second. The log's ``first_ms`` is ``start_ms`` now."""

    start_ms: int
    first_ms: int
    speed: float

    def due_ms(self, at_ms: Ints, sent: int) -> Ints | None:  # noqa: ARG002 - the protocol's
        """The log's distances, divided by the speed."""
        # A row that lies before the one above it in the file goes out with it, not into the past.
        ordered = np.maximum.accumulate(np.maximum(at_ms, self.first_ms))
        offsets: Ints = np.round((ordered - self.first_ms) / self.speed).astype(np.int64)
        return self.start_ms + offsets

    def moment_ms(self, at_ms: int) -> int:
        """Where an event of that time would be due."""
        return max(1, self.start_ms + round((at_ms - self.first_ms) / self.speed))  # 0 would read as not known


@dataclass(frozen=True, slots=True)
class ByRate:
    """``per_second`` events a second, evenly, whatever the log's rhythm was."""

    start_ms: int
    per_second: float

    def due_ms(self, at_ms: Ints, sent: int) -> Ints | None:
        """Even distances."""
        offsets: Ints = ((np.arange(len(at_ms)) + sent) * (1000.0 / self.per_second)).astype(np.int64)
        return self.start_ms + offsets

    def moment_ms(self, at_ms: int) -> int:  # noqa: ARG002 - the protocol's
        """0: how many events come before a moment is not known."""
        return 0


@dataclass(frozen=True, slots=True)
class AtOnce:
    """As fast as Kafka takes them."""

    def due_ms(self, at_ms: Ints, sent: int) -> Ints | None:  # noqa: ARG002 - the protocol's
        """None: now."""
        return None

    def moment_ms(self, at_ms: int) -> int:  # noqa: ARG002 - the protocol's
        """0: when the log's end is reached is not known."""
        return 0


def due_slices(due_ms: Ints | None, n: int, clock: Clock) -> Iterator[tuple[int, int, int]]:
    """``(start, end, now_ms)`` of what is due, in order, until all ``n`` events were given; sleeps until something is."""
    start = 0
    while start < n:
        now_ms = clock.now_ms()
        end = min(start + _AT_A_TIME, n)
        if due_ms is not None:
            end = min(end, int(np.searchsorted(due_ms, now_ms, side="right")))
        if end > start:
            yield start, end, now_ms
            start = end
        elif due_ms is not None:
            clock.sleep_ms(max(float(due_ms[start] - now_ms), _SHORTEST_SLEEP_MS))
