"""User states as versioned bytes: one version byte, then kairos.v1.UserState.

A state is read and written for every event, so the columns are packed arrays that need no loop. A new field needs no new version (protobuf
skips and defaults it); a version is for bytes that older code would misread, and `_READERS` keeps a reader for each one ever released.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable

from flink_job.codec.interest import most_interest_bytes, read_elsewhere, read_sums, write_elsewhere
from flink_job.core.rules import MemoryRules
from flink_job.core.signals import LONGEST_WORD, MOST_WORDS, Channel
from flink_job.core.state import PendingWake, UserState
from flink_job.core.wordings import MOST_ROUNDS, ROUND_BYTES
from kairos.v1 import state_pb2

VERSION = 1
_PREFIX = bytes([VERSION])
_LONGEST_CHARACTER = 4
_SLOTS = 168
_LONGEST_PLACE = 249 + 1 + 10 + 1 + 19  # topic/partition/offset, the id of an event that has none

if sys.byteorder != "little":  # the columns are little-endian in state and are read without conversion
    raise ImportError("Kairos runs on little-endian machines only")


class UnknownStateVersion(RuntimeError):
    """The state was written by a newer release; restore with that release or a newer one."""


class StateCodec:
    """Reads and writes user states."""

    __slots__ = ("_shape",)

    def __init__(self, feature_dim: int) -> None:
        self._shape = (2, feature_dim + 1)

    def decode(self, blob: bytes) -> UserState:
        """The state in `blob`. Raises UnknownStateVersion."""
        reader = _READERS.get(blob[0])
        if reader is None:
            raise UnknownStateVersion(f"user state has version {blob[0]}, this release reads up to {VERSION}")
        return reader(blob, self._shape)

    @staticmethod
    def encode(state: UserState) -> bytes:
        """`state` as bytes."""
        message = state_pb2.UserState(
            first_seen_ms=state.first_seen_ms,
            last_signal_ms=state.last_signal_ms,
            signals=state.signals,
            interest=state.interest.tobytes(),
            interest_at_ms=state.interest_at_ms,
            interest_of=state.interest_of + 1,
            seen_events=state.seen_events,
        )
        if state.interest_elsewhere:
            write_elsewhere(message, state.interest_elsewhere)
        if state.decisions:
            message.decisions = state.decisions
        if state.recent_item:
            message.recent_item = state.recent_item.tobytes()
            message.recent_at_ms = state.recent_at_ms.tobytes()
            message.recent_weight = state.recent_weight.tobytes()
            message.recent_flags = state.recent_flags.tobytes()
        if state.unfolded_item:
            message.unfolded_item = state.unfolded_item.tobytes()
            message.unfolded_at_ms = state.unfolded_at_ms.tobytes()
            message.unfolded_weight = state.unfolded_weight.tobytes()
        if state.sent_item:
            message.sent_at_ms = state.sent_at_ms.tobytes()
            message.sent_item = state.sent_item.tobytes()
            message.sent_command = state.sent_command.tobytes()
            message.sent_status = state.sent_status.tobytes()
            message.sent_trigger = state.sent_trigger.tobytes()
            message.sent_category = state.sent_category.tobytes()
            message.sent_creator = state.sent_creator.tobytes()
            message.sent_template = state.sent_template.tobytes()
        if state.bought_item:
            message.bought_item = state.bought_item.tobytes()
            message.bought_at_ms = state.bought_at_ms.tobytes()
        pending = state.pending
        if pending is not None:
            wake = message.pending
            wake.due_ms = pending.due_ms
            wake.reason = pending.reason
            wake.cause_id = pending.cause_id
            wake.caused_at_ms = pending.caused_at_ms
            wake.trigger = pending.trigger  # type: ignore[assignment]  # the numbers are the contract's
            wake.item = pending.item_key
            wake.boost = pending.boost
            if pending.expires_at_ms:
                wake.expires_at_ms = pending.expires_at_ms
            if pending.planned_key:
                wake.planned = pending.planned_key
            if pending.planned_price:
                wake.planned_price = pending.planned_price
        if state.dismissed_at_ms:
            message.dismissed_at_ms = state.dismissed_at_ms
            message.dismissals = state.dismissals
        if state.consent_at_ms:
            message.consent_at_ms = state.consent_at_ms
            message.opted_out = state.opted_out
        if state.reachable_at_ms:
            message.reachable_at_ms = state.reachable_at_ms
            message.unreachable = state.unreachable
        if state.context_at_ms:
            message.context_at_ms = state.context_at_ms
        if state.time_zone:
            message.time_zone = state.time_zone
        if state.country:
            message.country = state.country
        if state.locale:
            message.locale = state.locale
        if state.scored_at_ms:
            message.scored_at_ms = state.scored_at_ms
        if state.slots_at_ms:
            message.activity_at_ms = state.slots_at_ms
            if state.activity_slot:
                message.activity_slot = state.activity_slot.tobytes()
                message.activity = state.activity.tobytes()
            if state.outcome_slot:
                message.outcome_slot = state.outcome_slot.tobytes()
                message.outcomes_by_slot = state.outcomes.tobytes()
        if state.visit_at_ms:
            message.visit_at_ms = state.visit_at_ms
        if state.active_at_ms:
            message.active_at_ms = state.active_at_ms
        if state.fatigue_at_ms:
            message.fatigue = state.fatigue
            message.fatigue_at_ms = state.fatigue_at_ms
        if state.followed:
            message.followed = state.followed.tobytes()
        if state.purposes is not None:
            message.purposes_at_ms = state.purposes_at_ms
            message.purposes_set = True
            message.purposes.extend(state.purposes)
        if state.birth_year_at_ms:
            message.birth_year_at_ms = state.birth_year_at_ms
            message.birth_year = state.birth_year
        if state.segments_at_ms:
            message.segments_at_ms = state.segments_at_ms
            message.segments.extend(state.segments)
        if state.channel_at_ms:
            message.channel_at_ms = state.channel_at_ms
            message.channels_off = state.channels_off
        if state.open_rounds:
            message.open_rounds = state.open_rounds
        if state.told_until_ms:
            message.told_until_ms = state.told_until_ms
        return _PREFIX + message.SerializeToString()


def most_bytes(memory: MemoryRules, feature_dim: int, max_id_bytes: int) -> int:
    """Upper bound of an encoded state under these rules, whatever the user does."""
    columns = (
        memory.recent_items * (8 + 8 + 4 + 1)
        + memory.unfolded_items * (8 + 8 + 4)
        + memory.seen_events * 8
        + memory.sent_pushes * (8 + 8 + 8 + 1 + 1 + 4 + 4 + 4)
        + memory.followed_creators * 8
        + memory.bought_items * (8 + 8)
        + len(Channel) * 8
        + MOST_ROUNDS * ROUND_BYTES
        + _SLOTS * (1 + 4)  # visits by hour of the week
        + _SLOTS * (1 + 3 * 4)  # sends, opens, conversions
    )
    texts = _LONGEST_CHARACTER * (64 + 2 + 35) + 32 + max(max_id_bytes, _LONGEST_PLACE)  # zone, country, locale, reason, cause
    facts = 2 * MOST_WORDS * (_LONGEST_CHARACTER * LONGEST_WORD + 3)
    scalars_and_tags = 65 * 12
    return 1 + columns + most_interest_bytes(feature_dim) + texts + facts + scalars_and_tags


def _read_version_1(blob: bytes, shape: tuple[int, int]) -> UserState:
    message = state_pb2.UserState.FromString(blob[1:])
    sent = len(message.sent_status)
    state = UserState(
        interest=read_sums(message.interest, shape),
        first_seen_ms=message.first_seen_ms,
        last_signal_ms=message.last_signal_ms,
        signals=message.signals,
        decisions=message.decisions,
        interest_at_ms=message.interest_at_ms,
        interest_of=message.interest_of - 1,
        interest_elsewhere=read_elsewhere(message, shape) if message.interest_elsewhere_of else {},
        recent_item=array("Q", message.recent_item),
        recent_at_ms=array("q", message.recent_at_ms),
        recent_weight=array("f", message.recent_weight),
        recent_flags=array("B", message.recent_flags),
        unfolded_item=array("Q", message.unfolded_item),
        unfolded_at_ms=array("q", message.unfolded_at_ms),
        unfolded_weight=array("f", message.unfolded_weight),
        seen_events=message.seen_events,
        sent_at_ms=array("q", message.sent_at_ms),
        sent_item=array("Q", message.sent_item),
        sent_command=array("Q", message.sent_command),
        sent_status=array("B", message.sent_status),
        sent_trigger=array("B", message.sent_trigger or bytes(sent)),
        sent_category=array("i", message.sent_category or bytes(4 * sent)),
        sent_creator=array("i", message.sent_creator or bytes(4 * sent)),
        sent_template=array("i", message.sent_template or bytes(4 * sent)),
        bought_item=array("Q", message.bought_item),
        bought_at_ms=array("q", message.bought_at_ms),
        dismissed_at_ms=message.dismissed_at_ms,
        dismissals=message.dismissals,
        opted_out=message.opted_out,
        unreachable=message.unreachable,
        consent_at_ms=message.consent_at_ms,
        reachable_at_ms=message.reachable_at_ms,
        context_at_ms=message.context_at_ms,
        time_zone=message.time_zone,
        country=message.country,
        locale=message.locale,
        scored_at_ms=message.scored_at_ms,
        activity_slot=array("B", message.activity_slot),
        activity=array("f", message.activity),
        outcome_slot=array("B", message.outcome_slot),
        outcomes=array("f", message.outcomes_by_slot),
        slots_at_ms=message.activity_at_ms,
        visit_at_ms=message.visit_at_ms,
        active_at_ms=message.active_at_ms,
        fatigue=message.fatigue,
        fatigue_at_ms=message.fatigue_at_ms,
        followed=array("Q", message.followed),
        purposes=tuple(message.purposes) if message.purposes_set else None,
        birth_year=message.birth_year,
        segments=tuple(message.segments),
        purposes_at_ms=message.purposes_at_ms,
        birth_year_at_ms=message.birth_year_at_ms,
        segments_at_ms=message.segments_at_ms,
        channels_off=message.channels_off,
        channel_at_ms=message.channel_at_ms,
        open_rounds=message.open_rounds,
        told_until_ms=message.told_until_ms,
    )
    if message.HasField("pending"):
        wake = message.pending
        state.pending = PendingWake(
            wake.due_ms,
            wake.reason,
            wake.cause_id,
            wake.caused_at_ms,
            wake.trigger,
            wake.item,
            wake.boost,
            wake.expires_at_ms,
            wake.planned,
            wake.planned_price,
        )
    return state


_READERS: dict[int, Callable[[bytes, tuple[int, int]], UserState]] = {1: _read_version_1}
