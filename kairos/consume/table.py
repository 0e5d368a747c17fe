"""Pushes as a live table on a terminal: the newest below, the totals under them."""

from collections import deque

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from kairos.consume.totals import Totals
from kairos.consume.view import PushView, duration_words

_ROWS_KEPT = 200
_LINES_AROUND = 5


class PushTable:
    """A rich renderable: give it to ``rich.live.Live``, or print it once."""

    def __init__(self, totals: Totals) -> None:
        self.duplicates = 0
        self.malformed = 0
        self._totals = totals
        self._views: deque[PushView] = deque(maxlen=_ROWS_KEPT)

    def add(self, view: PushView) -> None:
        """Show one more push."""
        self._views.append(view)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or options.max_height
        room = max(1, height - _LINES_AROUND)
        table = Table(box=None, pad_edge=False, expand=True, header_style="bold")
        table.add_column("time", no_wrap=True)
        table.add_column("user", no_wrap=True, ratio=2)
        table.add_column("item", no_wrap=True, ratio=4)
        table.add_column("score", justify="right", no_wrap=True)
        table.add_column("reason", no_wrap=True, ratio=5)
        table.add_column("event to push", justify="right", no_wrap=True)
        for view in list(self._views)[-room:]:
            # Text, not str: ids and titles are data, and brackets in them are no markup.
            table.add_row(view.time(), Text(view.user), Text(view.what), f"{view.score:.3f}", Text(view.reason), latency_words(view))
        waiting = Text("waiting for pushes … (Ctrl-C ends)", style="dim")
        yield Group(table if self._views else waiting, Text(), self.footer())

    def footer(self) -> Text:
        """The line under the table."""
        return Text(summary(self._totals, self.duplicates, self.malformed), style="bold")


def latency_words(view: PushView) -> Text:
    """The latency of a push, coloured by how long it is."""
    if view.waited_ms:
        return Text(f"waited {duration_words(view.waited_ms)}", style="dim")
    if view.latency_ms is None:
        return Text("unknown", style="dim")
    return Text(duration_words(view.latency_ms))


def summary(totals: Totals, duplicates: int, malformed: int) -> str:
    """All totals in one line; what did not occur is left out."""
    said = [f"{totals.pushes:,} pushes"]
    p50, p99 = totals.latency_ms(50), totals.latency_ms(99)
    if p50 is not None and p99 is not None:
        said.append(f"event to push p50 {duration_words(p50)}, p99 {duration_words(p99)}")
    if totals.waited:
        said.append(f"{totals.waited:,} waited for their moment")
    if totals.expired:
        said.append(f"{totals.expired:,} had expired")
    if duplicates:
        said.append(f"{duplicates:,} duplicates dropped")
    if malformed:
        said.append(f"{malformed:,} malformed")
    return " · ".join(said)
