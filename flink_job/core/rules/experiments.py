"""Experiments: layers of arms. Who is in which arm is drawn by `flink_job.core.experiments`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flink_job.core.rules.checks import RuleError, positive, share

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SALT_BYTES = 64
"""So much of a salt counts in a draw."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Layer:
    """Arms with their shares of all users; those that the shares leave over are in no arm of this layer.

    `salt` draws the users: another one draws others. Change it with the shares, or users change arms in the middle of an experiment.
    """

    salt: str
    arms: Mapping[str, float]

    def __post_init__(self) -> None:
        if not 0 < len(self.salt.encode()) <= _SALT_BYTES:
            raise RuleError(f"salt: must have 1 to {_SALT_BYTES} bytes")
        if len(self.arms) < 2:
            raise RuleError("arms: an experiment compares two arms or more")
        for arm, part in self.arms.items():
            _name(f"arms.{arm}", arm)
            positive(f"arms.{arm}", part)
            share(f"arms.{arm}", part)
        if sum(self.arms.values()) > 1 + _ROUNDING:
            raise RuleError(f"arms: the shares must add up to 1 at most, not {sum(self.arms.values()):g}")


def check_layers(layers: Mapping[str, Layer], holdout_salt: str) -> None:
    """Refuse names that cannot stand in a key, and salts that are not of one layer alone: its draws would not be independent."""
    used = {holdout_salt: "gates.holdout_salt"}
    for name, layer in layers.items():
        _name(f"experiments.{name}", name)
        if layer.salt in used:
            raise RuleError(f"experiments.{name}: salt: is that of {used[layer.salt]}; every layer draws its users independently")
        used[layer.salt] = f"experiments.{name}"


def _name(field: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RuleError(f"{field}: a name has letters, digits and . _ - only")
