"""Quiet hours in every zone of the world, around the changes of its clocks from 2024 to 2034."""

from datetime import UTC, datetime
from functools import cache
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest

from flink_job.core.quiet_hours import QuietClock
from flink_job.core.rules import QuietHours
from flink_job.engine import zone_of
from tests.core.policies import DAY, HOUR, MINUTE

FROM_MS, UNTIL_MS = (round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000) for year in (2024, 2035))
SAMPLE = 2_500
#: From ordinary nights to windows that start or end in the hours in which clocks are changed.
WINDOWS = [(1320, 480), (1380, 150), (90, 150), (150, 360), (0, 30), (60, 120), (1410, 15), (125, 175), (780, 900)]


def offset_ms(zone: str, at_ms: int) -> int:
    offset = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).utcoffset()
    assert offset is not None
    return round(offset.total_seconds() * 1000)


@cache
def transitions() -> list[tuple[str, int]]:
    """(zone, first millisecond of its new offset), every change of every zone."""
    found = []
    for zone in sorted(available_timezones()):
        before_ms, offset = FROM_MS, offset_ms(zone, FROM_MS)
        for at_ms in range(FROM_MS, UNTIL_MS, 5 * DAY):
            if offset_ms(zone, at_ms) != offset:
                found.append((zone, jump_between(zone, before_ms, at_ms)))
                offset = offset_ms(zone, at_ms)
            before_ms = at_ms
    return found


def jump_between(zone: str, before_ms: int, after_ms: int) -> int:
    offset = offset_ms(zone, before_ms)
    while after_ms - before_ms > 1:
        middle = (before_ms + after_ms) // 2
        if offset_ms(zone, middle) == offset:
            before_ms = middle
        else:
            after_ms = middle
    return after_ms


def is_quiet(zone: str, at_ms: int, start: int, end: int) -> bool:
    """The rule as a person would check it: look at the clock on the wall."""
    wall = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
    minute = wall.hour * 60 + wall.minute
    return (start <= minute < end) if start <= end else not end <= minute < start


def test_there_are_transitions_to_test_and_of_every_kind() -> None:
    jumps = {offset_ms(zone, at_ms) - offset_ms(zone, at_ms - 1) for zone, at_ms in transitions()}
    assert {HOUR, -HOUR, 30 * MINUTE, -30 * MINUTE} <= jumps
    assert len(transitions()) > 2_000


@pytest.mark.parametrize(("start", "end"), WINDOWS)
def test_around_every_change_of_the_clocks_the_first_moment_that_is_not_quiet_is_found(start: int, end: int) -> None:
    clock = QuietClock(QuietHours(start, end, 0, "UTC", {}), zone_of)
    rng = Random(start * 10_000 + end)
    for zone, jump_ms in rng.sample(transitions(), SAMPLE // len(WINDOWS)):
        for now_ms in (jump_ms - 1, jump_ms, jump_ms + rng.randrange(-14 * HOUR, 6 * HOUR)):
            opens_ms = clock.opens_at_ms(now_ms, zone, "")
            where = f"{zone}, clocks change at {jump_ms}, asked at {now_ms}, opens {opens_ms}"
            assert not is_quiet(zone, opens_ms, start, end), where
            assert clock.is_quiet(now_ms, zone, "") == is_quiet(zone, now_ms, start, end), where
            if opens_ms == now_ms:
                continue
            moments = [*range(now_ms, opens_ms, 7 * MINUTE), opens_ms - 1]
            assert all(is_quiet(zone, at_ms, start, end) for at_ms in moments), where


@pytest.mark.parametrize(("start", "end"), WINDOWS)
def test_around_every_change_of_the_clocks_the_next_quiet_moment_is_found(start: int, end: int) -> None:
    clock = QuietClock(QuietHours(start, end, 0, "UTC", {}), zone_of)
    rng = Random(start * 10_000 + end + 1)
    for zone, jump_ms in rng.sample(transitions(), SAMPLE // len(WINDOWS)):
        now_ms = clock.opens_at_ms(jump_ms + rng.randrange(-14 * HOUR, 2 * HOUR), zone, "")
        quiet_ms = clock.quiet_from_ms(now_ms, zone, "")
        where = f"{zone}, clocks change at {jump_ms}, asked at {now_ms}, quiet from {quiet_ms}"
        assert is_quiet(zone, quiet_ms, start, end), where
        moments = [*range(now_ms, quiet_ms, 7 * MINUTE), quiet_ms - 1]
        assert not any(is_quiet(zone, at_ms, start, end) for at_ms in moments), where
