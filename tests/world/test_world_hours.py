"""People keep their hours: activity follows the curves, in each user's own zone, across changes of the clock."""

from datetime import UTC, datetime

import numpy as np
import pytest

from flink_job.core.signals import InteractionType
from kairos.world import WorldSettings
from kairos.world.curves import Curves, Habit, hour_of_week
from kairos.world.places import PLACES, utc_offsets_ms

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def test_every_curve_has_mean_one_for_every_user(make_world) -> None:
    world = make_world()
    weeks = np.array([[world.truth.week(habit, user) for habit in Habit] for user in range(50)])
    assert np.allclose(weeks.mean(axis=2), 1.0, atol=1e-6)
    assert weeks.min() > 0
    assert weeks.max() > 2.5  # there are good hours


def test_visits_follow_the_users_curves(make_world, monday_ms) -> None:
    world = make_world(users=3_000, scenario="social")
    happened = world.advance(monday_ms + 7 * DAY_MS).interactions
    starts = happened[happened["type"] == InteractionType.SESSION_START]
    hours = world.truth.local_hours(starts["user"].astype(np.int64), starts["at_ms"]).astype(int)
    seen = np.bincount(hours, minlength=168)
    expected = np.zeros(168)
    for user in range(world.people.n):
        week = world.truth.week(Habit.ACTIVITY, user)
        expected += world.people.sessions_per_day[0, user] / 24 * (week + np.roll(week, -1)) / 2  # mean over the hour
    assert np.corrcoef(expected, seen)[0, 1] > 0.97
    # A few visits are lost on users who are in one already or have not joined yet (a tenth joins later).
    assert 0.80 < seen.sum() / expected.sum() < 1.0


def test_local_hours_follow_the_change_of_the_clock() -> None:
    berlin = [place.time_zone for place in PLACES].index("Europe/Berlin")
    before = int(datetime(2026, 3, 29, 0, 59, tzinfo=UTC).timestamp() * 1000)  # 01:59 in winter time, a Sunday
    after = before + 60_000  # 03:00 in summer time
    hours = [hour_of_week(np.array([at]), utc_offsets_ms(at)[[berlin]])[0] for at in (before, after)]
    assert hours == [6 * 24 + 1 + 59 / 60, 6 * 24 + 3]


@pytest.mark.parametrize(("zone", "hours"), [("Asia/Kathmandu", 5.75), ("Asia/Kolkata", 5.5), ("Asia/Tokyo", 9.0)])
def test_awkward_zones_are_where_they_are(zone: str, hours: float, monday_ms) -> None:
    place = [place.time_zone for place in PLACES].index(zone)
    assert utc_offsets_ms(monday_ms)[place] == hours * HOUR_MS


def test_curves_are_interpolated_between_whole_hours() -> None:
    curves = Curves()
    one = np.ones(1, np.float32)
    at = [curves.at(Habit.OPENING, np.zeros(1, np.int8), one * 0, one, np.array([hour]))[0] for hour in (20.0, 20.5, 21.0)]
    assert at[1] == pytest.approx((at[0] + at[2]) / 2)


def test_a_rate_is_kept_at_night_and_a_floor_only_lifts(make_world, monday_ms) -> None:
    fixed = make_world(users=2_000, rate=15.0)
    counts = [len(fixed.advance(monday_ms + hour * HOUR_MS).interactions) for hour in range(1, 13)]
    assert np.mean(counts) / 3_600 == pytest.approx(15.0, rel=0.1)
    assert max(counts) < 1.3 * min(counts)
    natural, lifted = make_world(users=2_000), make_world(users=2_000, floor=0.001)
    assert natural.step(monday_ms + HOUR_MS) == lifted.step(monday_ms + HOUR_MS)


def test_pace_lets_live_faster_without_moving_the_hour(make_world, monday_ms) -> None:
    slow, fast = make_world(users=1_000), make_world(users=1_000, pace=20.0)
    in_a_day, in_a_20th = slow.advance(monday_ms + DAY_MS), fast.step(monday_ms + DAY_MS // 20)
    assert len(in_a_20th) == pytest.approx(len(in_a_day.interactions), rel=0.5)
    assert all(monday_ms <= getattr(event, "occurred_at_ms", monday_ms) <= monday_ms + DAY_MS // 20 for event in in_a_20th)
    user = np.arange(1_000)
    curves = [world.truth.opening_hour(user, np.full(1_000, monday_ms)) for world in (slow, fast)]
    assert np.allclose(curves[0], curves[1])


def test_settings_that_make_no_world_are_refused_by_name() -> None:
    for wrong, word in (({"scenario": "zoo"}, "zoo"), ({"users": 0}, "users"), ({"items": 3}, "items"), ({"pace": -1.0}, "pace")):
        with pytest.raises(Exception, match=word):
            WorldSettings(**({"seed": 1, "start_ms": 0} | wrong))
