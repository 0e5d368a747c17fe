"""Runs a consumer and shows what comes: a live table on a terminal, one line a push elsewhere, or one JSON line a push.

*Contract*: ``show`` returns when ``limit`` pushes came, when ``timeout_s`` is over, when ``finished`` says so, or at Ctrl-C; every
push that was shown is committed then. It returns which of them ended it.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live

from kairos.consume.consumer import PushConsumer
from kairos.consume.table import PushTable, latency_words, summary
from kairos.consume.totals import Totals
from kairos.consume.view import PushView, view_of
from kairos.interrupt import Interrupt

_DRAW_EVERY_S = 0.2


class End(Enum):
    """Why ``show`` returned."""

    LIMIT = "limit"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


class Display(Protocol):
    """Where pushes are shown."""

    def push(self, view: PushView) -> None:
        """Show one push."""

    def progress(self, duplicates: int, malformed: int) -> None:
        """After every poll, also when nothing came."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``show`` returns."""

    end: End
    totals: Totals
    duplicates: int
    malformed: int

    @property
    def summary(self) -> str:
        """The closing line."""
        return summary(self.totals, self.duplicates, self.malformed)


def show(
    consumer: PushConsumer,
    display: Display,
    *,
    limit: int | None = None,
    timeout_s: float | None = None,
    totals: Totals | None = None,
    finished: Callable[[], bool] | None = None,
    now_s: Callable[[], float] = time.time,
) -> Shown:
    """``timeout_s`` counts from the call. ``finished`` is asked after every poll."""
    totals = totals if totals is not None else Totals()
    started_s = now_s()
    end = None
    with Interrupt() as interrupt:
        while end is None:
            for push in consumer.poll():
                view = view_of(push, int(started_s * 1000))
                totals.add(view)
                display.push(view)
                consumer.handled(push)
                if limit is not None and totals.pushes >= limit:
                    end = End.LIMIT
                    break
                if interrupt.requested:
                    break
            consumer.commit()
            display.progress(consumer.duplicates, consumer.malformed)
            if end is None and interrupt.requested:
                end = End.INTERRUPTED
            if end is None and timeout_s is not None and now_s() - started_s >= timeout_s:
                end = End.TIMEOUT
            if end is None and finished is not None and finished():
                end = End.FINISHED
    return Shown(end, totals, consumer.duplicates, consumer.malformed)


class LiveTable:
    """On a terminal; drawn at most five times a second, however many pushes come."""

    def __init__(self, live: Live, table: PushTable) -> None:
        self._live = live
        self._table = table
        self._drawn_s = 0.0

    def push(self, view: PushView) -> None:
        """Show one push."""
        self._table.add(view)

    def progress(self, duplicates: int, malformed: int) -> None:
        """Show what was dropped so far."""
        self._table.duplicates, self._table.malformed = duplicates, malformed
        now_s = time.monotonic()
        if now_s - self._drawn_s >= _DRAW_EVERY_S:
            self._drawn_s = now_s
            self._live.refresh()


class PlainLines:
    """Into a file or a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def push(self, view: PushView) -> None:
        """Show one push."""
        words = (view.time(), view.user, view.what, f"{view.score:.3f}", view.reason, latency_words(view).plain)
        self._console.print("  ".join(words), markup=False)

    def progress(self, duplicates: int, malformed: int) -> None:
        """Lines need none."""


class JsonLines:
    """For programs: one JSON object a line, flushed at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def push(self, view: PushView) -> None:
        """Show one push."""
        self._stream.write(json.dumps(view.as_json(), ensure_ascii=False) + "\n")
        self._stream.flush()

    def progress(self, duplicates: int, malformed: int) -> None:
        """Totals are at the end, on stderr."""
