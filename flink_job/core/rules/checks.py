"""Checks of single values, for the rules: each raises RuleError with the field's name first."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from flink_job.core.signals import InteractionType


class RuleError(ValueError):
    """A rule has a value it cannot have; the message starts with the field's name."""


def number(name: str, value: float) -> None:
    """Refuse what is no finite number."""
    if not isfinite(value):
        raise RuleError(f"{name}: must be a number, not {value}")


def positive(name: str, value: float) -> None:
    """Refuse what is not above 0."""
    if not value > 0:
        raise RuleError(f"{name}: must be greater than 0, not {value}")


def not_negative(name: str, value: float) -> None:
    """Refuse what is below 0."""
    if not value >= 0:
        raise RuleError(f"{name}: must not be negative, not {value}")


def share(name: str, value: float) -> None:
    """Refuse what is no part of 1."""
    if not 0 <= value <= 1:
        raise RuleError(f"{name}: must be from 0 to 1, not {value}")


def interaction_names(name: str, keys: Mapping[str, float]) -> None:
    """Refuse keys that are no interaction."""
    known = {kind.name.lower() for kind in InteractionType}
    for key in keys:
        if key not in known:
            raise RuleError(f"{name}.{key}: no such interaction; there are {', '.join(sorted(known))}")
