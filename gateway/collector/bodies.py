"""What a request's body may be, and the records in it.

JSON (`application/json`, or `text/plain`, which a browser may send without asking first): one record; a list of records; or an envelope
`{"records": [...], "token": "..."}` for those that cannot set headers. Protobuf (`application/x-protobuf`): messages one after the other, each with
its length before it as a varint (Java's `writeDelimitedTo`, Go's `protodelim`, JavaScript's `encodeDelimited`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn

from gateway.collector.refusal import RequestRefused

JSON_TYPES = frozenset({"", "application/json", "text/plain"})
PROTOBUF_TYPES = frozenset({"application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf"})
_ENVELOPE = frozenset({"records", "token"})
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = frozenset(b"[{")
_MOST_VARINT_BYTES = 5


@dataclass(frozen=True, slots=True)
class Sent:
    """Records as they came, and the credential of an envelope."""

    records: list[Any]
    token: str = ""


def read_body(body: bytes, media_type: str, max_records: int, max_depth: int) -> Sent:
    """The records of a body. Raises RequestRefused."""
    if media_type in PROTOBUF_TYPES:
        return Sent(_delimited(body, max_records))
    if media_type not in JSON_TYPES:
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_media_type", "send application/json, text/plain with JSON, or application/x-protobuf"
        )
    document = read_json(body, max_depth)
    token = ""
    if type(document) is dict:
        if document.keys() <= _ENVELOPE and "records" in document:
            token, document = document.get("token", ""), document["records"]
            if type(token) is not str or type(document) is not list:
                raise _malformed("the envelope is {records: [...], token: text}")
        else:
            document = [document]
    if type(document) is not list:
        raise _malformed("the body must be a record, a list of records, or an envelope with records")
    if len(document) > max_records:
        raise _too_many(max_records)
    return Sent(document, token)


def read_json(body: bytes, max_depth: int) -> Any:
    """Raises RequestRefused."""
    if _depth(body) > max_depth and _depth(_without_texts(body)) > max_depth:
        raise RequestRefused(HTTPStatus.BAD_REQUEST, "too_deep", f"lists and objects may be at most {max_depth} inside each other")
    try:
        return _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _malformed(f"is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise _malformed(f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg[:100]}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits; brackets that hid in texts
        raise _malformed("is not JSON that can be read") from error


def _depth(body: bytes) -> int:
    """How deep brackets are nested, those in texts counted too: a glance that takes microseconds."""
    depth = most = 0
    for sign in body.translate(None, _NOT_BRACKETS):
        if sign in _OPENING:
            depth += 1
            most = max(most, depth)
        else:
            depth -= 1
    return most


def _without_texts(body: bytes) -> bytes:
    """The same without what stands in quotes: a closer look, for the few bodies where it matters."""
    parts = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    return b"".join(parts[::2])


def _delimited(body: bytes, max_records: int) -> list[bytes]:
    records: list[bytes] = []
    at, end = 0, len(body)
    while at < end:
        length = shift = 0
        while True:
            if at >= end or shift >= 7 * _MOST_VARINT_BYTES:
                raise _malformed(f"record {len(records)}: its length cannot be read")
            digit = body[at]
            at += 1
            length |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                break
        if length > end - at:
            raise _malformed(f"record {len(records)}: {length} bytes are announced, {end - at} are left")
        if len(records) == max_records:
            raise _too_many(max_records)
        records.append(body[at : at + length])
        at += length
    return records


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _malformed(reason: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.BAD_REQUEST, "malformed", reason)


def _too_many(most: int) -> RequestRefused:
    return RequestRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_many_records", f"at most {most} records at once are accepted")
