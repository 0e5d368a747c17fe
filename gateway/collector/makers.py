"""From what was sent to what is written: each kind of record is read, checked, given its id and its key.

*Contract*: pure but for the tables it was built with; the time is an argument. Raises `Refusal`, and nothing else, whatever is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from gateway.collector.callers import Caller
from gateway.collector.checks import RecordLimits, check_feedback, check_interaction, check_item, check_user_update
from gateway.collector.envelopes import feedback_signal, interaction_signal, user_update_signal
from gateway.collector.ids import id_from_content, id_from_request
from gateway.collector.mapping import JsonReader, Unknown, text_that_is_none
from gateway.collector.refusal import Refusal
from gateway.common.producer import Record
from gateway.common.pseudonyms import Pseudonyms
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.interaction_pb2 import Interaction
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import UserUpdate

Sent = dict[str, Any] | bytes | Any
"""One record as it came: parsed JSON, or the bytes of a protobuf message."""
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Request:
    """What the records of one request share. `key`: its Idempotency-Key, else its request id."""

    caller: Caller
    now_ms: int
    key: str


class Maker(Protocol):
    """Makes records of one kind."""

    topic: str
    """Without prefix."""
    kind: str

    def make(self, sent: Sent, place: int, request: Request) -> list[Record]:
        """What is written for the record at `place`. Raises Refusal."""


class EventMaker:
    """Interactions."""

    topic, kind = "interactions", "event"

    def __init__(self, limits: RecordLimits, unknown: Unknown, pseudonyms: Pseudonyms) -> None:
        self._limits = limits
        self._pseudonyms = pseudonyms
        self._reader = JsonReader(Interaction.DESCRIPTOR, unknown)

    def make(self, sent: Sent, place: int, request: Request) -> list[Record]:
        """One record, under the user's current pseudonym."""
        event = read(Interaction, self._reader, sent)
        event.user_id = speaks_for(event.user_id, request.caller)
        check_interaction(event, self._limits, request.now_ms)
        if self._pseudonyms:
            event.user_id = known_as(event.user_id, request.caller, self._pseudonyms)[0]
        if not event.event_id:
            event.event_id = made_id("event", event, event.occurred_at_ms, place, request)
        return [sized(event.user_id, interaction_signal(event.SerializeToString()), self._limits)]


class FeedbackMaker:
    """What became of pushes."""

    topic, kind = "feedback", "feedback"

    def __init__(self, limits: RecordLimits, unknown: Unknown, pseudonyms: Pseudonyms) -> None:
        self._limits = limits
        self._pseudonyms = pseudonyms
        self._reader = JsonReader(Feedback.DESCRIPTOR, unknown)

    def make(self, sent: Sent, place: int, request: Request) -> list[Record]:
        """One record for each id that the user may be known under: the push may be older than the present key."""
        feedback = read(Feedback, self._reader, sent)
        feedback.user_id = speaks_for(feedback.user_id, request.caller)
        check_feedback(feedback, self._limits, request.now_ms)
        given = bool(feedback.feedback_id)
        records = []
        for user_id in known_as(feedback.user_id, request.caller, self._pseudonyms):
            feedback.user_id = user_id
            if not given:
                feedback.feedback_id = ""
                feedback.feedback_id = made_id("feedback", feedback, feedback.occurred_at_ms, place, request)
            records.append(sized(user_id, feedback_signal(feedback.SerializeToString()), self._limits))
        return records


class ItemMaker:
    """The catalogue. `featurise`: gives an item without features those of its content."""

    topic, kind = "items", "item"

    def __init__(self, limits: RecordLimits, unknown: Unknown, featurise: Callable[[Item], bytes]) -> None:
        self._limits = limits
        self._featurise = featurise
        self._reader = JsonReader(Item.DESCRIPTOR, unknown)

    def make(self, sent: Sent, place: int, request: Request) -> list[Record]:  # noqa: ARG002 - an item's id is never made
        """One record."""
        item = read(Item, self._reader, sent)
        check_item(item, self._limits)
        if not item.updated_at_ms:
            item.updated_at_ms = request.now_ms
        if not item.features and not item.deleted:
            item.features = self._featurise(item)
        return [sized(item.item_id, item.SerializeToString(), self._limits)]


class UserMaker:
    """Facts about users, and erasure."""

    topic, kind = "interactions", "user"

    def __init__(self, limits: RecordLimits, unknown: Unknown, pseudonyms: Pseudonyms) -> None:
        self._limits = limits
        self._pseudonyms = pseudonyms
        self._reader = JsonReader(UserUpdate.DESCRIPTOR, unknown)

    def make(self, sent: Sent, place: int, request: Request) -> list[Record]:
        """One record for each id that the user may be known under. A list that is given is meant, also when it is empty."""
        update = read(UserUpdate, self._reader, sent)
        if isinstance(sent, dict):
            update.purposes_set = update.purposes_set or isinstance(sent.get("purposes"), list)
            update.segments_set = update.segments_set or isinstance(sent.get("segments"), list)
        update.user_id = speaks_for(update.user_id, request.caller)
        check_user_update(update, self._limits, request.now_ms)
        given = bool(update.update_id)
        records = []
        for user_id in known_as(update.user_id, request.caller, self._pseudonyms):
            update.user_id = user_id
            if not given:
                update.update_id = ""
                update.update_id = made_id("user", update, update.occurred_at_ms, place, request)
            records.append(sized(user_id, user_update_signal(update.SerializeToString()), self._limits))
        return records


def read(cls: type[M], reader: JsonReader, sent: Sent) -> M:
    """The message that was sent. Raises Refusal."""
    if isinstance(sent, bytes):
        try:
            return cls.FromString(sent)
        except DecodeError as error:
            raise Refusal("malformed", "", f"is not a {cls.DESCRIPTOR.full_name}") from error
    arguments = reader.arguments(sent)
    try:
        return cls(**arguments)
    except UnicodeEncodeError as error:
        raise text_that_is_none(arguments) or Refusal("malformed", "", "cannot be read") from error


def speaks_for(user_id: str, caller: Caller) -> str:
    """About whom a record is. Raises Refusal: a browser speaks for its own user, a server must say for whom."""
    if not caller.user_id:
        if not user_id:
            raise Refusal("missing_field", "userId", "is missing")
        return user_id
    if user_id and user_id != caller.user_id:
        raise Refusal("not_yours", "userId", "is not the user of the token")
    return caller.user_id


def known_as(user_id: str, caller: Caller, pseudonyms: Pseudonyms) -> list[str]:
    """All ids that the user may be known under, the present one first. A server may give a pseudonym that it read in a push; a browser may not."""
    return [user_id] if not caller.user_id and pseudonyms.is_one(user_id) else pseudonyms.every(user_id)


def made_id(kind: str, message: Message, at_ms: int, place: int, request: Request) -> str:
    """An id for a record that came without."""
    if at_ms:
        return id_from_content(kind, message.SerializeToString(deterministic=True))
    return id_from_request(kind, request.caller.name, request.key, place)


def sized(key: str, value: bytes, limits: RecordLimits) -> Record:
    """Key and value. Raises Refusal for what the job would find too large."""
    if len(value) > limits.max_record_bytes:
        raise Refusal("oversized", "", f"{len(value)} bytes, at most {limits.max_record_bytes} are allowed")
    return key.encode(), value
