"""Both reports for people (tables) and for programs (plain values)."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from kairos.decisions.counterfactual import WhatIf
from kairos.decisions.replay import Comparison
from kairos.decisions.replayed import Replayed


def comparison_table(comparison: Comparison) -> Table:
    """How many were compared, equal, differing by their first differing field, and not replayable by why."""
    shown = _table("decisions", "", "")
    shown.add_row("compared", f"{comparison.compared:,}", _listed(comparison.by_verdict))
    shown.add_row("equal", f"{comparison.equal:,}", "")
    for name, count in comparison.fields.most_common():
        shown.add_row("differing", f"{count:,}", f"first in {name}")
    for why, count in comparison.missing.most_common():
        shown.add_row("not replayable", f"{count:,}", why)
    return shown


def differing_table(comparison: Comparison) -> Table:
    """The first of those that differ, one by one."""
    shown = _table("decision", "user", "field", "logged", "again", "logged by")
    for each in comparison.differing:
        shown.add_row(each.decision_id, each.user_id, each.first.field, each.first.logged, each.first.again, each.producer)
    return shown


def comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    """Everything."""
    return {
        "compared": comparison.compared,
        "equal": comparison.equal,
        "differing": comparison.different,
        "by_verdict": dict(comparison.by_verdict),
        "first_differing_field": dict(comparison.fields),
        "not_replayable": dict(comparison.missing),
        "examples": [asdict(each) for each in comparison.differing],
    }


def what_if_table(result: WhatIf) -> Table:
    """What was decided, and what would have been: counts, each decision standing for so many as its share of the log says."""
    shown = _table("", "logged", "would have been")
    before, after = _counts(result.replayed, _logged), _counts(result.replayed, _target)
    for name in sorted({*before, *after}, key=lambda name: (name != "sent", -before[name] - after[name], name)):
        shown.add_row(name, _number(before[name]), _number(after[name]))
    for name, (one, other) in _sums(result.replayed).items():
        shown.add_row(name, f"{one:,.4g}", f"{other:,.4g}")
    return shown


def what_if_lines(result: WhatIf) -> list[str]:
    """What the table does not say."""
    both = [each for each in result.replayed if each.item_id and each.target_item_id]
    others = sum(each.item_id != each.target_item_id for each in both)
    lines = [f"{len(both):,} pushes would have been sent by both, {others:,} of them of another item"]
    lines += [f"{count:,} are not known: {why}" for why, count in result.unknown.most_common()]
    lines += [f"{count:,} cannot be taken again: {why}" for why, count in result.missing.most_common()]
    return lines


def what_if_as_json(result: WhatIf) -> dict[str, Any]:
    """Everything but the decisions themselves."""
    both = [each for each in result.replayed if each.item_id and each.target_item_id]
    return {
        "decisions": len(result.replayed),
        "logged": dict(_counts(result.replayed, _logged)),
        "target": dict(_counts(result.replayed, _target)),
        "sent_by_both": len(both),
        "of_another_item": sum(each.item_id != each.target_item_id for each in both),
        **{name.replace(" ", "_"): {"logged": one, "target": other} for name, (one, other) in _sums(result.replayed).items()},
        "not_known": dict(result.unknown),
        "not_replayable": dict(result.missing),
    }


def _sums(replayed: Iterable[Replayed]) -> Mapping[str, tuple[float, float]]:
    utility, value = [0.0, 0.0], [0.0, 0.0]
    for each in replayed:
        weight = _weight(each)
        utility = [utility[0] + weight * each.logged_utility, utility[1] + weight * each.target_utility]
        value = [value[0] + weight * each.logged_value, value[1] + weight * each.target_value]
    return {"expected utility": (utility[0], utility[1]), "expected conversions": (value[0], value[1])}


def _counts(replayed: Iterable[Replayed], name: Callable[[Replayed], str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for each in replayed:
        counts[name(each)] += _weight(each)  # type: ignore[assignment]  # a share of the log may be any
    return counts


def _logged(each: Replayed) -> str:
    return _outcome(each.logged_verdict, each.logged_reason)


def _target(each: Replayed) -> str:
    return _outcome(each.target_verdict, each.target_reason)


def _outcome(verdict: str, reason: str) -> str:
    return f"{verdict}: {reason}" if reason else verdict


def _weight(each: Replayed) -> float:
    return 1.0 / each.log_rate if each.log_rate else 1.0


def _number(count: float) -> str:
    return f"{count:,.0f}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.most_common())


def _table(*names: str) -> Table:
    shown = Table(box=None, pad_edge=False)
    for place, name in enumerate(names):
        shown.add_column(name, justify="right" if names == ("", "logged", "would have been") and place else "left", overflow="fold")
    return shown
