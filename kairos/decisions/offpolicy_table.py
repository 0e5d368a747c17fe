"""Off-policy estimates for people: a table and what speaks against it; and for programs."""

from dataclasses import asdict
from typing import Any

from rich.table import Table

from kairos.decisions.offpolicy import Estimates, Interval


def show(estimates: Estimates) -> Table:
    """One row for what was logged and one for each estimator; the caption says how much they rest on."""
    level = f"{100 * (1 - estimates.alpha):g} % interval"
    table = Table(box=None, pad_edge=False, caption="\n".join(head(estimates)), caption_justify="left", caption_style="")
    for name in ("by", "reward per decision", level, "against the log", level):
        table.add_column(name, no_wrap=True)
    table.add_row("the log", f"{estimates.logged.value:.4g}", _range(estimates.logged))
    for each in (estimates.ips, estimates.snips, estimates.dr):
        table.add_row(each.name, f"{each.mean.value:.4g}", _range(each.mean), f"{each.gain.value:+.4g}", _range(each.gain))
    return table


def head(estimates: Estimates) -> list[str]:
    """What the estimates rest on, and the warnings."""
    clipped = f", {estimates.clipped:,} weights clipped" if estimates.clipped else ""
    worth = (
        f"{estimates.decisions:,} decisions on {estimates.users:,} users, worth {estimates.effective_size:,.1f} of the other policy's own"
    )
    weights = f"mean weight {estimates.mean_weight.value:.3f}, largest {estimates.largest_weight:.1f}{clipped}"
    return [f"{worth}; {weights}", *(f"careful: {warning}" for warning in estimates.warnings)]


def as_json(estimates: Estimates) -> dict[str, Any]:
    """All of it."""
    return asdict(estimates)


def _range(interval: Interval) -> str:
    return f"{interval.low:.4g} … {interval.high:.4g}"
