"""Quiet hours in the user's own zone, right across every change of the clocks.

It is quiet when the wall clock where the user is shows a time of day inside the quiet window; that, and nothing about durations, is the rule,
so a night may be an hour shorter or longer than usual.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from flink_job.core.rules import QuietHours

ZoneOf = Callable[[str], tzinfo | None]
"""Gives the rules of an IANA zone, or None if there is no such zone."""

_MINUTE_MS = 60_000
_DAY_MS = 24 * 60 * _MINUTE_MS
_MILLISECOND = timedelta(milliseconds=1)


class QuietClock:
    """Tells whether it is quiet for a user, and until when."""

    def __init__(self, rules: QuietHours, zone_of: ZoneOf) -> None:
        self._rules = rules
        self._zone_of = zone_of
        self._zones: dict[tuple[str, str], tzinfo] = {}

    def is_quiet(self, at_ms: int, time_zone: str, country: str) -> bool:
        """It is quiet at that moment."""
        return self._quiet_in(at_ms, self._zone(time_zone, country))

    def opens_at_ms(self, at_ms: int, time_zone: str, country: str) -> int:
        """The first moment from `at_ms` on that is not quiet (without the smear)."""
        zone = self._zone(time_zone, country)
        if not self._quiet_in(at_ms, zone):
            return at_ms
        return self._next(at_ms, self._rules.end_minute, zone, quiet=False)

    def quiet_from_ms(self, at_ms: int, time_zone: str, country: str) -> int:
        """When the next quiet window starts after `at_ms`, 0 if it never does."""
        if self._rules.start_minute == self._rules.end_minute:
            return 0
        return self._next(at_ms, self._rules.start_minute, self._zone(time_zone, country), quiet=True)

    def _next(self, at_ms: int, minute: int, zone: tzinfo, *, quiet: bool) -> int:
        """The first moment after `at_ms` at which it becomes quiet (or not): when the wall clock reaches `minute`, or jumps past it."""
        while True:
            offset_ms = _offset_ms(at_ms, zone)
            reached_ms = at_ms + ((minute * _MINUTE_MS - at_ms - offset_ms) % _DAY_MS or _DAY_MS)
            if _offset_ms(reached_ms, zone) == offset_ms:
                return reached_ms
            at_ms = _jump_ms(at_ms, reached_ms, zone)
            if self._quiet_in(at_ms, zone) == quiet and self._quiet_in(at_ms - 1, zone) != quiet:
                return at_ms

    def _quiet_in(self, at_ms: int, zone: tzinfo) -> bool:
        return self._within(datetime.fromtimestamp(at_ms / 1000, zone))

    def _within(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        start, end = self._rules.start_minute, self._rules.end_minute
        return start <= minute < end if start <= end else minute >= start or minute < end

    def _zone(self, time_zone: str, country: str) -> tzinfo:
        zone = self._zones.get((time_zone, country))
        if zone is None:
            by_country = self._rules.zone_of_country.get(country, "")
            names = (time_zone, by_country, self._rules.default_zone)
            zone = next((found for name in names if name and (found := self._zone_of(name))), UTC)
            if len(self._zones) < 10_000:  # a client that makes zones up must not fill the memory
                self._zones[(time_zone, country)] = zone
        return zone


def _offset_ms(at_ms: int, zone: tzinfo) -> int:
    """How far the wall clock is ahead of UTC."""
    offset = datetime.fromtimestamp(at_ms / 1000, zone).utcoffset()
    return 0 if offset is None else offset // _MILLISECOND


def _jump_ms(before_ms: int, after_ms: int, zone: tzinfo) -> int:
    """The moment between the two at which the clocks are changed."""
    offset_ms = _offset_ms(before_ms, zone)
    while after_ms - before_ms > 1:
        middle_ms = (before_ms + after_ms) // 2
        if _offset_ms(middle_ms, zone) == offset_ms:
            before_ms = middle_ms
        else:
            after_ms = middle_ms
    return after_ms
