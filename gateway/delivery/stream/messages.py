"""What clients of the stream say: that they have a push, and what became of it. Strict: what is not meant here is told, not guessed.

>>> parse('{"type": "ack", "id": "42"}').id
'42'
>>> parse('{"type": "ack", "id": "4 2"}')
Traceback (most recent call last):
gateway.delivery.stream.messages.MessageError: id: String should match pattern '^[0-9]{1,18}$'
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kairos.v1 import feedback_pb2

OUTCOMES = {
    "delivered": feedback_pb2.OUTCOME_DELIVERED,
    "displayed": feedback_pb2.OUTCOME_DISPLAYED,
    "opened": feedback_pb2.OUTCOME_OPENED,
    "action_clicked": feedback_pb2.OUTCOME_ACTION_CLICKED,
    "converted": feedback_pb2.OUTCOME_CONVERTED,
    "dismissed": feedback_pb2.OUTCOME_DISMISSED,
    "channel_disabled": feedback_pb2.OUTCOME_CHANNEL_DISABLED,
    "unsubscribed": feedback_pb2.OUTCOME_UNSUBSCRIBED,
    "subscribed": feedback_pb2.OUTCOME_SUBSCRIBED,
    "reported": feedback_pb2.OUTCOME_REPORTED,
}
WITHOUT_COMMAND = (feedback_pb2.OUTCOME_UNSUBSCRIBED, feedback_pb2.OUTCOME_SUBSCRIBED)

StreamId = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
ShortText = Annotated[str, Field(max_length=128)]


class MessageError(ValueError):
    """What is wrong with a message, for its sender."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    ref: Annotated[str, Field(max_length=64)] = ""
    """Comes back with the answer."""


class Ack(_Message):
    """The device has every push up to this id."""

    type: Literal["ack"]
    id: StreamId


class Told(_Message):
    """What the user did with a push."""

    type: Literal["outcome"]
    outcome: Literal[
        "delivered",
        "displayed",
        "opened",
        "action_clicked",
        "converted",
        "dismissed",
        "channel_disabled",
        "unsubscribed",
        "subscribed",
        "reported",
    ]
    command_id: ShortText = ""
    item_id: ShortText = ""
    action_id: ShortText = ""
    value: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)] = 0.0
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    at_ms: Annotated[int, Field(ge=0, le=1 << 53)] = 0
    """By the device's clock; 0: now."""
    report_id: ShortText = ""
    """Of one of several conversions or openings: the same is taken once."""


class Ping(_Message):
    """Whether anybody is there."""

    type: Literal["ping"]


Message = Ack | Told | Ping
_ADAPTER: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])
_LIST: TypeAdapter[list[Message]] = TypeAdapter(Annotated[list[Annotated[Message, Field(discriminator="type")]], Field(max_length=100)])


def parse(text: str | bytes) -> Message:
    """One message. Raises MessageError."""
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        raise _in_words(error) from None


def parse_list(text: bytes) -> list[Message]:
    """A list of messages. Raises MessageError."""
    try:
        return _LIST.validate_json(text)
    except ValidationError as error:
        raise _in_words(error) from None


def _in_words(error: ValidationError) -> MessageError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("ack", "outcome", "ping"))
    return MessageError(f"{where}: {first['msg']}" if where else first["msg"])
