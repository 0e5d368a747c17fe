"""A push that is decided: remembered in the user's state, told to the item operator, and put together for the adapters."""

from __future__ import annotations

from flink_job.core import history
from flink_job.core.catalogue import Catalogue
from flink_job.core.effects import Effects, Push, ScoredItem
from flink_job.core.fatigue import Fatigue
from flink_job.core.gates import Gates
from flink_job.core.index.labels import UNLABELLED, label_of
from flink_job.core.item_signals import ItemSignalMaker
from flink_job.core.moment import Moment
from flink_job.core.occasions import Occasions
from flink_job.core.ranking import Ranked
from flink_job.core.recording import Recorder
from flink_job.core.rules import Rules
from flink_job.core.send_time import SendTimePlan
from flink_job.core.state import PendingWake, UserState
from flink_job.core.utility import Circumstances, Utility


class Sender:
    """The rules of sending, ready to use."""

    __slots__ = ("_catalogue", "_fatigue", "_gates", "_item_signals", "_moment", "_occasions", "_records", "_rules", "_utility")

    def __init__(
        self,
        rules: Rules,
        catalogue: Catalogue,
        fatigue: Fatigue,
        gates: Gates,
        moment: Moment,
        occasions: Occasions,
        utility: Utility,
        records: Recorder,
        item_signals: ItemSignalMaker | None,
    ) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._fatigue = fatigue
        self._gates = gates
        self._moment = moment
        self._occasions = occasions
        self._utility = utility
        self._records = records
        self._item_signals = item_signals

    def send(
        self,
        state: UserState,
        cause: PendingWake,
        command: str,
        ranked: Ranked,
        chosen: int,
        propensities: tuple[float, ...],
        around: Circumstances,
        plan: SendTimePlan | None,
        also: tuple[int, ...] = (),
    ) -> Effects:
        """Send the item at `chosen` in the list, now, and in a digest those at `also`. Changes `state`."""
        now_ms = state.last_signal_ms
        item, propensity = self._catalogue.item(ranked.rows[chosen]), propensities[chosen]
        expires_at_ms = now_ms + self._rules.send.time_to_live_ms
        for place in (chosen, *also):
            each = self._catalogue.item(ranked.rows[place])
            history.remember_push(
                state,
                each.key,
                command,
                now_ms,
                self._rules.memory.sent_pushes,
                trigger=cause.trigger,
                category=label_of(each.categories[-1]) if each.categories else UNLABELLED,
                creator=label_of(each.creator_id),
            )
            if each.valid_until_ms:
                expires_at_ms = min(expires_at_ms, each.valid_until_ms)
        self._fatigue.add(state, self._fatigue.sent, now_ms)
        self._moment.observe_sent(state, now_ms)
        told: Effects = ()
        if self._item_signals is not None:
            slot = self._moment.slot_of(state)(now_ms)
            told = self._item_signals.of_push(state, command, item.item_id, cause.trigger, now_ms, slot, propensity)
        push = Push(
            command_id=command,
            item=ranked.items[chosen],
            propensity=propensity,
            payload=item.payload,
            decided_at_ms=now_ms,
            expires_at_ms=expires_at_ms,
            quiet_from_ms=self._gates.quiet_from_ms(state, now_ms),
            record=self._records.of(state, cause, None, 0, ranked, propensities, self._terms(ranked.items[chosen], around), plan),
            told_as=self._occasions.told_as(cause, item.key),
            also=tuple(ranked.items[place] for place in also),
        )
        return (push, *told)

    def _terms(self, item: ScoredItem, around: Circumstances) -> tuple[tuple[str, float], ...]:
        if not self._rules.utility.enabled:
            return ()
        return tuple(self._utility.terms(item.p_open, item.p_convert, item.utility, around).items())
