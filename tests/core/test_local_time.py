"""The wall clock where a user is, around every change of the clocks of every zone from 2024 to 2034."""

from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from flink_job.core.local_time import LocalClock
from flink_job.core.quiet_hours import QuietClock
from flink_job.core.rules import QuietHours
from flink_job.engine import zone_of
from tests.core.person import moment
from tests.core.policies import DAY, HOUR, MINUTE
from tests.core.test_quiet_hours_everywhere import FROM_MS, UNTIL_MS, offset_ms, transitions

BERLIN, LORD_HOWE, KATHMANDU = "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"
MONDAY, TUESDAY, SATURDAY, SUNDAY = 0, 24, 120, 144
"""The first slot of each."""


def clock(default_zone: str = "UTC") -> LocalClock:
    return LocalClock(default_zone, {"DE": BERLIN}, zone_of)


def slot_on_the_wall(zone: str, at_ms: int) -> int:
    wall = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
    return wall.weekday() * 24 + wall.hour


def test_the_week_begins_on_monday_at_midnight_where_the_user_is() -> None:
    assert clock().slot(moment("2026-03-02 00:00", BERLIN), BERLIN, "") == MONDAY
    assert clock().slot(moment("2026-03-02 00:00", BERLIN) - 1, BERLIN, "") == SUNDAY + 23
    assert clock().slot(moment("2026-03-07 18:59", KATHMANDU), KATHMANDU, "") == SATURDAY + 18
    assert clock().slot(0, "UTC", "") == 3 * 24  # the epoch, a Thursday


def test_a_user_is_where_they_say_else_where_their_country_is_else_in_the_default_zone() -> None:
    at_ms = moment("2026-03-02 09:30", BERLIN)
    assert clock().offset_ms(at_ms, KATHMANDU, "DE") == 5 * HOUR + 45 * MINUTE
    assert clock().offset_ms(at_ms, "", "DE") == HOUR
    assert clock().offset_ms(at_ms, "Mars/Olympus", "DE") == HOUR
    assert clock(KATHMANDU).offset_ms(at_ms, "", "XX") == 5 * HOUR + 45 * MINUTE
    assert clock("Mars/Olympus").offset_ms(at_ms, "", "") == 0


def test_around_every_change_of_the_clocks_offset_and_slot_are_those_on_the_wall() -> None:
    ours = clock()
    asked = [
        (zone, at_ms)
        for zone, jump_ms in transitions()
        for at_ms in (jump_ms - 1, jump_ms, jump_ms - HOUR, jump_ms + HOUR + 1, jump_ms + Random(jump_ms).randrange(-60 * DAY, 60 * DAY))
    ]
    Random(1).shuffle(asked)  # what is kept of one moment must not be wrong for another, whichever comes first
    assert len(asked) > 10_000
    for zone, at_ms in asked:
        assert ours.offset_ms(at_ms, zone, "") == offset_ms(zone, at_ms), (zone, at_ms)
        assert ours.slot(at_ms, zone, "") == slot_on_the_wall(zone, at_ms), (zone, at_ms)


def test_over_ten_years_asked_forwards_and_backwards_every_zone_is_right() -> None:
    forwards, backwards = clock(), clock()
    for zone in sorted({zone for zone, _ in transitions()})[::7]:
        moments = range(FROM_MS, UNTIL_MS, 5 * DAY + 7 * HOUR)
        expected = [offset_ms(zone, at_ms) for at_ms in moments]
        assert [forwards.offset_ms(at_ms, zone, "") for at_ms in moments] == expected
        assert [backwards.offset_ms(at_ms, zone, "") for at_ms in reversed(moments)] == expected[::-1]


def test_the_coming_hours_are_now_and_the_start_of_each_hour_on_the_wall() -> None:
    at_ms, slots = clock().coming_hours(moment("2026-03-02 09:30", BERLIN), moment("2026-03-02 13:00", BERLIN), BERLIN, "")
    assert at_ms.tolist() == [moment(f"2026-03-02 {wall}", BERLIN) for wall in ("09:30", "10:00", "11:00", "12:00")]
    assert slots.tolist() == [9, 10, 11, 12]


def test_an_hour_that_begins_now_is_there_once_and_without_time_left_there_is_only_now() -> None:
    nine = moment("2026-03-02 09:00", BERLIN)
    assert clock().coming_hours(nine, nine + 2 * HOUR, BERLIN, "")[0].tolist() == [nine, nine + HOUR]
    assert clock().coming_hours(nine, nine, BERLIN, "")[0].tolist() == [nine]
    assert clock().coming_hours(nine, nine - DAY, BERLIN, "")[0].tolist() == [nine]


@pytest.mark.parametrize(
    ("zone", "now", "slots"),
    [
        (BERLIN, "2026-03-29 00:30", [0, 1, 3, 4, 5]),  # 02:00 is not there
        (BERLIN, "2026-10-25 00:30", [0, 1, 2, 2, 3, 4, 5]),  # 02:00 is there twice
        (LORD_HOWE, "2026-04-05 00:30", [0, 1, 2, 3, 4, 5]),  # 01:30 to 02:00 is there twice: no hour starts twice
        (LORD_HOWE, "2026-10-04 00:30", [0, 1, 3, 4, 5]),  # 02:00 becomes 02:30: that hour has no start
    ],
)
def test_on_the_sundays_on_which_the_clocks_are_changed_each_hour_is_where_the_wall_shows_it(zone: str, now: str, slots: list[int]) -> None:
    now_ms = moment(now, zone)
    moments, found = clock().coming_hours(now_ms, moment(f"{now[:10]} 05:30", zone), zone, "")
    assert found.tolist() == [SUNDAY + slot for slot in slots]
    assert [slot_on_the_wall(zone, at_ms) for at_ms in moments.tolist()] == found.tolist()


def test_around_every_change_of_the_clocks_the_coming_hours_are_all_those_that_the_wall_shows() -> None:
    ours = clock()
    for zone, jump_ms in Random(2).sample(transitions(), 150):
        now_ms = jump_ms + Random(jump_ms).randrange(-30 * HOUR, 3 * HOUR)
        moments, slots = ours.coming_hours(now_ms, now_ms + 36 * HOUR, zone, "")
        assert slots.tolist() == [slot_on_the_wall(zone, at_ms) for at_ms in moments.tolist()], (zone, now_ms)
        quarters = range(now_ms - now_ms % (15 * MINUTE) + 15 * MINUTE, now_ms + 36 * HOUR, 15 * MINUTE)
        assert moments[1:].tolist() == [at_ms for at_ms in quarters if datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone)).minute == 0]


def test_many_moments_are_quiet_when_each_is() -> None:
    for start, end in ((1320, 480), (90, 150), (0, 0), (780, 900)):
        quiet = QuietClock(QuietHours(start, end, 0, "UTC", {}), zone_of)
        for zone, jump_ms in Random(start).sample(transitions(), 60):
            at_ms = np.arange(jump_ms - 30 * HOUR, jump_ms + 30 * HOUR, 20 * MINUTE)
            for moments in (at_ms, at_ms[:80], at_ms[95:], at_ms[:0]):
                expected = [quiet.is_quiet(each, zone, "") for each in moments.tolist()]
                assert quiet.are_quiet(moments, zone, "").tolist() == expected
