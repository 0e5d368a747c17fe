"""How much one caller may send."""

from __future__ import annotations

import math
import time
from http import HTTPStatus

from gateway.collector.callers import Caller
from gateway.collector.refusal import RequestRefused
from gateway.collector.settings import CollectorLimits
from gateway.common.allowances import Allowances

_REMEMBERED = 50_000
"""Callers of each kind: a hundred bytes each, and a minute after their last word they are as new ones."""
_MINUTE_S = 60


class Rates:
    """Counts requests and records of each API key and each user, in this process: a minute's worth at once, refilled steadily."""

    def __init__(self, limits: CollectorLimits) -> None:
        self._of_servers = _Kind(limits.requests_per_minute, limits.records_per_minute)
        self._of_users = _Kind(limits.user_requests_per_minute, limits.user_records_per_minute)

    def count_request(self, caller: Caller) -> None:
        """Raises RequestRefused, which says when to come again."""
        self._kind(caller).requests.count(caller.name, 1)

    def count_records(self, caller: Caller, count: int) -> None:
        """Raises RequestRefused, which says when to come again."""
        self._kind(caller).records.count(caller.name, count)

    def _kind(self, caller: Caller) -> _Kind:
        return self._of_users if caller.user_id else self._of_servers


class _Kind:
    """Users, or API keys: a user called as a key is another caller."""

    def __init__(self, requests: int, records: int) -> None:
        self.requests = _Limit("requests", requests)
        self.records = _Limit("records", records)


class _Limit:
    def __init__(self, what: str, per_minute: int) -> None:
        self._what = what
        self._per_minute = per_minute
        self._allowances = Allowances(per_minute / _MINUTE_S, per_minute, _REMEMBERED)

    def count(self, who: str, count: int) -> None:
        now_s = time.monotonic()
        allowance = self._allowances.of(who, now_s)
        if not allowance.spend(now_s, count):
            wait_s = max(1, min(_MINUTE_S, math.ceil(allowance.wait_s(count))))
            raise RequestRefused(
                HTTPStatus.TOO_MANY_REQUESTS, "rate", f"at most {self._per_minute} {self._what} a minute are accepted", wait_s
            )
