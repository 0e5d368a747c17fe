"""Quiet hours follow the wall clock where the user is, over midnight and over every change of the clocks."""

from zoneinfo import ZoneInfo

import pytest

from flink_job.core.local_time import LocalClock
from flink_job.core.quiet_hours import QuietClock
from flink_job.core.reasons import Reason
from flink_job.core.rules import QuietHours
from flink_job.engine import zone_of
from tests.core.catalogue_items import item
from tests.core.person import Person, moment, pushed, reasons, shelf, wake_ups
from tests.core.policies import DAY, HOUR, MINUTE, plain_rules

BERLIN, SAO_PAULO, LORD_HOWE, BEIRUT = "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Beirut"


def clock(start: str, end: str, *, default_zone: str = "UTC") -> QuietClock:
    """`clock("22:00", "08:00")`."""
    return QuietClock(QuietHours(minute_of(start), minute_of(end), 0, default_zone, {"BR": SAO_PAULO}), zone_of)


def minute_of(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


@pytest.mark.parametrize(
    ("start", "end", "wall", "is_quiet"),
    [
        ("22:00", "08:00", "21:59", False),
        ("22:00", "08:00", "22:00", True),
        ("22:00", "08:00", "00:00", True),
        ("22:00", "08:00", "07:59", True),
        ("22:00", "08:00", "08:00", False),
        ("13:00", "15:00", "12:59", False),
        ("13:00", "15:00", "13:00", True),
        ("13:00", "15:00", "15:00", False),
        ("00:00", "06:00", "23:59", False),
        ("00:00", "06:00", "00:00", True),
        ("22:00", "00:00", "23:59", True),
        ("22:00", "00:00", "00:00", False),
        ("08:00", "08:00", "08:00", False),
        ("08:00", "08:00", "03:00", False),
    ],
)
def test_it_is_quiet_from_the_start_until_before_the_end_of_the_window(start: str, end: str, wall: str, is_quiet: bool) -> None:
    assert clock(start, end).is_quiet(moment(f"2026-03-02 {wall}", BERLIN), BERLIN, "") == is_quiet


def test_the_last_millisecond_of_the_window_is_quiet() -> None:
    end = moment("2026-03-02 08:00", BERLIN)
    night = clock("22:00", "08:00")
    assert night.is_quiet(end - 1, BERLIN, "")
    assert not night.is_quiet(end, BERLIN, "")
    assert night.opens_at_ms(end - 1, BERLIN, "") == end


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-03-02 22:00", "2026-03-03 08:00"),
        ("2026-03-02 23:59", "2026-03-03 08:00"),
        ("2026-03-03 00:00", "2026-03-03 08:00"),
        ("2026-03-03 07:59", "2026-03-03 08:00"),
        ("2026-03-03 12:00", "2026-03-03 12:00"),
        ("2026-12-31 23:00", "2027-01-01 08:00"),
        ("2028-02-28 23:00", "2028-02-29 08:00"),
    ],
)
def test_a_night_opens_in_the_morning_after(now: str, opens: str) -> None:
    assert clock("22:00", "08:00").opens_at_ms(moment(now, BERLIN), BERLIN, "") == moment(opens, BERLIN)


def test_the_night_of_spring_is_an_hour_shorter_and_the_night_of_autumn_an_hour_longer() -> None:
    night = clock("22:00", "08:00")
    for evening, morning, hours in (
        ("2026-03-28 22:00", "2026-03-29 08:00", 9),
        ("2026-06-01 22:00", "2026-06-02 08:00", 10),
        ("2026-10-24 22:00", "2026-10-25 08:00", 11),
    ):
        start, end = moment(evening, BERLIN), moment(morning, BERLIN)
        assert end - start == hours * HOUR
        assert night.opens_at_ms(start, BERLIN, "") == end


def test_a_window_that_ends_in_an_hour_the_day_does_not_have_ends_when_the_clocks_jump() -> None:
    """In Berlin 02:30 does not exist on 29 March 2026: after 01:59:59 comes 03:00."""
    jump = moment("2026-03-29 03:00", BERLIN)
    night = clock("22:00", "02:30")
    assert night.is_quiet(jump - 1, BERLIN, "")
    assert not night.is_quiet(jump, BERLIN, "")
    assert night.opens_at_ms(moment("2026-03-28 23:00", BERLIN), BERLIN, "") == jump
    assert night.opens_at_ms(jump - 1, BERLIN, "") == jump


def test_a_window_inside_an_hour_the_day_does_not_have_is_left_out_that_day() -> None:
    nap = clock("02:15", "02:45")
    for minute in range(0, 240, 5):
        assert not nap.is_quiet(moment("2026-03-29 00:30", BERLIN) + minute * MINUTE, BERLIN, "")
    assert nap.quiet_from_ms(moment("2026-03-29 00:30", BERLIN), BERLIN, "") == moment("2026-03-30 02:15", BERLIN)


def test_a_window_that_starts_in_an_hour_the_day_does_not_have_starts_when_the_clocks_jump() -> None:
    jump = moment("2026-03-29 03:00", BERLIN)
    night = clock("02:30", "06:00")
    assert not night.is_quiet(jump - 1, BERLIN, "")
    assert night.is_quiet(jump, BERLIN, "")
    assert night.quiet_from_ms(moment("2026-03-29 01:00", BERLIN), BERLIN, "") == jump


def test_a_window_that_ends_in_the_hour_that_comes_twice_ends_twice() -> None:
    """In Berlin 02:00 to 03:00 comes twice on 25 October 2026."""
    night = clock("22:00", "02:30")
    first, second = (moment("2026-10-25 02:30", BERLIN, fold) for fold in (0, 1))
    assert second - first == HOUR
    assert night.opens_at_ms(moment("2026-10-24 23:00", BERLIN), BERLIN, "") == first
    assert not night.is_quiet(first, BERLIN, "")
    again = moment("2026-10-25 02:00", BERLIN, fold=1)
    assert night.is_quiet(again, BERLIN, "")
    assert night.opens_at_ms(again, BERLIN, "") == second
    assert night.quiet_from_ms(first, BERLIN, "") == again


def test_a_window_that_starts_in_the_hour_that_comes_twice_starts_twice() -> None:
    night = clock("02:30", "06:00")
    first, second = (moment("2026-10-25 02:30", BERLIN, fold) for fold in (0, 1))
    assert night.quiet_from_ms(first - MINUTE, BERLIN, "") == first
    assert night.is_quiet(first, BERLIN, "")
    between = moment("2026-10-25 02:10", BERLIN, fold=1)
    assert not night.is_quiet(between, BERLIN, "")
    assert night.opens_at_ms(first, BERLIN, "") == moment("2026-10-25 02:00", BERLIN, fold=1)
    assert night.quiet_from_ms(between, BERLIN, "") == second


def test_clocks_that_jump_by_half_an_hour_or_at_midnight_are_followed() -> None:
    night = clock("22:00", "02:10")
    assert night.opens_at_ms(moment("2026-10-03 23:00", LORD_HOWE), LORD_HOWE, "") == moment("2026-10-04 02:30", LORD_HOWE)
    night = clock("22:00", "00:30")
    assert night.opens_at_ms(moment("2026-03-28 23:00", BEIRUT), BEIRUT, "") == moment("2026-03-29 01:00", BEIRUT)


def test_the_next_night_starts_today_or_tomorrow() -> None:
    night = clock("22:00", "08:00")
    for now, start in (("12:00", "2026-03-02 22:00"), ("21:59", "2026-03-02 22:00"), ("22:00", "2026-03-03 22:00")):
        assert night.quiet_from_ms(moment(f"2026-03-02 {now}", BERLIN), BERLIN, "") == moment(start, BERLIN)
    assert clock("08:00", "08:00").quiet_from_ms(moment("2026-03-02 12:00"), BERLIN, "") == 0


@pytest.mark.parametrize(
    ("zone", "country", "is_quiet"),
    [
        (BERLIN, "BR", True),
        ("", "BR", False),
        ("", "", False),
        ("", "ZZ", False),
        ("Mars/Olympus", "BR", False),
        ("../etc/passwd", "", False),
        ("Europe/Berlin\0", "", False),
        ("x" * 400, "", False),
    ],
)
def test_the_zone_counts_before_the_country_before_the_default(zone: str, country: str, is_quiet: bool) -> None:
    """At 05:30 UTC it is 06:30 in Berlin and 02:30 in Sao Paulo."""
    assert clock("06:00", "08:00", default_zone="UTC").is_quiet(moment("2026-03-02 05:30"), zone, country) == is_quiet


def test_zones_that_clients_make_up_do_not_fill_the_memory() -> None:
    walls = LocalClock("UTC", {}, {BERLIN: ZoneInfo(BERLIN)}.get)
    night = QuietClock(QuietHours(22 * 60, 8 * 60, 0, "UTC", {}), zone_of, walls)
    for number in range(10_500):
        night.is_quiet(moment("2026-03-02 12:00"), f"Made/Up{number}", "")
    assert len(walls._zones) <= 10_000
    assert len(walls._held) <= 10_000
    assert not night.is_quiet(moment("2026-03-02 08:00", BERLIN), BERLIN, "")
    assert night.is_quiet(moment("2026-03-02 08:00", BERLIN), "Made/Up10499", "")


def test_at_night_a_push_waits_for_the_morning_where_the_user_is() -> None:
    ann = Person(shelf([item("mug")]), plain_rules(gates__quiet_hours__start_minute=22 * 60, gates__quiet_hours__end_minute=8 * 60))
    effects = ann.does("search", at_ms=moment("2026-03-02 23:30", SAO_PAULO), zone=SAO_PAULO)
    morning = moment("2026-03-03 08:00", SAO_PAULO)
    assert reasons(effects) == [Reason.QUIET_HOURS]
    assert wake_ups(effects) == [morning]
    assert pushed(ann.wakes(morning)) == "mug"
    assert ann.pushes[0].quiet_from_ms == moment("2026-03-03 22:00", SAO_PAULO)


def test_users_who_waited_for_the_morning_are_spread_over_the_smear_each_at_a_moment_of_their_own() -> None:
    rules = plain_rules(
        gates__quiet_hours__start_minute=22 * 60, gates__quiet_hours__end_minute=8 * 60, gates__quiet_hours__smear_ms=30 * MINUTE
    )
    shop, morning = shelf([item("mug")]), moment("2026-03-03 08:00")
    moments = []
    for number in range(400):
        person = Person(shop, rules, user_id=f"user-{number}")
        moments += wake_ups(person.does("search", at_ms=moment("2026-03-02 23:00") + number))
    assert min(moments) >= morning
    assert max(moments) < morning + 30 * MINUTE
    per_five_minutes = [sum(at // (5 * MINUTE) == (morning + block * 5 * MINUTE) // (5 * MINUTE) for at in moments) for block in range(6)]
    assert min(per_five_minutes) > 400 / 6 / 2
    assert pushed(person.wakes(moments[-1])) == "mug"


def test_a_user_who_travels_into_the_day_is_not_held_back_by_the_night_at_home() -> None:
    ann = Person(shelf([item("mug")]), plain_rules(gates__quiet_hours__start_minute=22 * 60, gates__quiet_hours__end_minute=8 * 60))
    at = moment("2026-03-03 03:00", BERLIN)
    assert reasons(ann.does("search", at_ms=at, zone=BERLIN)) == [Reason.QUIET_HOURS]
    waits_for = ann.state.pending
    assert waits_for is not None
    ann.does("view", "mug", at + HOUR, zone="America/Los_Angeles")
    assert pushed(ann.wakes(waits_for.due_ms)) == ""
    assert waits_for.due_ms == moment("2026-03-03 08:00", BERLIN)
    assert wake_ups(ann.wakes(waits_for.due_ms)) == []
    assert ann.state.pending is not None
    assert ann.state.pending.due_ms == moment("2026-03-03 08:00", "America/Los_Angeles") < at + DAY
