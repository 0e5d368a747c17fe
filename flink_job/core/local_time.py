"""The time on the wall where a user is: how far it is ahead of UTC, and the hour of the week it shows.

A zone's rules are asked rarely: an offset holds from one change of the clocks to the next, so the stretch in which it holds is found once
and kept. Within it an answer is one comparison and one addition, cheap enough for every event.

A *slot* is an hour of the local week: 0 is Monday 00:00 to 01:00, 167 Sunday 23:00 to 24:00. An hour that a change of the clocks repeats
is the same slot twice, one that it skips is not there that week.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np
from numpy.typing import NDArray

ZoneOf = Callable[[str], tzinfo | None]
"""Gives the rules of an IANA zone, or None if there is no such zone."""

Stretch = tuple[int, int, int]
"""(from, until, offset), milliseconds: the wall clock is `offset` ahead of UTC at every moment from `from` on and before `until`."""

SLOTS = 168

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_THURSDAY_MS = 3 * _DAY_MS
"""The epoch began on a Thursday, three days after the week did."""
_MILLISECOND = timedelta(milliseconds=1)

_DAYS_BACK, _DAYS_AHEAD = 8, 40
"""How far a stretch is looked for around a moment. Signals come some days late at most; ahead, it is once a month for each zone."""
_MOST_STRETCHES = 6
_MOST_PLACES = 10_000
"""A client that makes zones up must not fill the memory."""


class LocalClock:
    """Knows every user's wall clock. Where a user is: in the zone they name, else in their country's, else in the default one."""

    __slots__ = ("_default_zone", "_held", "_stretches", "_zone_of", "_zone_of_country", "_zones")

    def __init__(self, default_zone: str, zone_of_country: Mapping[str, str], zone_of: ZoneOf) -> None:
        self._default_zone = default_zone
        self._zone_of_country = zone_of_country
        self._zone_of = zone_of
        self._zones: dict[tuple[str, str], tzinfo] = {}
        self._held: dict[tuple[str, str], Stretch] = {}
        self._stretches: dict[tzinfo, list[Stretch]] = {}

    def offset_ms(self, at_ms: int, time_zone: str, country: str) -> int:
        """How far the wall clock is ahead of UTC."""
        held = self._held.get((time_zone, country))
        if held is not None and held[0] <= at_ms < held[1]:
            return held[2]
        return self.stretch(at_ms, time_zone, country)[2]

    def slot(self, at_ms: int, time_zone: str, country: str) -> int:
        """The hour of the local week, from 0 to 167."""
        held = self._held.get((time_zone, country))
        if held is None or not held[0] <= at_ms < held[1]:
            held = self.stretch(at_ms, time_zone, country)
        return (at_ms + held[2] + _THURSDAY_MS) // _HOUR_MS % SLOTS

    def stretch(self, at_ms: int, time_zone: str, country: str) -> Stretch:
        """A stretch of time around the moment in which the offset does not change; it may end before the next change of the clocks."""
        held = self._held.get((time_zone, country))
        if held is not None and held[0] <= at_ms < held[1]:
            return held
        found = self._around(at_ms, self._zone(time_zone, country))
        if len(self._held) < _MOST_PLACES or (time_zone, country) in self._held:
            self._held[(time_zone, country)] = found
        return found

    def coming_hours(self, from_ms: int, until_ms: int, time_zone: str, country: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`from_ms` itself and the start of every local hour after it and before `until_ms`: moments and their slots, each (n,)."""
        at_ms, slots = [np.array([from_ms])], [np.array([self.slot(from_ms, time_zone, country)])]
        next_ms = from_ms + 1
        while next_ms < until_ms:
            _, ends_ms, offset_ms = self.stretch(next_ms, time_zone, country)
            local_ms = next_ms + offset_ms
            starts_ms = np.arange(next_ms - local_ms % -_HOUR_MS, min(ends_ms, until_ms), _HOUR_MS)
            at_ms.append(starts_ms)
            slots.append((starts_ms + (offset_ms + _THURSDAY_MS)) // _HOUR_MS % SLOTS)
            next_ms = ends_ms
        return np.concatenate(at_ms), np.concatenate(slots)

    def _around(self, at_ms: int, zone: tzinfo) -> Stretch:
        known = self._stretches.setdefault(zone, [])
        for stretch in known:
            if stretch[0] <= at_ms < stretch[1]:
                return stretch
        stretch = _stretch_around(at_ms, zone)
        known.append(stretch)
        del known[:-_MOST_STRETCHES]
        return stretch

    def _zone(self, time_zone: str, country: str) -> tzinfo:
        zone = self._zones.get((time_zone, country))
        if zone is None:
            names = (time_zone, self._zone_of_country.get(country, ""), self._default_zone)
            zone = next((found for name in names if name and (found := self._zone_of(name))), UTC)
            if len(self._zones) < _MOST_PLACES:
                self._zones[(time_zone, country)] = zone
        return zone


def _stretch_around(at_ms: int, zone: tzinfo) -> Stretch:
    """Looked for day by day (no zone changes its clocks and changes them back within one), then to the millisecond."""
    offset_ms = _offset_ms(at_ms, zone)
    from_ms = at_ms - _DAYS_BACK * _DAY_MS
    for earlier_ms in range(at_ms - _DAY_MS, from_ms - 1, -_DAY_MS):
        if _offset_ms(earlier_ms, zone) != offset_ms:
            from_ms = _change_ms(earlier_ms, earlier_ms + _DAY_MS, zone)
            break
    until_ms = at_ms + _DAYS_AHEAD * _DAY_MS
    for later_ms in range(at_ms + _DAY_MS, until_ms + 1, _DAY_MS):
        if _offset_ms(later_ms, zone) != offset_ms:
            until_ms = _change_ms(later_ms - _DAY_MS, later_ms, zone)
            break
    return from_ms, until_ms, offset_ms


def _change_ms(before_ms: int, after_ms: int, zone: tzinfo) -> int:
    """The moment between the two at which the clocks are changed: the first with the new offset."""
    offset_ms = _offset_ms(before_ms, zone)
    while after_ms - before_ms > 1:
        middle_ms = (before_ms + after_ms) // 2
        if _offset_ms(middle_ms, zone) == offset_ms:
            before_ms = middle_ms
        else:
            after_ms = middle_ms
    return after_ms


def _offset_ms(at_ms: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(at_ms / 1000, zone).utcoffset()
    return 0 if offset is None else offset // _MILLISECOND
