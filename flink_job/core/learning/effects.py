"""What the item operator asks the outside to do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from flink_job.core.learning.facts import Facts
from flink_job.core.learning.signals import ItemSignal
from flink_job.core.signals import Trigger


@dataclass(frozen=True, slots=True)
class Release:
    """Tell the deciders what is known of `key`."""

    key: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class NudgeUser:
    """Ask for a decision about a user. Prices are NaN but for a drop."""

    nudge_id: str
    user_id: str
    trigger: Trigger
    item_id: str
    at_ms: int
    expires_at_ms: int
    boost: float
    price_before: float = math.nan
    price_after: float = math.nan


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell another key of this operator."""

    signal: ItemSignal


@dataclass(frozen=True, slots=True)
class ReleaseAt:
    """Call `on_release` for this key at that time, by the clock of the machine."""

    at_ms: int


LearningEffect = Release | NudgeUser | Tell | ReleaseAt
LearningEffects = tuple[LearningEffect, ...]
