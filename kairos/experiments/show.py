"""The report for people (a table), for programs (plain values) and as a picture."""

from pathlib import Path
from typing import Any

from rich.table import Table

from kairos.experiments.estimate import Estimate
from kairos.experiments.report import FEWEST_USERS, Comparison, LayerReport

_WORSE_WHEN_MORE = {"opt_outs"}
_NEITHER = {"pushes"}


def head(report: LayerReport) -> list[str]:
    """Lines above the table."""
    sizes = ", ".join(f"{arm} {count:,}" for arm, count in report.exposed.items())
    lines = [f"{report.layer}: {sum(report.exposed.values()):,} users exposed ({sizes})"]
    if report.ratio is None:
        lines.append("sample ratio: not checked, the policy does not name this layer's shares")
    elif report.ratio.is_off:
        expected = ", ".join(f"{arm} {count:,.0f}" for arm, count in report.ratio.expected.items())
        lines.append(f"sample ratio: OFF (p = {report.ratio.p_value:.2g}), expected {expected}: who is in an arm was not the draw alone")
    else:
        lines.append(f"sample ratio: as drawn (p = {report.ratio.p_value:.2g})")
    if report.waiting:
        lines.append(f"{report.waiting:,} users are left out for now: their time after the first exposure is not over")
    if report.too_old:
        lines.append(f"{report.too_old:,} users are left out: what they did at first has passed the topics' retention")
    if report.moved:
        lines.append(f"{report.moved:,} users are left out: they were seen in two arms (did the shares change without the salt?)")
    if report.comparisons:
        value = "purchases less returns" if report.value_from == "interactions" else "what conversions were worth"
        lines.append(f"against {report.control}; value is {value}; intervals are valid whenever one looks")
    if report.too_few:
        lines.append(f"too few users to compare (less than {FEWEST_USERS}): {', '.join(report.too_few)}")
    return lines


def table(report: LayerReport, alpha: float) -> Table:
    """One row for each arm and metric."""
    shown = Table(box=None, pad_edge=False)
    for name in ("arm", "per user", "control", "arm", "lift", f"{100 * (1 - alpha):g} % interval", ""):
        shown.add_column(name, no_wrap=True)
    for each in report.comparisons:
        now = each.now
        effect = now.relative or now.difference
        words = _per_cent if now.relative else _plain
        shown.add_row(
            each.arm,
            each.metric.replace("_", "-"),
            f"{now.control_mean:.4g}",
            f"{now.treated_mean:.4g}",
            words(effect.value),
            words(effect.low).removesuffix(" %") + f" … {words(effect.high)}",
            verdict(each),
        )
    return shown


def verdict(comparison: Comparison) -> str:
    """In a word; judged by the difference itself."""
    if not comparison.now.difference.is_clear:
        return "not known yet"
    more = comparison.now.difference.value > 0
    if comparison.metric in _NEITHER:
        return "more" if more else "fewer"
    return "better" if more != (comparison.metric in _WORSE_WHEN_MORE) else "worse"


def as_json(report: LayerReport) -> dict[str, Any]:
    """Everything but the history."""
    return {
        "layer": report.layer,
        "control": report.control,
        "exposed": dict(report.exposed),
        "sample_ratio": report.ratio
        and {"expected": dict(report.ratio.expected), "p_value": report.ratio.p_value, "is_off": report.ratio.is_off},
        "waiting": report.waiting,
        "too_old": report.too_old,
        "moved": report.moved,
        "too_few": list(report.too_few),
        "comparisons": [
            {
                "arm": each.arm,
                "metric": each.metric,
                "users": each.now.treated_users,
                "control_users": each.now.control_users,
                "mean": each.now.treated_mean,
                "control_mean": each.now.control_mean,
                "difference": _interval(each.now.difference),
                "relative": each.now.relative and _interval(each.now.relative),
                "variance_left": each.now.variance_left,
                "verdict": verdict(each),
            }
            for each in report.comparisons
        ],
    }


def plot(reports: list[LayerReport], path: Path, alpha: float) -> None:
    """Lift over the users that were through, with the interval that was valid then: a row for each layer, a column for each metric."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    seen = (each for report in reports for each in report.comparisons if each.now.treated_mean or each.now.control_mean)
    metrics = list(dict.fromkeys(each.metric for each in seen)) or ["pushes"]
    rows = [report for report in reports if report.comparisons]
    figure, axes = plt.subplots(len(rows), len(metrics), figsize=(3.6 * len(metrics), 3.2 * len(rows)), layout="constrained", squeeze=False)
    for row, report in zip(axes, rows, strict=True):
        for axis, metric in zip(row, metrics, strict=True):
            relative = all(lift.relative for each in report.comparisons if each.metric == metric for _, lift in each.history)
            for each in report.comparisons:
                if each.metric == metric:
                    _plot_one(axis, each, relative=relative)
            axis.axhline(0, color="black", linewidth=0.8, linestyle=":")
            axis.set_xscale("log")
            axis.set_title(f"{report.layer}: {metric.replace('_', '-')} per user", fontsize=9)
            axis.set_ylabel("lift, %" if relative else "difference", fontsize=8)
            axis.set_xlabel("users", fontsize=8)
            axis.tick_params(labelsize=7)
        row[0].legend(fontsize=7)
    figure.suptitle(f"Arms against the control; {100 * (1 - alpha):g} % intervals, valid whenever one looks", fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _plot_one(axis: Any, comparison: Comparison, *, relative: bool) -> None:
    users = [count for count, _ in comparison.history]
    effects = [lift.relative if relative and lift.relative else lift.difference for _, lift in comparison.history]
    scale = 100 if relative else 1
    (line,) = axis.plot(users, [scale * effect.value for effect in effects], label=comparison.arm)
    low, high = [scale * effect.low for effect in effects], [scale * effect.high for effect in effects]
    axis.fill_between(users, low, high, color=line.get_color(), alpha=0.2)
    last = 1.5 * max(abs(low[-1]), abs(high[-1]), 1e-12)
    bottom, top = axis.get_ylim() if len(axis.lines) > 1 else (0.0, 0.0)
    axis.set_ylim(min(bottom, -last), max(top, last))  # the first intervals are as wide as a barn


def _interval(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "once_low": estimate.value - estimate.once,
            "once_high": estimate.value + estimate.once}  # fmt: skip


def _per_cent(value: float) -> str:
    return f"{100 * value:+.1f} %"


def _plain(value: float) -> str:
    return f"{value:+.4g}"
