"""What another policy would change, setting by setting."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from flink_job.core.rules import Rules
from kairos.logs.durations import in_words

_NAMES = ("policy_id", "version")


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting by its dotted name; ``None``: it is not there."""

    setting: str
    before: Any
    after: Any


def differences(before: Rules, after: Rules) -> list[Difference]:
    """In the order of the document; the version is no setting."""
    old, new = dict(_flat("", asdict(before))), dict(_flat("", asdict(after)))
    names = [name for name in (*old, *(name for name in new if name not in old)) if name not in _NAMES]
    return [Difference(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def value_in_words(setting: str, value: Any) -> str:
    """As a person reads it: a length of time with its unit too, a list in one line."""
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{name} {value_in_words(name, part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(value_in_words("", part) for part in value) or "none"
    # Interaction names are the settings of `triggers`, whose values are milliseconds as well.
    if isinstance(value, int) and not isinstance(value, bool) and value and (setting.endswith("_ms") or setting.startswith("triggers.")):
        return f"{value} ({in_words(value)})"
    return str(value)


def _flat(prefix: str, part: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield prefix + name, value
