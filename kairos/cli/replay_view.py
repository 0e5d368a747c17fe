"""What one sees of a replay: a progress bar while it runs, a table when it is over."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from kairos.console import console, print_json, stderr
from kairos.logs.report import Report, iso


@contextmanager
def watching(wanted: bool | None) -> Iterator[Callable[[Report], None]]:
    """A function to call with the report as it grows. ``wanted``: None shows the bar on a terminal only."""
    shown = stderr.is_terminal if wanted is None else wanted
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("[dim]{task.fields[log_time]}"),
        TimeElapsedColumn(),
        console=stderr,
        disable=not shown,
        transient=True,
        refresh_per_second=5,
    )
    with bar:
        task = bar.add_task("reading the log", total=None, rate="", log_time="")

        def watch(report: Report) -> None:
            if not report.events:
                bar.update(task, description="items", completed=report.items)
                return
            bar.update(
                task,
                description="events",
                total=report.expected_rows,
                completed=report.events
                if report.expected_rows is None
                else min(report.events + report.skipped.total, report.expected_rows),
                rate=f"{report.events_per_second:,.0f}/s",
                log_time=iso(report.last_ms) or "",
            )

        yield watch


def show_report(report: Report, title: str, *, as_json: bool) -> None:
    """On stdout: one JSON document, or a table for people with the first rows that were left out."""
    if as_json:
        print_json(report.as_json())
        return
    table = Table(title=escape(title), title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_row("events", f"{report.events:,}")
    table.add_row(
        "items", f"{report.items:,}" + (f", and {report.items_refreshed:,} later with new features" if report.items_refreshed else "")
    )
    if report.learned_visits:
        table.add_row("features", f"learned from {report.learned_visits:,} visits before {iso(report.learned_until_ms)}")
    if report.events:
        table.add_row("log time", f"{iso(report.first_ms)} to {iso(report.last_ms)}")
        table.add_row("took", f"{report.seconds:,.1f} s, {report.events_per_second:,.0f} events/s")
    for reason, count in report.skipped_by_reason.items():
        table.add_row("[yellow]left out[/]", f"{count:,} rows: {escape(reason)}")
    console.print(table)
    for example in [*report.unreadable.examples, *report.skipped.examples]:
        stderr.print(f"  row {example.row}: {example.reason}: {example.values}", style="dim", markup=False)
