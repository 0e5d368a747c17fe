"""The result for people: one table, ratios first, then where the microseconds go, then the targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.result import Result
from benchmarks.targets import targets

Renderable = Table | str

WIDTH = 132
"""Columns the tables need."""


def report(result: Result) -> Iterator[Renderable]:
    """What to print, from top to bottom."""
    plan, machine = result.plan, result.machine
    yield (
        f"{plan.events:,} events of {plan.users:,} users, {plan.items:,} items; one slot or process per build; "
        f"{machine['cores']} cores ({machine['processor']}), Kafka broker and load generator included"
    )
    if result.engine is not None:
        yield f"{result.engine.scored_share:.1%} of the events scored candidates, {result.engine.push_share:.1%} led to a push"
    if result.sessions:
        yield _builds(result)
    if result.engine is not None:
        yield _microseconds(result)
    if result.flat:
        yield _flatness(result)
    yield _targets(result)
    yield from (f"[red]failed:[/] {failure}" for failure in result.failures)


def _builds(result: Result) -> Table:
    title = "Kairos ÷ each build (×: medians of the ratios within the rounds), then the builds themselves (medians of the rounds)"
    headings = ("×\nevents/s", "×\nper CPU s", "\nevents/s", "\nper CPU s", "with\nbroker", "\nMiB", "\npushes")
    table = _table(title, "\nbuild", *headings, *(f"{rate:,}/s, ms\np50   p99 p99.9" for rate in result.plan.rates))
    for name, sessions in result.sessions.items():
        if not sessions:
            continue
        whole = all(session.throughput.complete for session in sessions)
        table.add_row(
            result.titles[name] + ("" if whole else " *"),
            _shown(result.ratio("kairos", name), "{:.2f}".format),
            _shown(result.ratio("kairos", name, "events_per_cpu_second"), "{:.2f}".format),
            _shown(result.events_per_s(name), "{:,.0f}".format),
            _shown(result.throughput(name, "events_per_cpu_second"), "{:,.0f}".format),
            _shown(result.throughput(name, "events_per_cpu_second_with_broker"), "{:,.0f}".format),
            _shown(result.throughput(name, "rss_mib"), "{:,.0f}".format),
            _shown(result.throughput(name, "push_share"), "{:.1%}".format),
            *(_latencies(result, name, rate) for rate in result.plan.rates),
        )
    engine = result.engine
    if engine is not None:
        table.add_row("core alone", "", "", "", f"{engine.events_per_cpu_second:,.0f}", "", "", f"{engine.push_share:.1%}")
    if any(not session.throughput.complete for sessions in result.sessions.values() for session in sessions):
        table.caption = "* did not get through the whole log in its time; its rate is that of the part it reached"
    return table


def _microseconds(result: Result) -> Table:
    engine = result.engine
    table = _table("Where the microseconds of CPU per event go", "part", "µs/event")
    if engine is None:
        return table
    for part, us in engine.us_by_part.items():
        table.add_row(f"core: {part}", f"{us:.2f}")
    table.add_row("core, together", f"{engine.us_per_event:.2f}", end_section=True)
    whole, broker = result.throughput("kairos", "cpu_us"), result.throughput("kairos", "broker_cpu_us")
    if whole is not None and broker is not None:
        table.add_row("Flink, PyFlink, Kafka clients, checkpoints, JVM", f"{whole - engine.us_per_event:.2f}")
        table.add_row("the job, together", f"{whole:.2f}", end_section=True)
        table.add_row("the broker", f"{broker:.2f}", end_section=True)
    for kind, us in engine.us_by_answer.items():
        table.add_row(f"an event that was {kind} ({engine.share_by_answer[kind]:.1%} of all)", f"{us:.1f}")
    table.caption = f"state: {engine.state_bytes_median:,.0f} bytes per user (median), {engine.state_bytes_largest:,} (largest)"
    if sessions := result.sessions.get("kairos"):
        facts = sessions[-1].throughput.facts
        table.caption += f"; a checkpoint: {facts.get('state_bytes', 0) / 1e6:,.0f} MB, {facts.get('checkpoint_ms', 0):,.0f} ms"
    return table


def _flatness(result: Result) -> Table:
    table = _table("As users (with RocksDB) and items grow", "Kairos with", "size", "of the fastest", "events/s")
    for what in ("users", "items"):
        rates = result.flat_rates(what)
        for size, rate in rates.items():
            table.add_row(what, f"{size:,}", f"{rate / max(rates.values()):.0%}", f"{rate:,.0f}")
    return table


def _targets(result: Result) -> Table:
    table = _table("Targets", "target", "measured", "")
    for target in targets(result):
        colour = {True: "green", False: "bold red", None: "yellow"}[target.met]
        table.add_row(target.text, target.measured, f"[{colour}]{target.verdict}[/]")
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _latencies(result: Result, name: str, rate: int) -> str:
    values = [result.latency(name, rate, what) for what in ("p50_ms", "p99_ms", "p999_ms")]
    return (
        " ".join(f"{value:5.1f}" if value < 1_000 else f"{value:5,.0f}" for value in values if value is not None)
        if values[0] is not None
        else ""
    )


def _shown(value: float | None, how: Callable[[float], str]) -> str:
    return "" if value is None else how(value)
