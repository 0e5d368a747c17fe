"""Lifts on synthetic users whose truth is known: found where there is one, and not found where there is none, however often one looks."""

import numpy as np
import pytest

from kairos.experiments.estimate import Floats, Lift, Mask, lift

RUNS = 300
ALPHA = 0.05


def users(count: int, seed: int, factor: float = 1.0, share: float = 0.5) -> tuple[Floats, Floats, Mask]:
    """Outcome, what was before, and who is treated: skewed counts, most of them 0, that a user's own rate drives before and after.

    The treated have `factor` times the rate.
    """
    draw = np.random.default_rng(seed)
    rate = draw.gamma(0.5, 1.0, count)
    treated = draw.random(count) < share
    before = draw.poisson(2 * rate).astype(float)
    outcome = draw.poisson(rate * np.where(treated, factor, 1.0)).astype(float)
    return outcome, np.stack([np.log1p(before), before], axis=1), treated


def estimated(sample: tuple[Floats, Floats, Mask], alpha: float = ALPHA, tightest_at: int = 2000) -> Lift:
    return lift(*sample, alpha=alpha, tightest_at=tightest_at)


def test_a_worked_example() -> None:
    """Nothing known before: means 2 and 1, so a lift of 1, or 100 %; each arm's variance is 1, so the difference's is 1/4 + 1/4."""
    outcome = np.array([1.0, 3.0, 1.0, 3.0, 0.0, 2.0, 0.0, 2.0])
    treated = np.array([True] * 4 + [False] * 4)
    found = lift(outcome, np.zeros((8, 2)), treated, alpha=0.05, tightest_at=100)
    assert (found.treated_mean, found.control_mean, found.treated_users, found.control_users) == (2.0, 1.0, 4, 4)
    assert found.difference.value == 1.0
    assert found.relative is not None
    assert found.relative.value == 1.0
    assert found.difference.once == pytest.approx(1.96 * (0.25 + 0.25) ** 0.5 * (8 / 6) ** 0.5, rel=1e-3)  # 6 = users − means estimated
    assert found.variance_left == 1.0
    assert not found.difference.is_clear


def test_what_is_explained_by_before_is_taken_out() -> None:
    """The outcome is what was before, plus 1 for the treated: nothing is left to chance."""
    before = np.arange(20.0)
    treated = np.tile([True, False], 10)
    found = lift(before + treated, before[:, np.newaxis], treated, alpha=0.05, tightest_at=100)
    assert found.difference.value == pytest.approx(1.0)
    assert found.difference.always == pytest.approx(0.0, abs=1e-9)
    assert found.variance_left == pytest.approx(0.0, abs=1e-9)


def test_what_was_before_makes_intervals_narrower_and_moves_no_mean() -> None:
    with_before = [estimated(users(4000, seed)) for seed in range(40)]
    without = [
        estimated((outcome, np.zeros_like(before), treated)) for outcome, before, treated in (users(4000, seed) for seed in range(40))
    ]
    assert np.mean([each.variance_left for each in with_before]) < 0.75
    assert all(one.difference.once < other.difference.once for one, other in zip(with_before, without, strict=True))
    assert np.std([each.difference.value for each in with_before]) < 0.9 * np.std([each.difference.value for each in without])


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_intervals_for_one_look_hold_the_truth_as_often_as_they_say(share: float) -> None:
    """A/A: 95 % of 300 runs, within three standard deviations (1.26 points each)."""
    held = [
        abs(estimated(users(2000, seed, share=share)).difference.value) <= estimated(users(2000, seed, share=share)).difference.once
        for seed in range(RUNS)
    ]
    assert abs(np.mean(held) - 0.95) < 3 * (0.95 * 0.05 / RUNS) ** 0.5


def test_relative_intervals_for_one_look_hold_the_truth_too() -> None:
    held = []
    for seed in range(RUNS):
        found = estimated(users(3000, seed, factor=1.2)).relative
        assert found is not None
        held.append(abs(found.value - 0.2) <= found.once)
    assert abs(np.mean(held) - 0.95) < 3 * (0.95 * 0.05 / RUNS) ** 0.5


def test_looking_at_every_turn_never_misses_the_truth_more_often_than_was_said() -> None:
    """A/A, looked at 40 times as users come in; the ordinary interval would cry wolf several times as often as its 5 %."""
    looks = np.unique(np.geomspace(200, 4000, 40).astype(int))
    missed_always, missed_once = 0, 0
    for seed in range(RUNS):
        outcome, before, treated = users(4000, seed)
        found = [estimated((outcome[:count], before[:count], treated[:count])).difference for count in looks]
        missed_always += any(each.is_clear for each in found)
        missed_once += any(abs(each.value) > each.once for each in found)
    assert missed_always / RUNS <= ALPHA
    assert missed_once / RUNS > 3 * ALPHA


def test_a_lift_of_ten_per_cent_is_found_with_enough_users() -> None:
    found = estimated(users(60_000, 1, factor=1.1), tightest_at=60_000)
    assert found.relative is not None
    assert found.difference.is_clear
    assert found.relative.low < 0.1 < found.relative.high
    assert found.relative.low > 0.03


def test_a_metric_that_nobody_has_is_no_lift() -> None:
    outcome, before, treated = users(200, 1)
    found = estimated((np.zeros_like(outcome), before, treated))
    assert (found.difference.value, found.relative, found.difference.is_clear) == (0.0, None, False)
