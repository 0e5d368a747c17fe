"""How much one caller may send."""

from __future__ import annotations

import time
from http import HTTPStatus

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from gateway.collector.callers import Caller
from gateway.collector.refusal import RequestRefused
from gateway.collector.settings import CollectorLimits


class Rates:
    """Counts requests and records of each API key and each user, over a sliding minute, in this process."""

    def __init__(self, limits: CollectorLimits) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._server = _per_minute(limits.requests_per_minute), _per_minute(limits.records_per_minute)
        self._user = _per_minute(limits.user_requests_per_minute), _per_minute(limits.user_records_per_minute)

    def count_request(self, caller: Caller) -> None:
        """Raises RequestRefused, which says when to come again."""
        self._count((self._user if caller.user_id else self._server)[0], "requests", caller, 1)

    def count_records(self, caller: Caller, count: int) -> None:
        """Raises RequestRefused, which says when to come again."""
        self._count((self._user if caller.user_id else self._server)[1], "records", caller, count)

    def _count(self, item: RateLimitItem, what: str, caller: Caller, count: int) -> None:
        # a user called as a key is another caller
        who = ("user", caller.user_id) if caller.user_id else ("key", caller.name)
        if count and not self._limiter.hit(item, what, *who, cost=count):
            ends_s = self._limiter.get_window_stats(item, what, *who).reset_time
            wait_s = max(1, min(60, round(ends_s - time.time())))
            raise RequestRefused(HTTPStatus.TOO_MANY_REQUESTS, "rate", f"at most {item.amount} {what} a minute are accepted", wait_s)


def _per_minute(amount: int) -> RateLimitItem:
    return RateLimitItemPerMinute(amount)
