"""The result as a picture: the frontier of conversions and pushes, the weeks of learning, and who had enough."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kairos.evaluate.roster import ROSTER, Kind

if TYPE_CHECKING:
    from kairos.evaluate.comparison import Comparison

_COLOURS = {Kind.ORACLE: "#2a9d8f", Kind.KAIROS: "#1b6ca8", Kind.INFORMED: "#76c7bd", Kind.ABLATION: "#7fb2d6", Kind.BASELINE: "#9aa5b1"}
_STYLES = ("-", "--", ":", "-.")


def plot(comparison: Comparison, path: Path) -> None:
    """Write a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(14, 9), layout="constrained")
    _frontier(comparison, axes[0, 0])
    _weeks(comparison, "conversions", "conversions a user and week", axes[0, 1])
    _weeks(comparison, "value", "value of conversions, € a user and week", axes[1, 0])
    _opt_outs(comparison, axes[1, 1])
    plan = comparison.plan
    figure.suptitle(
        f"{plan.world} world, {plan.scenario}: {plan.users:,} users, {plan.items:,} items, {plan.weeks} weeks, {len(plan.seeds)} seeds",
        fontsize=10,
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _frontier(comparison: Comparison, axis: Any) -> None:
    for name in comparison.policies:
        pushes, conversions = comparison.estimate(name, "pushes"), comparison.estimate(name, "conversions")
        axis.errorbar(
            pushes.mean,
            conversions.mean,
            xerr=pushes.half,
            yerr=conversions.half,
            fmt="o",
            color=_colour(name),
            markersize=5,
            linewidth=0.8,
        )
        axis.annotate(name, (pushes.mean, conversions.mean), fontsize=7, xytext=(4, 3), textcoords="offset points")
    axis.set_xlabel("pushes a user-month")
    axis.set_ylabel("conversions a user-month")
    axis.set_ylim(bottom=0)
    axis.set_title("the frontier", fontsize=10)


def _weeks(comparison: Comparison, what: str, title: str, axis: Any) -> None:
    users = comparison.plan.users * len(comparison.plan.seeds)
    for number, name in enumerate(comparison.policies):
        values = comparison.weeks[name][what] / users
        axis.plot(np.arange(1, len(values) + 1), values, label=name, **_line(name, number))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("week")
    axis.set_title(title, fontsize=10)
    axis.legend(fontsize=6, ncols=2)


def _opt_outs(comparison: Comparison, axis: Any) -> None:
    users = comparison.plan.users * len(comparison.plan.seeds)
    for number, name in enumerate(comparison.policies):
        values = 100 * np.cumsum(comparison.weeks[name]["opt_outs"]) / users
        axis.plot(np.arange(1, len(values) + 1), values, label=name, **_line(name, number))
    axis.set_ylim(bottom=0)
    axis.set_xlabel("week")
    axis.set_title("users who have opted out so far, %", fontsize=10)


def _line(name: str, number: int) -> dict[str, Any]:
    own = ROSTER[name].kind in (Kind.KAIROS, Kind.ORACLE)
    return {
        "color": _colour(name),
        "linewidth": 2 if own else 1,
        "linestyle": "--" if own and ROSTER[name].matched else "-" if own else _STYLES[number % len(_STYLES)],
    }


def _colour(name: str) -> str:
    return _COLOURS[ROSTER[name].kind]
