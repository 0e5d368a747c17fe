"""The result for people: two tables, ratios first, then the targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from kairos.evaluate.intervals import Estimate
from kairos.evaluate.measures import MEASURES
from kairos.evaluate.roster import ROSTER, Kind
from kairos.evaluate.targets import KAIROS, targets

if TYPE_CHECKING:
    from kairos.evaluate.comparison import Comparison

WIDTH = 156
"""Columns the tables need."""

_FIRST = ("conversions", "expected", "per_push", "pushes", "opt_outs")
_SECOND = ("late_conversions", "value", "bought", "cold_users", "opens", "hour_error", "entropy", "cold_share")
_COLOURS = {Kind.ORACLE: "cyan", Kind.KAIROS: "bold", Kind.INFORMED: "cyan", Kind.ABLATION: "", Kind.BASELINE: "dim"}


def report(comparison: Comparison) -> Iterator[Table | str]:
    """What to print, from top to bottom."""
    plan = comparison.plan
    yield (
        f"{plan.world} world, {plan.scenario}: {plan.users:,} users and {plan.items:,} items, {plan.weeks} weeks, seeds "
        f"{', '.join(map(str, plan.seeds))}; mean ± half of a 95 % interval, paired over users; "
        f"{comparison.seconds:,.0f} s, {sum(comparison.cpu_seconds.values()):,.0f} s of CPU"
    )
    yield _what_came_of_it(comparison)
    yield _how(comparison)
    yield _targets(comparison)


def _what_came_of_it(comparison: Comparison) -> Table:
    table = _table("Kairos ÷ each policy (×), then the policies themselves", "\npolicy")
    for heading in ("×\nconversions", "×\nper push", "×\nopt-outs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for key in _FIRST:
        table.add_column(MEASURES[key].title, justify="right", no_wrap=True)
    table.add_column("regret to\nthe oracle", justify="right", no_wrap=True)
    for name in comparison.policies:
        ratios = [None if name == KAIROS else comparison.ratio(KAIROS, name, key) for key in ("conversions", "per_push", "opt_outs")]
        table.add_row(
            ROSTER[name].title,
            *(_shown(ratio, 2) for ratio in ratios),
            *(_shown(comparison.estimate(name, key), MEASURES[key].digits) for key in _FIRST),
            _shown(comparison.regret(name), 3),
            style=_COLOURS[ROSTER[name].kind],
        )
    table.caption = (
        "=: at no time more pushes than Kairos. Regret: conversions a user-month below the oracle; below the one at the pushes of Kairos (=)\n"
        "for those that send no more than Kairos. Expected: conversions by the world's own probabilities of every push that was sent, without luck."
    )
    return table


def _how(comparison: Comparison) -> Table:
    table = _table("How", "\npolicy")
    for key in _SECOND:
        table.add_column(MEASURES[key].title, justify="right", no_wrap=True)
    table.add_column("items\npushed", justify="right", no_wrap=True)
    table.add_column("CPU s\n/run", justify="right", no_wrap=True)
    for name in comparison.policies:
        table.add_row(
            ROSTER[name].title,
            *(_shown(comparison.estimate(name, key), MEASURES[key].digits) for key in _SECOND),
            f"{comparison.coverage[name]:.1%}",
            f"{comparison.cpu_seconds[name] / len(comparison.plan.seeds):,.0f}",
            style=_COLOURS[ROSTER[name].kind],
        )
    table.caption = (
        "t* error: hours between a push and the user's best allowed hour of that day. Cold items: younger than a tenth of their kind's life.\n"
        "All bought: with or without a push, less what was sent back."
    )
    return table


def _targets(comparison: Comparison) -> Table:
    table = _table("Targets", "target")
    table.add_column("measured", no_wrap=True)
    table.add_column("", no_wrap=True)
    for target in targets(comparison):
        colour = {True: "green", False: "bold red", None: "yellow"}[target.met]
        table.add_row(target.text, target.measured, f"[{colour}]{target.verdict}[/]")
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column(first, no_wrap=True)
    return table


def _shown(value: Estimate | None, digits: int) -> str:
    if value is None or not np.isfinite(value.mean):
        return ""
    return f"{value.mean:,.{digits}f} ±{value.half:,.{digits}f}" if np.isfinite(value.half) else f"{value.mean:,.{digits}f}"
