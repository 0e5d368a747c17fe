"""Ids for records that come without one, so that sending again does no harm.

| the record has | its id | sent again |
|---|---|---|
| an id | its own | counts once |
| a time (`occurredAtMs`) | a hash of its content | counts once; two events of one user in the same millisecond are two if anything in them differs |
| neither, in a request with an `Idempotency-Key` | a hash of the sender, that key and the place in the request | counts once |
| neither | a hash of the request's own id and the place | counts again |
"""

from __future__ import annotations

from hashlib import blake2b

_BYTES = 16


def id_from_content(kind: str, content: bytes) -> str:
    """`content`: the record as bytes that are always the same for the same content."""
    return "c-" + blake2b(content, digest_size=_BYTES, person=kind.encode()).hexdigest()


def id_from_request(kind: str, caller: str, key: str, place: int) -> str:
    """`key`: the request's Idempotency-Key, or else its request id."""
    parts = "\0".join((caller, key, str(place)))
    return "r-" + blake2b(parts.encode("utf-8", "surrogateescape"), digest_size=_BYTES, person=kind.encode()).hexdigest()
