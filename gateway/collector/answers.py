"""What is answered: which records were taken, which were not and why; and what is wrong with a whole request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from gateway.collector.refusal import Refusal, RequestRefused

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Rejected:
    """One record that was not taken. `index`: its place in the request, from 0."""

    index: int
    refusal: Refusal


def taken(accepted: int, rejected: list[Rejected], request_id: str) -> Response:
    """200: all were taken. 207: some. 422: none."""
    some = HTTPStatus.MULTI_STATUS if accepted else HTTPStatus.UNPROCESSABLE_ENTITY
    status = some if rejected else HTTPStatus.OK
    document = {
        "accepted": accepted,
        "rejected": [
            {"index": one.index, "code": one.refusal.code, "field": one.refusal.field, "reason": one.refusal.reason} for one in rejected
        ],
        "requestId": request_id,
    }
    return Response(_dump(document), status, media_type=JSON)


def refused(error: RequestRefused, request_id: str) -> Response:
    """The whole request was not taken."""
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s else {}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    document = {"error": {"code": error.code, "reason": error.reason}, "requestId": request_id}
    return Response(_dump(document), error.status, headers, JSON)


def _dump(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
