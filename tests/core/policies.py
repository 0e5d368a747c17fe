"""Policies for the tests of the core: the plain one lets everything through, and each test names what it changes."""

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from functools import cache
from typing import Any

from flink_job.config import load_config
from flink_job.core.rules import Cap, Rules

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000

OF_THEIR_OWN = ("abandoned_cart", "abandoned_favourite", "replenishment", "best_time", "win_back")
"""Occasions that nobody asks for: the policy sees them coming."""

NO_GATES: dict[str, Any] = {
    "gates.holdout_share": 0.0,
    "gates.min_gap_ms": 0,
    "gates.caps": (),
    "gates.cool_down_ms": 0,
    "gates.ramp_up_gap_ms": 0,
    "gates.in_session_ms": 0,
    "fatigue.limit": 1e9,
    "utility.enabled": False,
    "diversity.last": 0,
    "exploration.temperature": 0.0,
    "send_time.exploration_draws": 0,
    "exploration.uniform_share": 0.0,
    "gates.rescore_after_ms": 0,
    "gates.quiet_hours.start_minute": 0,
    "gates.quiet_hours.end_minute": 0,
    "gates.quiet_hours.smear_ms": 0,
    "items.repeat_after_ms": 0,
    "items.seen_for_ms": 0,
    "send.min_score": 0.0,
    "log.suppressed_share": 0.0,
}


def plain_rules(**changes: Any) -> Rules:
    """The policy of `default.yaml` with every gate open, changed: `plain_rules(gates__min_gap_ms=HOUR)`."""
    return changed(only_behaviour(default_rules()), NO_GATES | {name.replace("__", "."): value for name, value in changes.items()})


def only_behaviour(rules: Rules) -> Rules:
    """No occasion but what the user does and what others nudge for, at once, for a long time, and all as good as each other."""
    plain = {
        name: replace(occasion, enabled=name not in OF_THEIR_OWN, rank=1, horizon_ms=365 * DAY, timing="now")
        for name, occasion in rules.occasions.items()
    }
    return replace(rules, occasions=plain)


@cache
def default_rules() -> Rules:
    """The policy that is shipped."""
    return load_config(None, {}).policy


def changed(rules: Rules, changes: dict[str, Any]) -> Rules:
    """`rules` with each dotted name set. All at once, because some values only fit together."""
    tree: dict[str, Any] = {}
    for name, value in changes.items():
        *sections, last = name.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[last] = value
    result = _replaced(rules, tree)
    assert isinstance(result, Rules)
    return result


def caps(*counts_and_windows: tuple[int, int]) -> tuple[Cap, ...]:
    """`caps((3, DAY), (10, 7 * DAY))`."""
    return tuple(Cap(count, window_ms) for count, window_ms in counts_and_windows)


def cap_per(per: str, count: int, window_ms: int) -> tuple[Cap, ...]:
    """One cap on a level: `cap_per("category", 2, DAY)`."""
    return (Cap(count, window_ms, per),)


def _replaced(part: Any, changes: dict[str, Any]) -> Any:
    if isinstance(part, Mapping):
        return {**part, **{name: replace(part[name], **values) for name, values in changes.items()}}
    values = {}
    for name, value in changes.items():
        now = getattr(part, name)
        has_parts = is_dataclass(now) or name == "occasions"
        values[name] = _replaced(now, value) if has_parts and isinstance(value, dict) else value
    return replace(part, **values)
