"""How hours learn from each other, and what is expected of them before a user's own counts say more."""

from math import exp

import numpy as np
import pytest

from flink_job.core.slot_prior import Week, flat_prior, prior_of, slot_kernel
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
    nothing = prior_of(send_time_rules(open_rate=0.04, convert_rate=0.1), np.zeros((168, 4), np.float32))
    assert nothing.rates == pytest.approx(prior.rates)
    assert nothing.mean.ravel().tolist() == pytest.approx([0.04, 0.1], rel=1e-5)


def test_stage_after_stage_counts_are_believed_as_their_number_deserves() -> None:
    """One slot with 600 sends and 60 opens, no neighbour has any: overall, its neighbours, itself, each with 200 sends of doubt."""
    counts = np.zeros((168, 4), np.float32)
    counts[MONDAY + 8] = 600, 60, 6, 0
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
    counts = np.stack([np.full(168, 1e7), 1e7 * rates, 1e7 * rates * 0.1, np.zeros(168)], axis=1).astype(np.float32)
    assert prior_of(send_time_rules(), counts).ctr == pytest.approx(rates, rel=1e-3)


def test_a_segment_starts_where_the_population_is_and_goes_its_own_way_with_its_own_counts() -> None:
    everybody = np.full((168, 4), (10_000, 500, 25, 0), np.float32)
    few, many = np.zeros((168, 4), np.float32), np.zeros((168, 4), np.float32)
    few[FRIDAY + 20] = 2, 1, 0, 0
    many[FRIDAY + 20] = 20_000, 4_000, 200, 0
    rules = send_time_rules()
    assert prior_of(rules, everybody, few).ctr[FRIDAY + 20] == pytest.approx(0.05, rel=0.1)
    assert prior_of(rules, everybody, many).ctr[FRIDAY + 20] == pytest.approx(0.2, rel=0.02)
    assert prior_of(rules, everybody, many).ctr[SATURDAY + 12] == pytest.approx(0.05, rel=0.01)


def test_the_mean_of_a_week_is_that_of_its_hours() -> None:
    counts = np.zeros((168, 4), np.float32)
    counts[MONDAY + 8] = 600, 60, 6, 0
    prior = prior_of(send_time_rules(), counts)
    assert prior.mean.ravel().tolist() == pytest.approx(prior.rates.mean(axis=1).tolist(), rel=1e-5)


def others(visits: dict[int, float], outcomes: dict[int, tuple[float, float, float]] | None = None) -> Week:
    """(168, 4): visits by slot, and sends, opens and conversions of others."""
    counts = np.zeros((168, 4), np.float32)
    for slot, count in visits.items():
        counts[slot, 3] = count
    for slot, row in (outcomes or {}).items():
        counts[slot, :3] = row
    return counts


def test_where_others_are_seen_they_are_expected_to_open_and_to_buy_before_any_push() -> None:
    """336 visits, 2 an hour of the week, all of them on Monday at 20:00; κ = 10 visits, twice: first the hours around, then the hour itself."""
    rules = send_time_rules(visit_strength=10.0, other_day=0.0, activity_exponent=1.0, open_rate=0.001, convert_rate=0.001)
    around = sum(exp(-0.5 * hours**2) for hours in range(-11, 13)) - 1  # what the neighbours of an hour weigh
    bell = exp(-0.5)
    monday_20 = (10 * 10 / (10 + 2 * around) + 336) / (10 + 2)
    monday_21 = 10 * (10 + 336 * bell) / (10 + 2 * around) / (10 + 2)
    elsewhere = 10 * 10 / (10 + 2 * around) / (10 + 2)
    prior = prior_of(rules, others({MONDAY + 20: 336}))
    assert prior.ctr[MONDAY + 21] / prior.ctr[MONDAY + 20] == pytest.approx(monday_21 / monday_20, rel=1e-4)
    assert prior.ctr[SATURDAY + 12] / prior.ctr[MONDAY + 20] == pytest.approx(elsewhere / monday_20, rel=1e-4)
    assert prior.mean.ravel().tolist() == pytest.approx([0.001, 0.001], rel=1e-4)  # the rates are those of a mean hour
    assert prior.cvr == pytest.approx(prior.ctr, rel=1e-5)


def test_few_visits_say_little_many_say_all_and_a_segment_has_hours_of_its_own() -> None:
    rules = send_time_rules(visit_strength=10.0, activity_exponent=1.0)
    evening, morning = MONDAY + 20, MONDAY + 8

    def at_best(everybody: float, segment: float) -> float:
        """The segment's rate in the morning over that in the evening, if everybody comes in the evening and it in the morning."""
        prior = prior_of(rules, others({evening: everybody}), others({morning: segment}))
        return float(prior.ctr[morning] / prior.ctr[evening])

    assert at_best(0.1, 0.0) == pytest.approx(1.0, abs=0.05)
    assert at_best(1e4, 0.0) < at_best(1e4, 10.0) < 1.0
    assert at_best(1e4, 1e5) > 10.0


def test_pushes_that_went_to_good_hours_do_not_make_the_others_look_as_good() -> None:
    """Two hours, the one with three times the visits of the other; all pushes went to the better, where a twentieth was opened."""
    rules = send_time_rules(population_strength=1e-3, visit_strength=1e-3, activity_exponent=1.0, kernel_hours=0.01, other_day=0.0)
    visits = dict.fromkeys(range(168), 1e6) | {MONDAY + 20: 3e6}
    prior = prior_of(rules, others(visits, {MONDAY + 20: (10_000, 500, 25)}))
    assert prior.ctr[MONDAY + 20] == pytest.approx(0.05, rel=1e-3)
    assert prior.ctr[MONDAY + 8] == pytest.approx(0.05 / 3, rel=1e-3)


def test_visits_of_others_can_be_ignored_too() -> None:
    prior = prior_of(send_time_rules(activity_exponent=0.0), others({MONDAY + 20: 1e5}))
    assert prior.rates == pytest.approx(flat_prior(0.05, 0.05).rates)


def test_the_worked_example_of_others_visits() -> None:
    """docs/when.md: κ = 10 visits, no hour speaks for another; 20 visits in a mean hour, 4 in the country."""
    rules = send_time_rules(visit_strength=10.0, activity_exponent=1.0, kernel_hours=0.01, other_day=0.0)
    at_20, at_8 = TUESDAY + 20, TUESDAY + 8
    everybody = others(dict.fromkeys(range(168), (168 * 20 - 80 - 5) / 166) | {at_20: 80, at_8: 5})
    country = others(dict.fromkeys(range(168), (168 * 4 - 4 - 12) / 166) | {at_20: 4, at_8: 12})
    of_all = {at_20: (10 * 1 + 80) / (10 + 20), at_8: (10 * 1 + 5) / (10 + 20)}
    of_country = {at_20: (10 * of_all[at_20] + 4) / (10 + 4), at_8: (10 * of_all[at_8] + 12) / (10 + 4)}
    prior = prior_of(rules, everybody, country)
    for slot, expected in {at_20: 0.121, at_8: 0.061}.items():
        assert prior.ctr[slot] == pytest.approx(0.05 * of_country[slot], rel=1e-3)
        assert prior.ctr[slot] == pytest.approx(expected, abs=5e-4)
