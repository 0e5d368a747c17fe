"""Why a record, or a whole request, is not taken."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

RecordCode = Literal[
    "wrong_type", "unknown_field", "missing_field", "invalid_field", "too_late", "future", "oversized", "malformed", "not_yours"
]
"""What can be wrong with one record."""
RequestCode = Literal[
    "malformed", "too_deep", "too_many_records", "too_large", "too_slow", "wrong_media_type", "no_credential", "wrong_credential",
    "not_allowed", "rate", "busy", "not_acknowledged", "not_found", "method", "internal",
]  # fmt: skip
"""What can be wrong with a request."""


class Refusal(ValueError):
    """One record is refused: which field (as it is called in JSON, with dots; empty: the record) and why."""

    def __init__(self, code: RecordCode, field: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.field = field
        self.reason = reason

    def inside(self, name: str) -> Refusal:
        """The same, said from one level further out."""
        separator = "." if self.field and not self.field.startswith("[") else ""
        return Refusal(self.code, f"{name}{separator}{self.field}", self.reason)


class RequestRefused(Exception):
    """The whole request is refused. `retry_after_s`: when to come again, where that helps."""

    def __init__(self, status: HTTPStatus, code: RequestCode, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason
        self.retry_after_s = retry_after_s
