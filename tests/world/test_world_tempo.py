"""From what somebody asks for to a speed that so many users can keep."""

import pytest

from kairos.errors import USAGE_ERROR, KairosError
from kairos.world.tempo import Tempo, plan_tempo


def test_without_a_wish_the_world_goes_at_lifes_own_pace() -> None:
    assert plan_tempo(5_000) == Tempo(pace=1.0, rate=None, floor=None)


def test_lively_is_fast_and_never_quiet() -> None:
    assert plan_tempo(5_000, lively=True) == Tempo(pace=30.0, rate=None, floor=50.0)
    assert plan_tempo(100, lively=True).pace == 50.0  # so few must live faster still


def test_a_rate_lets_users_live_faster_only_if_they_must() -> None:
    assert plan_tempo(5_000, rate=50).pace == 1.0
    assert plan_tempo(5_000, rate=500) == Tempo(pace=10.0, rate=500, floor=None)


def test_a_time_scale_is_kept_and_an_impossible_one_refused() -> None:
    assert plan_tempo(5_000, time_scale=7).pace == 7
    with pytest.raises(KairosError, match=r"5,000 users at time scale 2 make at most about 100 events") as caught:
        plan_tempo(5_000, rate=500, time_scale=2)
    assert caught.value.exit_code == USAGE_ERROR
    assert "--time-scale 10" in caught.value.hint


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"time_scale": -1.0}, {"rate": float("nan")}])
def test_nonsense_is_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(KairosError, match=r"--rate|--time-scale"):
        plan_tempo(100, **wrong)


@pytest.mark.parametrize(("users", "rate"), [(300, 40.0), (2_000, 200.0)])
def test_the_planned_pace_keeps_the_rate(make_world, monday_ms, users: int, rate: float) -> None:
    tempo = plan_tempo(users, rate=rate)
    world = make_world(users=users, pace=tempo.pace, rate=tempo.rate)
    happened = len(world.advance(monday_ms + 300_000).interactions)
    assert happened / 300 == pytest.approx(rate, rel=0.15)
