"""An explanation for people: the answers, with the candidates, the hours and the days as tables; and for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from kairos.explain.answers import Answer, count_words
from kairos.explain.choice import Considered
from kairos.explain.clock import Clock
from kairos.explain.explain import Explanation, Told
from kairos.explain.moment import Hours
from kairos.words import gate_words, percent_words, reason_words

_BARS = "▁▂▃▄▅▆▇█"
_LEAST_WIDTH = 10


def show(explanation: Explanation, told: tuple[Answer, ...], clock: Clock, console: Console) -> None:
    """Prints it."""
    console.print(Text(head(explanation, clock), style="bold"))
    console.print(Text(_zone_words(clock), style="dim"))
    for answer in told:
        console.print()
        console.print(Text(answer.question, style="bold cyan"))
        for line in answer.lines:
            console.print(Text(f"  {line}"))
        for each in _tables(explanation, answer.about, clock):
            console.print(each)


def head(explanation: Explanation, clock: Clock) -> str:
    """Who, what and when, in a line."""
    decision, push = explanation.decision, explanation.push
    when = clock.moment(decision.decided_at_ms)
    asked = f", in force on {clock.moment(explanation.at_ms)}" if explanation.at_ms is not None else ""
    if push is not None:
        title = f" “{push.title}”" if push.title else ""
        what = f"push{title} ({', '.join(push.item_ids)}) sent on {when}{asked}"
    elif decision.verdict == "deferred":
        what = f"put off on {when}{asked}"
    else:
        what = f"nothing sent on {when}{asked}"
    arms = f"; arms {', '.join(f'{layer}/{arm}' for layer, arm in decision.arms.items())}" if decision.arms else ""
    return f"{explanation.user_id}: {what}; policy {decision.policy}{arms}"


def as_json(explanation: Explanation, told: tuple[Answer, ...]) -> dict[str, Any]:
    """The same structure, with the answers as they are printed under ``answers``."""
    plain: dict[str, Any] = asdict(explanation, dict_factory=_plain)
    return {**plain, "answers": [asdict(each) for each in told]}


def _plain(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in fields}


def _zone_words(clock: Clock) -> str:
    if not clock.told_by:
        return "Times are UTC: the log does not tell the user's zone (--zone shows another)."
    return f"Times are those of {clock.name} ({clock.told_by})."


def _tables(explanation: Explanation, about: str, clock: Clock) -> Iterator[RenderableType]:
    decision, push = explanation.decision, explanation.push
    if push is not None and about == "runner_up" and len(decision.candidates) > 1:
        yield _candidates(decision.candidates, push.item_ids)
    if push is not None and about == "moment" and push.moment.hours is not None:
        yield from _hours(push.moment.hours, clock)
    if about == "decision":
        yield from _of_nothing(decision, clock)
    if about == "yesterday":
        yield _days(explanation, clock)


def _of_nothing(decision: Told, clock: Clock) -> Iterator[RenderableType]:
    if any(not gate.passed for gate in decision.gates):
        gates = _table("", "gate", "says")
        for gate in decision.gates:
            opens = f"; opens on {clock.moment(gate.opens_at_ms)}" if gate.opens_at_ms else ""
            gates.add_row("✓" if gate.passed else "✗", gate.name, gate_words(gate.name) if gate.passed else reason_words(gate.name) + opens)
        yield gates
    if decision.candidates:
        yield _candidates(decision.candidates, ())
    if decision.hours is not None:
        yield from _hours(decision.hours, clock)


def _candidates(candidates: tuple[Considered, ...], sent: tuple[str, ...]) -> Table:
    table = _table("item", "score", "opens", "converts", "diversity", "worth", "drawn", "found by")
    for each in candidates:
        table.add_row(
            f"{'→' if each.item_id in sent else ' '} {each.item_id}",
            f"{each.score:.3f}",
            "" if each.p_open is None else percent_words(each.p_open, 2),
            "" if each.p_convert is None else percent_words(each.p_convert, 1),
            f"{each.diversity:.2f}",
            "" if each.utility is None else f"{each.utility:.4f}",
            f"{each.propensity:.3f}" if each.propensity else "",
            ", ".join(each.sources),
        )
    return table


def _hours(hours: Hours, clock: Clock) -> Iterator[RenderableType]:
    """A bar for each moment, then the first, the chosen and the best one in numbers."""
    if len(hours.hours) < 2:
        return
    most = max(each.value for each in hours.hours)
    bars = "".join(_BARS[min(int(each.value / most * len(_BARS)), len(_BARS) - 1)] if most > 0 else _BARS[0] for each in hours.hours)
    yield Text(f"  {clock.time(hours.hours[0].at_ms)} {bars} {clock.moment(hours.hours[-1].at_ms)}")
    table = _table("", "moment", "opens", "converts", "fresh", "worth", "drawn")
    names = {0: "first", hours.best: "best", hours.chosen: "chosen"}
    for row in sorted(names):
        each = hours.hours[row]
        marks = [name for name, of in (("first", 0), ("best", hours.best), ("chosen", hours.chosen)) if of == row]
        figures = (
            percent_words(each.ctr, 2),
            percent_words(each.cvr, 2),
            percent_words(each.discount),
            f"{each.value:.2f}",
            f"{each.propensity:.2f}",
        )
        table.add_row(", ".join(marks), clock.moment(each.at_ms), *figures)
    yield table


def _days(explanation: Explanation, clock: Clock) -> Table:
    table = _table("day", "sent", "put off", "not sent")
    for day in explanation.days:
        told = ("\n".join(f"{count_words(count)} {count.reason}" for count in counts) for counts in (day.deferred, day.suppressed))
        table.add_row(clock.day_words(day.day), str(day.sent or ""), *told)
    return table


def _table(*columns: str) -> Table:
    """The last column gives way where there is no room."""
    table = Table(box=None, pad_edge=True, header_style="dim")
    for name in columns:
        gives_way = name == columns[-1]
        table.add_column(name, no_wrap=not gives_way, min_width=_LEAST_WIDTH if gives_way else None)
    return table
