"""Push commands from bytes, and what forbids to deliver one whatever the channel."""

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from gateway.delivery.store.values import Wanted
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PURPOSE_MARKETING, PURPOSE_UNSPECIFIED, PushCommand

LONGEST_ID_BYTES = 128


class MalformedError(ValueError):
    """The record is no push command that could be delivered; the message names the field."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is not delivered: an outcome for the job, a word for people."""

    outcome: int
    reason: str


def parse(value: bytes | None, key: bytes | None) -> PushCommand:
    """Raises MalformedError."""
    try:
        command = PushCommand.FromString(value or b"")
    except DecodeError:
        raise MalformedError("value: is no kairos.v1.PushCommand") from None
    for name, text in (("command_id", command.command_id), ("user_id", command.user_id)):
        if not text or len(text.encode()) > LONGEST_ID_BYTES:
            raise MalformedError(f"{name}: must have 1 to {LONGEST_ID_BYTES} bytes")
    if not (command.command_id.isascii() and command.command_id.isprintable()):
        raise MalformedError("command_id: must be printable ASCII")
    if key is not None and key != command.user_id.encode():
        raise MalformedError("user_id: differs from the record's key")
    return command


def end_ms(command: PushCommand, default_ttl_ms: int) -> int:
    """From when on it must not reach the user, milliseconds since the epoch: it is worthless, or would wake them."""
    expires_at_ms = command.expires_at_ms or (command.decided_at_ms or command.caused_at_ms) + default_ttl_ms
    return min(expires_at_ms, command.quiet_from_ms) if command.quiet_from_ms else expires_at_ms


def due_ms(command: PushCommand, default_ttl_ms: int) -> int:
    """From when on it can be said what becomes of it, milliseconds since the epoch: its moment comes, or its end before that."""
    return min(command.not_before_ms, end_ms(command, default_ttl_ms))


def wanted(command: PushCommand, origin: str, ends_at_ms: int, now_ms: int, remember_ms: int) -> Wanted:
    """What the store is asked for it. It is remembered for so long after its end."""
    return Wanted(command.command_id, command.user_id, origin, now_ms, max(now_ms, ends_at_ms) + remember_ms)


def refusal(command: PushCommand, ends_at_ms: int, now_ms: int) -> Refusal | None:
    """What forbids to deliver it at ``now_ms``; None: nothing does."""
    if now_ms >= ends_at_ms:
        reason = "the user's quiet hours have begun" if ends_at_ms == command.quiet_from_ms else "its time was over"
        return Refusal(feedback_pb2.OUTCOME_EXPIRED, reason)
    if command.privacy.minor and command.purpose in (PURPOSE_MARKETING, PURPOSE_UNSPECIFIED):
        return Refusal(feedback_pb2.OUTCOME_REJECTED, "no marketing to minors")
    return None


def only_takes_back(command: PushCommand) -> bool:
    """It cancels another command and shows nothing itself."""
    content = command.content
    shows = command.silent or content.title or content.body or content.title_loc_key or content.body_loc_key or command.item_ids
    return bool(command.cancels_command_id) and not shows
