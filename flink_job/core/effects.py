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
    p_open: float = 0.0
    p_convert: float = 0.0
    utility: float = 0.0
    """After `diversity`, what it is multiplied by for being like the last pushes."""
    diversity: float = 1.0


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate and its verdict; `opens_at_ms` is 0 where it is open or unknown."""

    name: str
    passed: bool
    opens_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """One moment that was weighed: what may come of a push then, what is left of its worth, and how probable it was to be chosen."""

    at_ms: int
    ctr: float
    cvr: float
    discount: float
    propensity: float


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
    dropped_by_rule: tuple[tuple[str, int], ...] = ()
    catalogue_version: int = 0
    propensities: tuple[float, ...] = ()
    """Of each candidate, those not in the list have none; they sum to 1 for a push."""
    terms: tuple[tuple[str, float], ...] = ()
    """The parts of the first candidate's utility, by name."""
    slots: tuple[Slot, ...] = ()
    planned_item_id: str = ""
    """The item it would have been when the decision was put off; empty: none, or no longer known."""
    planned_dropped_by: str = ""
    """The rule that forbids that one now; empty: none does, another one is better."""


@dataclass(frozen=True, slots=True)
class Push:
    """Send `item` now. `payload` is the catalogue's own record of it, from which the message is rendered."""

    command_id: str
    item: ScoredItem
    propensity: float
    payload: bytes
    decided_at_ms: int
    expires_at_ms: int
    quiet_from_ms: int
    record: Record
    told_as: int = 0
    """The occasion that its words are about: not that of the record where what that says is true of another item only."""
    also: tuple[ScoredItem, ...] = ()
    """Further items of a digest, in the order in which they were picked."""


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


def wake_set_with(decision: Push | Suppressed, effects: Effects) -> int:
    """When the user is decided about again by the wake-up that was set with this decision, one of `effects`; 0: none was."""
    passed = False
    for effect in effects:
        if effect is decision:
            passed = True
        elif passed and type(effect) is Wake:
            return effect.at_ms
        elif passed and type(effect) in (Push, Suppressed):
            return 0
    return 0
