"""What the decision log keeps of a decision, and whether it keeps it: a share of those against a push, drawn by their cause."""

from __future__ import annotations

from flink_job.core.catalogue import Catalogue
from flink_job.core.effects import BARE, Effects, Gate, Record, Slot, Suppressed
from flink_job.core.gates import ORDER
from flink_job.core.ranking import Ranked
from flink_job.core.reasons import BEFORE_THE_GATES, Reason
from flink_job.core.rules import LogRules
from flink_job.core.send_time import SendTimePlan
from flink_job.core.signals import Trigger
from flink_job.core.state import PendingWake, UserState

_WHOLE_DIGEST = 1 << 64
_ALL_OPEN = tuple(Gate(gate.metric, True) for gate in ORDER)


class Recorder:
    """The rules of the log, ready to use."""

    __slots__ = ("_catalogue", "_logged_below")

    def __init__(self, rules: LogRules, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._logged_below = int(rules.suppressed_share * _WHOLE_DIGEST)

    def unlogged(self, state: UserState, reason: Reason, digest: bytes, cause_id: str, at_ms: int) -> Effects:
        """The answer to most events: nothing, for a reason that needs no look at the user."""
        if not self._logged(digest):
            return BARE[reason]
        cause = PendingWake(0, "", cause_id, at_ms, Trigger.BEHAVIOUR, 0, 0.0)
        return (self.suppressed(state, cause, reason, digest),)

    def suppressed(
        self,
        state: UserState,
        cause: PendingWake,
        reason: Reason,
        digest: bytes,
        *,
        opens_at_ms: int = 0,
        wake_at_ms: int = 0,
        ranked: Ranked | None = None,
        plan: SendTimePlan | None = None,
    ) -> Suppressed:
        """Nothing is sent; with its record if it is one of those that are logged."""
        record = self.of(state, cause, reason, opens_at_ms or wake_at_ms, ranked, plan=plan) if self._logged(digest) else None
        return Suppressed(reason, state.last_signal_ms, wake_at_ms, record)

    def of(
        self,
        state: UserState,
        cause: PendingWake,
        reason: Reason | None,
        opens_at_ms: int,
        ranked: Ranked | None,
        propensities: tuple[float, ...] = (),
        terms: tuple[tuple[str, float], ...] = (),
        plan: SendTimePlan | None = None,
    ) -> Record:
        """The record of one decision; `reason` None: a push."""
        return Record(
            cause_id=cause.cause_id,
            caused_at_ms=cause.caused_at_ms,
            trigger=cause.trigger,
            number=state.decisions,
            gates=_gates_asked(reason, opens_at_ms),
            candidates=ranked.items if ranked else (),
            found_by_source=tuple((name, len(rows)) for name, rows in ranked.found.by_source) if ranked else (),
            dropped_by_rule=ranked.dropped if ranked else (),
            catalogue_version=self._catalogue.version,
            propensities=propensities,
            terms=terms,
            slots=_slots(plan) if plan is not None else (),
            planned_item_id=self._item_id(cause.planned_key),
            planned_dropped_by=ranked.about_dropped_by if ranked and cause.planned_key else "",
        )

    def _item_id(self, key: int) -> str:
        row = self._catalogue.row_of_key(key) if key else -1
        return self._catalogue.item(row).item_id if row >= 0 else ""

    def _logged(self, digest: bytes) -> bool:
        return int.from_bytes(digest, "little") < self._logged_below


def _gates_asked(reason: Reason | None, opens_at_ms: int) -> tuple[Gate, ...]:
    """The gates up to the one that closed; all of them if none did."""
    if reason in ORDER:
        at = ORDER.index(reason)
        return (*_ALL_OPEN[:at], Gate(reason.metric, False, opens_at_ms))
    return () if reason in BEFORE_THE_GATES or reason is Reason.DELAY else _ALL_OPEN


def _slots(plan: SendTimePlan) -> tuple[Slot, ...]:
    columns = (plan.moments, plan.ctr, plan.cvr, plan.discount, plan.propensity)
    return tuple(Slot(*row) for row in zip(*(column.tolist() for column in columns), strict=True))
