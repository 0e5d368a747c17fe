"""How hours learn from each other, and what is expected of them before a user's own counts say more."""

from math import exp

import numpy as np
import pytest

from flink_job.core.slot_prior import flat_prior, prior_of, slot_kernel
from tests.core.timing import send_time_rules

MONDAY, TUESDAY, FRIDAY, SATURDAY, SUNDAY = 0, 24, 96, 120, 144
KERNEL = slot_kernel(send_time_rules(kernel_hours=1.5, other_day=0.5, other_kind_of_day=0.2))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (MONDAY + 8, MONDAY + 8, 1.0),
        (MONDAY + 8, MONDAY + 9, exp(-0.5 / 1.5**2)),
        (MONDAY + 8, TUESDAY + 8, 0.5),
        (MONDAY + 8, TUESDAY + 9, 0.5 * exp(-0.5 / 1.5**2)),
        (MONDAY + 8, FRIDAY + 8, 0.5),
        (MONDAY + 8, SATURDAY + 8, 0.2),
        (SATURDAY + 8, SUNDAY + 8, 0.5),
        (MONDAY + 23, TUESDAY + 0, exp(-0.5 / 1.5**2)),  # one night
        (SUNDAY + 23, MONDAY + 0, exp(-0.5 / 1.5**2)),  # the week is a circle
        (FRIDAY + 23, SATURDAY + 1, exp(-0.5 * (2 / 1.5) ** 2)),
        (MONDAY + 8, MONDAY + 20, exp(-0.5 * (12 / 1.5) ** 2)),
    ],
)
def test_an_hour_speaks_for_its_neighbours_and_less_for_the_same_hour_of_another_day(one: int, other: int, expected: float) -> None:
    assert KERNEL[one, other] == pytest.approx(expected, abs=1e-7)


def test_what_one_hour_says_of_another_the_other_says_of_it_and_a_push_is_nowhere_worth_more_than_one() -> None:
    assert (KERNEL == KERNEL.T).all()
    assert KERNEL.max() == 1.0
    assert KERNEL.min() >= 0.0
    assert (KERNEL.diagonal() == 1.0).all()


def test_when_nothing_is_known_every_hour_is_like_any_other() -> None:
    prior = flat_prior(0.04, 0.1)
    assert prior.ctr.tolist() == pytest.approx([0.04] * 168)
    assert prior.cvr.tolist() == pytest.approx([0.1] * 168)
    nothing = prior_of(send_time_rules(open_rate=0.04, convert_rate=0.1), np.zeros((168, 3), np.float32))
    assert nothing.rates == pytest.approx(prior.rates)
    assert nothing.mean.ravel().tolist() == pytest.approx([0.04, 0.1], rel=1e-5)


def test_stage_after_stage_counts_are_believed_as_their_number_deserves() -> None:
    """One slot with 600 sends and 60 opens, no neighbour has any: overall, its neighbours, itself, each with 200 sends of doubt."""
    counts = np.zeros((168, 3), np.float32)
    counts[MONDAY + 8] = 600, 60, 6
    prior = prior_of(send_time_rules(population_strength=200.0), counts)
    overall = (200 * 0.05 + 60) / (200 + 600)
    itself = (200 * overall + 60) / (200 + 600)
    bell = exp(-0.5)
    next_hour = (200 * overall + bell * 60) / (200 + bell * 600)
    assert prior.ctr[MONDAY + 8] == pytest.approx(itself)
    assert prior.ctr[MONDAY + 9] == pytest.approx(next_hour)
    assert prior.ctr[SATURDAY + 8] == pytest.approx(overall)
    conversions = (200 * 0.05 + 6) / (200 + 60)
    assert prior.cvr[MONDAY + 8] == pytest.approx((200 * conversions + 6) / (200 + 60))


def test_with_many_counts_every_hour_speaks_for_itself() -> None:
    rates = np.random.default_rng(1).uniform(0.01, 0.3, 168)
    counts = np.stack([np.full(168, 1e7), 1e7 * rates, 1e7 * rates * 0.1], axis=1).astype(np.float32)
    assert prior_of(send_time_rules(), counts).ctr == pytest.approx(rates, rel=1e-3)


def test_a_segment_starts_where_the_population_is_and_goes_its_own_way_with_its_own_counts() -> None:
    everybody = np.full((168, 3), (10_000, 500, 25), np.float32)
    few, many = np.zeros((168, 3), np.float32), np.zeros((168, 3), np.float32)
    few[FRIDAY + 20] = 2, 1, 0
    many[FRIDAY + 20] = 20_000, 4_000, 200
    rules = send_time_rules()
    assert prior_of(rules, everybody, few).ctr[FRIDAY + 20] == pytest.approx(0.05, rel=0.1)
    assert prior_of(rules, everybody, many).ctr[FRIDAY + 20] == pytest.approx(0.2, rel=0.02)
    assert prior_of(rules, everybody, many).ctr[SATURDAY + 12] == pytest.approx(0.05, rel=0.01)


def test_the_mean_of_a_week_is_that_of_its_hours() -> None:
    counts = np.zeros((168, 3), np.float32)
    counts[MONDAY + 8] = 600, 60, 6
    prior = prior_of(send_time_rules(), counts)
    assert prior.mean.ravel().tolist() == pytest.approx(prior.rates.mean(axis=1).tolist(), rel=1e-5)
