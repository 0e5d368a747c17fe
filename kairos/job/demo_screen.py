"""What the demo shows while it runs: the pushes of ``kairos consume``, and under them what the world says."""

import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from kairos.console import console
from kairos.consume.consumer import PushConsumer
from kairos.consume.show import JsonLines, LiveTable, PlainLines, Shown, show
from kairos.consume.table import PushTable
from kairos.consume.totals import Totals

_LINES_BELOW = 2


def show_pushes(
    pushes: PushConsumer,
    source_log: Path,
    finished: Callable[[], bool],
    *,
    limit: int | None,
    timeout_s: float | None,
    as_json: bool,
) -> Shown:
    """As JSON lines, as a live table on a terminal, or as lines of text elsewhere."""
    if as_json:
        return show(pushes, JsonLines(sys.stdout), limit=limit, timeout_s=timeout_s, finished=finished)
    if not console.is_terminal:
        return show(pushes, PlainLines(console), limit=limit, timeout_s=timeout_s, finished=finished)
    totals = Totals()
    table = PushTable(totals)
    screen = DemoScreen(table, source_log)
    with Live(screen, console=console, auto_refresh=False, vertical_overflow="crop") as live:
        display = LiveTable(live, table)
        return show(pushes, display, limit=limit, timeout_s=timeout_s, finished=finished, totals=totals)


class DemoScreen:
    """A rich renderable: the table of pushes and the newest line of the event source's log."""

    def __init__(self, table: PushTable, source_log: Path) -> None:
        self._table = table
        self._source_log = source_log

    def __rich_console__(self, terminal: Console, options: ConsoleOptions) -> RenderResult:
        room = options.copy()
        room.height = None
        room.max_height = max(1, (options.height or options.max_height) - _LINES_BELOW)
        yield from terminal.render(self._table, room)
        yield Text(_last_line(self._source_log), style="dim", no_wrap=True, overflow="ellipsis")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return lines[-1].strip() if lines else ""
