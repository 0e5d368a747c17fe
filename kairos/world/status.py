"""What a running world shows: a small live table on a terminal, a line now and then elsewhere."""

import time

from rich.console import Console
from rich.live import Live
from rich.table import Table

from flink_job.core.signals import Outcome
from kairos.world.tally import Tally

_DRAW_EVERY_S = 0.25
_LINE_EVERY_S = 5.0


class LiveStatus:
    """Redraws the table at most four times a second."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._drawn_s = 0.0

    def __call__(self, tally: Tally) -> None:
        """To be called after every step."""
        now_s = time.monotonic()
        if now_s - self._drawn_s >= _DRAW_EVERY_S:
            self._drawn_s = now_s
            self._live.update(table(tally, time.time_ns() // 1_000_000), refresh=True)


class PlainStatus:
    """Prints a line every few seconds: for logs and for programs that run this one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_s = time.monotonic() + _LINE_EVERY_S

    def __call__(self, tally: Tally) -> None:
        """To be called after every step."""
        if time.monotonic() >= self._next_s:
            self._next_s += _LINE_EVERY_S
            self._console.print(line(tally, time.time_ns() // 1_000_000), markup=False)


def table(tally: Tally, now_ms: int) -> Table:
    """One row a number, with the share it is of what it comes from."""
    shown, opened = tally.outcomes[Outcome.DISPLAYED], tally.outcomes[Outcome.OPENED]
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(style="cyan", min_width=16)
    grid.add_column(justify="right", min_width=9)
    grid.add_column(style="dim")
    rows = (
        ("users active", tally.active(now_ms), "in the last five minutes"),
        ("interactions", tally.interactions, f"{_rate(tally, now_ms):.0f} a second"),
        ("item changes", tally.item_changes, "published, repriced, sold out, gone"),
        ("pushes received", tally.pushes, _besides(tally)),
        ("  shown", shown, ""),
        ("  opened", opened, _share(opened, shown, "of shown")),
        ("  converted", tally.outcomes[Outcome.CONVERTED], f"worth {tally.value:,.2f} EUR"),
        ("  dismissed", tally.outcomes[Outcome.DISMISSED], _share(tally.outcomes[Outcome.DISMISSED], shown, "of shown")),
        ("  opted out", tally.outcomes[Outcome.UNSUBSCRIBED], _share(tally.outcomes[Outcome.UNSUBSCRIBED], shown, "of shown")),
    )
    for name, number, remark in rows:
        grid.add_row(name, f"{number:,}", remark)
    return grid


def line(tally: Tally, now_ms: int) -> str:
    """The same in one line."""
    outcomes = tally.outcomes
    return (
        f"{tally.active(now_ms):,} users active, {tally.interactions:,} interactions ({_rate(tally, now_ms):.0f}/s), "
        f"{tally.pushes:,} pushes: {outcomes[Outcome.DISPLAYED]:,} shown, {outcomes[Outcome.OPENED]:,} opened, "
        f"{outcomes[Outcome.CONVERTED]:,} converted ({tally.value:,.2f} EUR), {outcomes[Outcome.DISMISSED]:,} dismissed, "
        f"{outcomes[Outcome.UNSUBSCRIBED]:,} opted out"
    )


def _rate(tally: Tally, now_ms: int) -> float:
    return 1000 * tally.interactions / max(now_ms - tally.started_ms, 1)


def _share(part: int, whole: int, of: str) -> str:
    return f"{part / whole:.1%} {of}" if whole else ""


def _besides(tally: Tally) -> str:
    said = ((tally.duplicates, "twice"), (tally.refused, "not for this world"), (tally.unreadable, "unreadable"))
    return ", ".join(f"{number:,} {words}" for number, words in said if number)
