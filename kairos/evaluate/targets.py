"""What Kairos has to reach, and whether it does.

A target is met by its mean; the interval is printed beside it, and says how sure that is. An ablation is judged by its intervals: it has two ways to
lose (fewer conversions, more opt-outs), so that by means alone a part that does nothing would pass three times in four. Its conversions are the
expected ones: by the world's own probabilities of every push that was sent, for luck is larger than what most parts bring.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kairos.evaluate.intervals import Estimate
from kairos.evaluate.roster import ROSTER, Kind

if TYPE_CHECKING:
    from kairos.evaluate.comparison import Comparison

KAIROS = "kairos"
LEAST_CONVERSIONS = 1.5
MOST_OPT_OUTS = 0.5
LEAST_GAP_CLOSED = 0.5


@dataclass(frozen=True, slots=True)
class Target:
    """``met`` is None where it was not measured, or the measure does not tell."""

    text: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """In a word or two."""
        return {True: "met", False: "missed", None: "unclear" if self.measured else "not measured"}[self.met]


def targets(comparison: Comparison) -> Iterator[Target]:
    """All of them, in the order of the table."""
    yield _conversions(comparison)
    yield _opt_outs(comparison)
    yield _gap(comparison, "late_conversions", "in the last two weeks")
    yield _gap(comparison, "conversions", "over all weeks")
    yield from _ablations(comparison)


def _conversions(comparison: Comparison) -> Target:
    text = f"conversions ≥ {LEAST_CONVERSIONS} × the best baseline at equal or fewer pushes"
    best = comparison.best_baseline()
    ratio = None if best is None else comparison.ratio(KAIROS, best, "conversions")
    if best is None or ratio is None:
        return Target(text, "", None)
    return Target(text, f"{_shown(ratio)} × {ROSTER[best].title}", ratio.mean >= LEAST_CONVERSIONS)


def _opt_outs(comparison: Comparison) -> Target:
    text = f"opt-outs ≤ {MOST_OPT_OUTS} × send at once"
    ratio = comparison.ratio(KAIROS, "send-at-once", "opt_outs")
    if ratio is None:
        return Target(text, "", None)
    equal = comparison.ratio(KAIROS, "send-at-once=", "opt_outs")
    return Target(text, _shown(ratio) + (f"; at equal pushes {_shown(equal)}" if equal else ""), ratio.mean <= MOST_OPT_OUTS)


def _gap(comparison: Comparison, measure: str, when: str) -> Target:
    text = f"≥ {LEAST_GAP_CLOSED:.0%} of the gap between best baseline and oracle closed, {when}"
    closed = comparison.gap_closed(measure)
    if closed is None:
        return Target(text, "", None)
    return Target(text, f"{closed.mean:.0%} ± {closed.half:.0%}", closed.mean >= LEAST_GAP_CLOSED)


def _ablations(comparison: Comparison) -> Iterator[Target]:
    for name in comparison.policies:
        if ROSTER[name].kind is not Kind.ABLATION:
            continue
        conversions = comparison.ratio(name, KAIROS, "expected")
        opt_outs = comparison.ratio(name, KAIROS, "opt_outs")
        if conversions is None:
            yield Target(f"Kairos {ROSTER[name].title.strip()} loses something", "", None)
            continue
        measured = f"expected conversions {_shown(conversions)} ×" + (f", opt-outs {_shown(opt_outs)} ×" if opt_outs else "")
        yield Target(f"Kairos {ROSTER[name].title.strip()} loses something", measured, _loses(conversions, opt_outs))


def _loses(conversions: Estimate, opt_outs: Estimate | None) -> bool | None:
    """Ratios to Kairos. True: surely fewer conversions or more opt-outs; False: surely none of it; None: within the noise."""
    if conversions.mean + conversions.half < 1 or (opt_outs is not None and opt_outs.mean - opt_outs.half > 1):
        return True
    no_loss = conversions.mean - conversions.half >= 1 and (opt_outs is None or opt_outs.mean + opt_outs.half <= 1)
    return False if no_loss else None


def _shown(value: Estimate) -> str:
    return f"{value.mean:.2f} ± {value.half:.2f}"
