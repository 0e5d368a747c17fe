"""What a decision asks the outside to do. The core returns these; adapters carry them out."""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.learning.signals import ItemSignal
from flink_job.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """One candidate with its score `s_ui = interest + α · affinity` and the sources that found it."""

    item_id: str
    score: float
    interest: float
    affinity: float
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate and its verdict; `opens_at_ms` is 0 where it is open or unknown."""

    name: str
    passed: bool
    opens_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """What the decision log keeps of one decision."""

    cause_id: str
    caused_at_ms: int
    trigger: int
    number: int
    gates: tuple[Gate, ...] = ()
    candidates: tuple[ScoredItem, ...] = ()
    found_by_source: tuple[tuple[str, int], ...] = ()
    catalogue_version: int = 0


@dataclass(frozen=True, slots=True)
class Push:
    """Send `item` now. `payload` is the catalogue's own record of it, from which the message is rendered."""

    command_id: str
    item: ScoredItem
    payload: bytes
    decided_at_ms: int
    expires_at_ms: int
    quiet_from_ms: int
    record: Record


@dataclass(frozen=True, slots=True)
class Wake:
    """Decide again at `at_ms`, by the clock of the machine."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Nothing is sent, for `reason`. `record` is there if this decision is to be logged; `wake_at_ms` 0: no wake-up."""

    reason: Reason
    decided_at_ms: int = 0
    wake_at_ms: int = 0
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Erase:
    """Forget the user. A timer that is still set finds nobody and does nothing."""


Effect = Push | Wake | Suppressed | Erase | ItemSignal
Effects = tuple[Effect, ...]

#: Answers that need no detail, made once.
BARE: dict[Reason, Effects] = {reason: (Suppressed(reason),) for reason in Reason}
