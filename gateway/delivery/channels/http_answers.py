"""What HTTP says in general; each provider adds its own words."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from gateway.delivery.channels.channel import Answer, Verdict

MAY_COME_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Codes that mean "not now". All others of 400 and above mean "not this"."""


async def calling(call: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | Answer:
    """The response, or what it means that there is none: the request may have arrived or not, so it is sent again."""
    try:
        return await call()
    except (httpx.InvalidURL, UnicodeError) as error:
        return Answer(Verdict.DEAD_ADDRESS, type(error).__name__, "the address is none")
    except httpx.TransportError as error:
        return Answer(Verdict.AGAIN, type(error).__name__, "the connection failed")


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
