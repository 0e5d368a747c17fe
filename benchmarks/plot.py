"""The result as a picture: throughput, latency, and how flat both dimensions are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.result import Result
from benchmarks.targets import EVENTS_PER_S, FLAT

_KAIROS, _OTHER = "#1b6ca8", "#9aa5b1"


def plot(result: Result, path: Path) -> None:
    """Write a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 4, figsize=(19, 4.2), layout="constrained")
    _throughput(result, axes[0])
    _latency(result, axes[1])
    for what, title, axis in (("users", "users (RocksDB)", axes[2]), ("items", "items", axes[3])):
        _flatness(result, what, title, axis)
    machine = result.machine
    figure.suptitle(
        f"{result.plan.events:,} events, {result.plan.users:,} users, {result.plan.items:,} items; {machine['cores']} cores, broker included; "
        f"{result.started_at[:10]}",
        fontsize=9,
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _throughput(result: Result, axis: Any) -> None:
    names = [name for name in result.sessions if result.sessions[name]]
    rates = [result.events_per_s(name) or 0 for name in names]
    axis.barh([result.titles[name] for name in names], rates, color=[_colour(name) for name in names])
    for row, rate in enumerate(rates):
        axis.text(rate, row, f" {rate:,.0f}", va="center", fontsize=8)
    axis.axvline(EVENTS_PER_S, color="black", linewidth=0.8, linestyle=":")
    axis.invert_yaxis()
    axis.margins(x=0.25)
    axis.set_title("events/s per slot", fontsize=10)


def _latency(result: Result, axis: Any) -> None:
    quantiles = (("p50_ms", "p50"), ("p90_ms", "p90"), ("p99_ms", "p99"), ("p999_ms", "p99.9"))
    rate = max(result.plan.rates)
    for name in result.sessions:
        values = [result.latency(name, rate, what) for what, _ in quantiles]
        if values[0] is not None:
            axis.plot(
                [label for _, label in quantiles], values, marker="o", label=result.titles[name], linewidth=2 if name == "kairos" else 1
            )
    axis.set_yscale("log")
    axis.set_ylabel("ms")
    axis.set_title(f"event to push at {rate:,} events/s", fontsize=10)
    if axis.lines:
        axis.legend(fontsize=7)


def _flatness(result: Result, what: str, title: str, axis: Any) -> None:
    rates = result.flat_rates(what)
    axis.set_title(f"events/s by number of {title}", fontsize=10)
    if not rates:
        axis.text(0.5, 0.5, "not measured", ha="center", transform=axis.transAxes, color=_OTHER)
        return
    axis.plot(list(rates), list(rates.values()), marker="o", color=_KAIROS)
    axis.axhspan(FLAT * max(rates.values()), max(rates.values()), color=_OTHER, alpha=0.2)
    axis.set_xscale("log")
    axis.set_ylim(0, 1.15 * max(rates.values()))


def _colour(name: str) -> str:
    return _KAIROS if name == "kairos" else _OTHER
