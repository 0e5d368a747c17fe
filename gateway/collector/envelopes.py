"""From a message to what stands on a topic: key and value."""

from __future__ import annotations

from kairos.v1 import signal_pb2

_SEVEN_BITS = 0x7F
_INTERACTION, _FEEDBACK, _USER_UPDATE = (
    bytes([signal_pb2.Signal.DESCRIPTOR.fields_by_name[name].number << 3 | 2]) for name in ("interaction", "feedback", "user_update")
)
"""Tags of the envelope's members: field number and wire type 2 (bytes with their length before them)."""


def interaction_signal(content: bytes) -> bytes:
    """A `Signal` with the serialised interaction: protobuf nests messages as they are, so nothing need be copied field by field."""
    return _INTERACTION + _length(len(content)) + content


def feedback_signal(content: bytes) -> bytes:
    """A `Signal` with the serialised feedback."""
    return _FEEDBACK + _length(len(content)) + content


def user_update_signal(content: bytes) -> bytes:
    """A `Signal` with the serialised update."""
    return _USER_UPDATE + _length(len(content)) + content


def _length(number: int) -> bytes:
    """A protobuf varint."""
    digits = bytearray()
    while number > _SEVEN_BITS:
        digits.append(number & _SEVEN_BITS | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
