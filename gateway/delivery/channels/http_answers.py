"""What HTTP says in general; each provider adds its own words."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from gateway.delivery.channels.channel import Answer, Verdict

MAY_COME_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Codes that mean "not now". All others of 400 and above mean "not this"."""
MOST_READ_BYTES = 65_536
"""Of an answer: errors have a few hundred."""
_ABOUT_THE_BODY = frozenset({"content-length", "content-encoding", "transfer-encoding"})


async def post(client: httpx.AsyncClient, url: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response | Answer:
    """The response with the beginning of its body, or what it means that there is none: the request may have arrived or not, so it is sent again.

    All of it takes no longer than the client's timeout, and no more than ``MOST_READ_BYTES``: whoever answers may be broken, or mean harm.
    """
    try:
        async with (
            asyncio.timeout(client.timeout.read),
            client.stream("POST", url, content=content, headers={**headers, "Accept-Encoding": "identity"}) as response,
        ):
            body = await _beginning(response)
    except (httpx.InvalidURL, UnicodeError) as error:
        return Answer(Verdict.DEAD_ADDRESS, type(error).__name__, "the address is none")
    except (httpx.RequestError, TimeoutError) as error:
        return Answer(Verdict.AGAIN, type(error).__name__, "the connection failed")
    kept = [(name, value) for name, value in response.headers.multi_items() if name not in _ABOUT_THE_BODY]
    return httpx.Response(response.status_code, headers=kept, content=body)


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The body; empty if it is no JSON object, such as a proxy's page."""
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


async def _beginning(response: httpx.Response) -> bytes:
    """As it came: what is compressed although nobody asked for it is not read."""
    if response.headers.get("content-encoding", "identity") != "identity":
        return b""
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) >= MOST_READ_BYTES:
            break
    return bytes(body[:MOST_READ_BYTES])


def retry_after_ms(response: httpx.Response, now_ms: int) -> int | None:
    """The header Retry-After, in seconds or as a date; None: there is none that can be read."""
    given = response.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit() and len(given) < 8:
        return int(given) * 1000
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0, round((at - datetime.fromtimestamp(now_ms / 1000, UTC)).total_seconds() * 1000))
