"""What is wrong with a record."""

from __future__ import annotations

from kairos.v1 import dead_letter_pb2

NULL_KEY = dead_letter_pb2.DEAD_LETTER_REASON_NULL_KEY
NULL_VALUE = dead_letter_pb2.DEAD_LETTER_REASON_NULL_VALUE
MALFORMED = dead_letter_pb2.DEAD_LETTER_REASON_MALFORMED
OVERSIZED = dead_letter_pb2.DEAD_LETTER_REASON_OVERSIZED
MISSING_FIELD = dead_letter_pb2.DEAD_LETTER_REASON_MISSING_FIELD
INVALID_FIELD = dead_letter_pb2.DEAD_LETTER_REASON_INVALID_FIELD
KEY_MISMATCH = dead_letter_pb2.DEAD_LETTER_REASON_KEY_MISMATCH
TOO_LATE = dead_letter_pb2.DEAD_LETTER_REASON_TOO_LATE
FUTURE = dead_letter_pb2.DEAD_LETTER_REASON_FUTURE
UNKNOWN_KIND = dead_letter_pb2.DEAD_LETTER_REASON_UNKNOWN_KIND


class DecodeError(ValueError):
    """A record that cannot be used; `reason` is a DeadLetterReason, the message names the field."""

    def __init__(self, reason: dead_letter_pb2.DeadLetterReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def reason_name(reason: int) -> str:
    """Name as in the metric `dead_letters.<name>`."""
    return dead_letter_pb2.DeadLetterReason.Name(reason).removeprefix("DEAD_LETTER_REASON_").lower()
