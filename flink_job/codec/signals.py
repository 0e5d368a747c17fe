"""Signals from bytes: checked field by field, so that the core only meets values it can use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError as WireError

from flink_job.codec import errors
from flink_job.codec.errors import DecodeError
from flink_job.codec.limits import is_longer
from flink_job.codec.origin import parse_origin
from flink_job.core.signals import LONGEST_WORD, MOST_WORDS, Feedback, Interaction, Nudge, Signal, UserUpdate
from kairos.v1 import feedback_pb2, interaction_pb2, signal_pb2

_KINDS = frozenset(interaction_pb2.InteractionType.values()) - {interaction_pb2.INTERACTION_TYPE_UNSPECIFIED}
_OUTCOMES = frozenset(feedback_pb2.Outcome.values()) - {feedback_pb2.OUTCOME_UNSPECIFIED}
_CHANNELS = frozenset(feedback_pb2.Channel.values()) - {feedback_pb2.CHANNEL_UNSPECIFIED}
_TRIGGERS = frozenset(signal_pb2.Trigger.values())
_ID_FIELD = {"interaction": "event_id", "feedback": "feedback_id", "nudge": "nudge_id", "user_update": "update_id"}
_LONGEST_ZONE = 64
_LONGEST_LOCALE = 35
_MOST_BOOST = 1e30  # scores are float32; nan is none of them either


@dataclass(frozen=True, slots=True)
class SignalLimits:
    """What a signal may be."""

    max_record_bytes: int
    max_id_bytes: int
    max_age_ms: int
    max_future_ms: int


class SignalDecoder:
    """Makes signals of records."""

    __slots__ = ("_limits", "_message")

    def __init__(self, limits: SignalLimits) -> None:
        self._limits = limits
        self._message = signal_pb2.Signal()

    def decode(self, user_id: str, payload: bytes | None, origin: str, wall_ms: int) -> Signal:
        """The signal in `payload`, keyed `user_id`. Raises DecodeError.

        Its time is the record's own, else Kafka's time stamp; its id the producer's, else the place in the topic.
        """
        limits = self._limits
        if payload is None:
            raise DecodeError(errors.NULL_VALUE, "value: a signal cannot be null; to erase a user send UserUpdate.erase")
        if len(payload) > limits.max_record_bytes:
            raise DecodeError(errors.OVERSIZED, f"value: {len(payload)} bytes, at most {limits.max_record_bytes} are allowed")
        envelope = self._message
        try:
            envelope.ParseFromString(payload)
        except WireError as error:
            raise DecodeError(errors.MALFORMED, "value: is not a kairos.v1.Signal") from error
        which = envelope.WhichOneof("body")
        if which is None:
            raise DecodeError(errors.UNKNOWN_KIND, "body: holds none of interaction, feedback, nudge, user_update")
        body: Any = getattr(envelope, which)
        event_id: str = getattr(body, _ID_FIELD[which])
        if body.user_id != user_id or not user_id:
            self._refuse_user(user_id, body.user_id, which)
        if is_longer(user_id, limits.max_id_bytes) or is_longer(event_id, limits.max_id_bytes):
            raise DecodeError(errors.INVALID_FIELD, f"{which}: user and event id may have at most {limits.max_id_bytes} bytes")
        if not event_id:
            event_id = parse_origin(origin).record_id
        at_ms = body.occurred_at_ms or parse_origin(origin).timestamp_ms
        age_ms = wall_ms - at_ms
        if age_ms > limits.max_age_ms:
            raise DecodeError(errors.TOO_LATE, f"{which}.occurred_at_ms: {age_ms} ms ago, at most {limits.max_age_ms} are accepted")
        if -age_ms > limits.max_future_ms:
            raise DecodeError(errors.FUTURE, f"{which}.occurred_at_ms: {-age_ms} ms ahead, at most {limits.max_future_ms} are accepted")
        if which == "interaction":
            return self._interaction(body, event_id, at_ms)
        if which == "feedback":
            return self._feedback(body, event_id, at_ms)
        if which == "nudge":
            return self._nudge(body, event_id, at_ms)
        return _user_update(body, event_id, at_ms)

    def _interaction(self, body: interaction_pb2.Interaction, event_id: str, at_ms: int) -> Interaction:
        if body.type not in _KINDS:
            raise DecodeError(errors.INVALID_FIELD, f"interaction.type: {body.type} is no interaction type")
        item_id = body.item_id
        if is_longer(item_id, self._limits.max_id_bytes):
            raise DecodeError(errors.INVALID_FIELD, f"interaction.item_id: may have at most {self._limits.max_id_bytes} bytes")
        creator_id = body.creator_id
        if creator_id and is_longer(creator_id, self._limits.max_id_bytes):
            raise DecodeError(errors.INVALID_FIELD, f"interaction.creator_id: may have at most {self._limits.max_id_bytes} bytes")
        if body.HasField("context"):
            context = body.context
            return Interaction(
                event_id,
                body.type,
                at_ms,
                item_id,
                context.time_zone[:_LONGEST_ZONE],
                context.country[:2],
                context.locale[:_LONGEST_LOCALE],
                creator_id,
            )
        return Interaction(event_id, body.type, at_ms, item_id, "", "", "", creator_id)

    def _feedback(self, body: feedback_pb2.Feedback, event_id: str, at_ms: int) -> Feedback:
        if body.outcome not in _OUTCOMES:
            raise DecodeError(errors.INVALID_FIELD, f"feedback.outcome: {body.outcome} is no outcome")
        if not body.command_id and body.outcome not in (feedback_pb2.OUTCOME_SUBSCRIBED, feedback_pb2.OUTCOME_UNSUBSCRIBED):
            raise DecodeError(errors.MISSING_FIELD, "feedback.command_id: which push is it about?")
        return Feedback(event_id, body.command_id, body.outcome, at_ms, body.channel if body.channel in _CHANNELS else 0)

    def _nudge(self, body: signal_pb2.Nudge, event_id: str, at_ms: int) -> Nudge:
        if body.trigger not in _TRIGGERS:
            raise DecodeError(errors.INVALID_FIELD, f"nudge.trigger: {body.trigger} is no trigger")
        if is_longer(body.item_id, self._limits.max_id_bytes):
            raise DecodeError(errors.INVALID_FIELD, f"nudge.item_id: may have at most {self._limits.max_id_bytes} bytes")
        if not abs(body.boost) <= _MOST_BOOST:
            raise DecodeError(errors.INVALID_FIELD, f"nudge.boost: {body.boost} cannot be added to a score")
        return Nudge(event_id, body.trigger, body.item_id, at_ms, body.expires_at_ms, body.boost)

    @staticmethod
    def _refuse_user(key: str, user_id: str, which: str) -> None:
        if key.startswith("\0"):
            raise DecodeError(errors.NULL_KEY, "key: a signal is keyed by its user id")
        if not user_id:
            raise DecodeError(errors.MISSING_FIELD, f"{which}.user_id: is missing")
        raise DecodeError(errors.KEY_MISMATCH, f"{which}.user_id: differs from the record's key")


def _user_update(body: signal_pb2.UserUpdate, event_id: str, at_ms: int) -> UserUpdate:
    return UserUpdate(
        event_id=event_id,
        at_ms=at_ms,
        push_consent=body.push_consent if body.HasField("push_consent") else None,
        reachable=body.reachable if body.HasField("reachable") else None,
        time_zone=body.time_zone[:_LONGEST_ZONE] if body.HasField("time_zone") else None,
        country=body.country[:2] if body.HasField("country") else None,
        locale=body.locale[:_LONGEST_LOCALE] if body.HasField("locale") else None,
        erase=body.erase,
        purposes=words_of(body.purposes) if body.purposes_set else None,
        birth_year=body.birth_year if body.HasField("birth_year") else None,
        segments=words_of(body.segments) if body.segments_set else None,
        channels=tuple(sorted(_CHANNELS.intersection(body.channels))) if body.channels_set else None,
    )


def words_of(given: Iterable[str]) -> tuple[str, ...]:
    """Purposes or segments, so many and so much of each as is kept."""
    return tuple(word[:LONGEST_WORD] for word in given)[:MOST_WORDS]
