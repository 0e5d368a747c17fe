"""The moment for a push: the worked table of docs/when.md, and what holds for every user, moment and seed."""

from dataclasses import replace
from math import exp
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.local_time import LocalClock
from flink_job.core.quiet_hours import QuietClock
from flink_job.core.rules import QuietHours, RuleError
from flink_job.core.rules.send_time import SendTimeRules
from flink_job.core.send_time import SendTime, SendTimePlan
from flink_job.core.slot_counts import SlotCounts
from flink_job.core.slot_prior import SlotPrior, Week, flat_prior, prior_of, slot_kernel
from flink_job.core.state import UserState
from flink_job.engine import zone_of
from tests.core.person import MONDAY_0930, moment
from tests.core.policies import DAY, HOUR, MINUTE
from tests.core.timing import send_time_rules, user_with

BERLIN = "Europe/Berlin"
TUESDAY_0730 = moment("2026-03-03 07:30", BERLIN)
MONDAY, TUESDAY, SUNDAY = 0, 24, 144
CLOCK = LocalClock(BERLIN, {}, zone_of)
FLAT = flat_prior(0.05, 0.05)
ANN = {MONDAY + 8: (4, 2, 1), MONDAY + 12: (6, 0, 0), TUESDAY + 20: (2, 1, 0)}

slot_counts = st.dictionaries(
    st.integers(0, 167),
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)).map(lambda drawn: tuple(sorted(drawn, reverse=True))),
    max_size=8,
)


def send_time(rules: SendTimeRules) -> SendTime:
    return SendTime(rules, SlotCounts(rules))


def planned(
    state: UserState, now_ms: int = TUESDAY_0730, *, until_ms: int = 0, rules: SendTimeRules | None = None, **how: Any
) -> SendTimePlan:
    """By the plain rules, over the coming day."""
    model = send_time(rules or send_time_rules())
    until_ms = until_ms or now_ms + DAY
    moments, slots = CLOCK.coming_hours(now_ms, until_ms, "", "")
    asked = {"half_life_ms": 12 * HOUR, "seed": 1, "jitter": 0.0} | how
    plan = model.plan(model.rates(state, FLAT, now_ms), moments, slots, now_ms=now_ms, until_ms=until_ms, **asked)
    assert plan is not None
    return plan


def ann() -> UserState:
    return user_with(ANN, TUESDAY_0730)


def test_the_worked_table() -> None:
    """docs/when.md. κ = 20 sends and 40 opens, p = 0.05; an hour off counts e^(−1/2), another weekday half; half-life 12 hours."""
    plan = planned(ann())
    row = {f"{(slot - TUESDAY) % 24:02}": number for number, slot in enumerate(plan.slots.tolist()[:14])}
    off, day = exp(-0.5), 0.5
    expected = {
        "07": ((1 + 2 * day * off) / (20 + 4 * day * off), (2 + 1 * day * off) / (40 + 2 * day * off), 1.0),
        "08": ((1 + 2 * day) / (20 + 4 * day), (2 + 1 * day) / (40 + 2 * day), 2 ** (-0.5 / 12)),
        "09": (
            (1 + 2 * day * off) / (20 + 4 * day * off + 6 * day * exp(-4.5)),
            (2 + 1 * day * off) / (40 + 2 * day * off),
            2 ** (-1.5 / 12),
        ),
        "12": (1 / (20 + 6 * day), 2 / 40, 2 ** (-4.5 / 12)),
        "20": ((1 + 1) / (20 + 2), 2 / (40 + 1), 2 ** (-12.5 / 12)),
    }
    for hour, (ctr, cvr, discount) in expected.items():
        assert plan.ctr[row[hour]] == pytest.approx(ctr, rel=1e-3), hour
        assert plan.cvr[row[hour]] == pytest.approx(cvr, rel=1e-3), hour
        assert plan.discount[row[hour]] == pytest.approx(discount, rel=1e-6), hour
    assert {hour: round(float(plan.value[row[hour]]) * 1e3, 2) for hour in expected} == {
        "07": 4.30,
        "08": 5.39,
        "09": 3.93,
        "12": 1.68,
        "20": 2.15,
    }
    assert (plan.at_ms, plan.is_now) == (moment("2026-03-03 08:00", BERLIN), False)


def test_it_is_now_when_waiting_gains_less_than_the_policy_asks_for() -> None:
    """Eight o'clock is worth 5.39 / 4.30 − 1 = 25 % more than half past seven."""
    assert not planned(ann(), rules=send_time_rules(least_gain=0.24)).is_now
    assert planned(ann(), rules=send_time_rules(least_gain=0.27)).is_now


def test_a_push_that_waited_has_its_place_in_its_hour_and_one_that_did_not_goes_at_once() -> None:
    assert planned(ann(), jitter=0.25).at_ms == moment("2026-03-03 08:05", BERLIN)
    assert planned(user_with({}), jitter=0.25).at_ms == TUESDAY_0730


def test_it_goes_before_it_is_worthless_wherever_its_place_in_the_hour_is() -> None:
    until_ms = moment("2026-03-03 08:03", BERLIN)
    assert planned(ann(), until_ms=until_ms, jitter=0.9).at_ms == until_ms - 1


def test_of_nobody_anything_is_known_so_it_is_now() -> None:
    plan = planned(user_with({}))
    assert (plan.is_now, plan.at_ms, plan.chosen) == (True, TUESDAY_0730, 0)
    assert plan.propensity.tolist() == [1.0] + [0.0] * (len(plan.moments) - 1)


@pytest.mark.parametrize("draws", [0, 64])
def test_what_is_stale_in_a_moment_goes_now(draws: int) -> None:
    assert planned(ann(), half_life_ms=1, rules=send_time_rules(exploration_draws=draws)).is_now
    assert planned(ann(), half_life_ms=0, rules=send_time_rules(exploration_draws=draws)).is_now


def test_without_a_moment_there_is_no_plan_and_with_one_there_is_no_choice() -> None:
    model = send_time(send_time_rules(exploration_draws=64))
    rates = model.rates(ann(), FLAT, TUESDAY_0730)
    how: dict[str, Any] = {"now_ms": TUESDAY_0730, "until_ms": TUESDAY_0730 + DAY, "half_life_ms": DAY, "seed": 3, "jitter": 0.5}
    assert model.plan(rates, np.array([], np.int64), np.array([], np.int64), **how) is None
    plan = model.plan(rates, np.array([TUESDAY_0730 + HOUR]), np.array([TUESDAY + 8]), **how)
    assert plan is not None
    assert (plan.at_ms, plan.is_now, plan.propensity.tolist()) == (TUESDAY_0730 + HOUR + 10 * MINUTE, False, [1.0])


def test_in_quiet_hours_it_waits_for_the_best_moment_that_is_not_quiet() -> None:
    """Ann's best hour is 08:00, but it is quiet until 10:00; then the evening is worth less than the earliest moment."""
    quiet = QuietClock(QuietHours(22 * 60, 10 * 60, 0, BERLIN, {}), zone_of, CLOCK)
    model = send_time(send_time_rules())
    moments, slots = CLOCK.coming_hours(TUESDAY_0730, TUESDAY_0730 + DAY, "", "")
    loud = ~quiet.are_quiet(moments, "", "")
    plan = model.plan(
        model.rates(ann(), FLAT, TUESDAY_0730),
        moments[loud],
        slots[loud],
        now_ms=TUESDAY_0730,
        until_ms=TUESDAY_0730 + DAY,
        half_life_ms=12 * HOUR,
        seed=1,
        jitter=0.5,
    )
    assert plan is not None
    assert plan.at_ms == moment("2026-03-03 10:10", BERLIN)
    assert not plan.is_now


@pytest.mark.parametrize(
    ("saturday", "hours"),
    [("2026-03-28 20:00", 12 - 1), ("2026-10-24 20:00", 12 + 1)],
)
def test_on_the_night_in_which_the_clocks_are_changed_sunday_eight_is_when_the_wall_shows_eight(saturday: str, hours: int) -> None:
    now_ms = moment(saturday, BERLIN)
    plan = planned(user_with({SUNDAY + 8: (20, 15, 10)}, now_ms), now_ms, half_life_ms=30 * DAY)
    assert plan.at_ms == moment(f"{saturday[:8]}{int(saturday[8:10]) + 1} 08:00", BERLIN) == now_ms + hours * HOUR


def test_where_the_user_is_seen_they_are_expected_to_open_and_to_buy() -> None:
    """20 visits, all on Tuesday at 20:00, believed half (κ_a = 20). The kernel lays them over the week; v is their square root over its mean."""
    model = send_time(send_time_rules())
    rates = model.rates(user_with({}, TUESDAY_0730, visits={TUESDAY + 20: 20}), FLAT, TUESDAY_0730).rates
    bell = [exp(-0.25 * hours**2) for hours in range(-11, 13)]  # the root of the bell
    mean = (1 + 4 * 0.5**0.5) * sum(bell) / 168  # its own day and four other weekdays
    assert rates[:, TUESDAY + 20] == pytest.approx([0.05 * (0.5 + 0.5 / mean)] * 2, rel=1e-3)
    assert rates[:, TUESDAY + 19] == pytest.approx([0.05 * (0.5 + 0.5 * exp(-0.25) / mean)] * 2, rel=1e-3)
    assert rates[:, TUESDAY + 4] == pytest.approx([0.05 * 0.5] * 2, rel=1e-3)
    assert rates.mean(axis=1) == pytest.approx([0.05] * 2, rel=1e-5)


def test_who_is_seldom_seen_is_like_everybody_and_who_is_seen_often_is_like_themselves() -> None:
    counts = np.zeros((168, 4), np.float32)
    counts[TUESDAY + 12], counts[TUESDAY + 3] = (10_000, 1_000, 100, 0), (10_000, 100, 10, 0)
    prior = prior_of(send_time_rules(), counts)
    model = send_time(send_time_rules())
    few = model.rates(user_with({}, TUESDAY_0730, visits={TUESDAY + 20: 1}), prior, TUESDAY_0730).rates[0]
    many = model.rates(user_with({}, TUESDAY_0730, visits={TUESDAY + 20: 400}), prior, TUESDAY_0730).rates[0]
    assert few[TUESDAY + 12] == pytest.approx(prior.ctr[TUESDAY + 12] * 20 / 21, rel=1e-4)
    assert few[TUESDAY + 12] > few[TUESDAY + 3]
    assert many.argmax() == TUESDAY + 20


def others(visits: dict[int, float], outcomes: dict[int, tuple[float, float, float]]) -> SlotPrior:
    """What counts of others let expect; a visit in every hour where nothing else is said."""
    counts = np.zeros((168, 4), np.float32)
    counts[:, 3] = 1e5
    for slot, count in visits.items():
        counts[slot, 3] = count
    for slot, row in outcomes.items():
        counts[slot, :3] = row
    return prior_of(send_time_rules(activity_exponent=1.0), counts)


def test_who_comes_when_all_come_is_like_everybody_and_what_pushes_to_others_came_to_counts_for_them_too() -> None:
    """Others come on Tuesday at eight in the evening; of their pushes twice as many are opened at noon as at any other hour."""
    evening, noon = TUESDAY + 20, TUESDAY + 12
    prior = others({evening: 1e6}, {slot: (1e6, 1e4 if slot == noon else 5e3, 500) for slot in range(168)})
    model = send_time(send_time_rules(activity_exponent=1.0))
    same = model.rates(user_with({}, TUESDAY_0730, visits={evening: 40}), prior, TUESDAY_0730).rates[0]
    other = model.rates(user_with({}, TUESDAY_0730, visits={noon: 40}), prior, TUESDAY_0730).rates[0]
    assert prior.ctr[noon] == pytest.approx(0.01, rel=0.01)
    assert same[evening] / prior.ctr[evening] < other[noon] / prior.ctr[noon]  # the evening is everybody's, noon is their own
    assert other[noon] == pytest.approx(prior.ctr[noon] * (20 + 40 * habit({noon: 40})[noon] / prior.usual[0, noon]) / 60, rel=1e-3)
    assert other[evening] < prior.ctr[evening]


def habit(visits: dict[int, float]) -> Week:
    """a(t): visits smoothed by the kernel, over their mean."""
    rules = send_time_rules(activity_exponent=1.0)
    counts = np.array([visits.get(slot, 0.0) for slot in range(168)], np.float32)
    smooth = slot_kernel(rules) @ counts
    over_mean: Week = smooth / smooth.mean()
    return over_mean


def test_where_others_visits_are_not_known_the_users_own_take_the_place_of_what_others_let_expect() -> None:
    """p_u = (κ_a · p + n · p̄ · a) / (κ_a + n), forty visits, κ_a = 20."""
    counts = np.zeros((168, 4), np.float32)
    counts[:, :3] = 1e5, 5e3, 250
    counts[TUESDAY + 12, 1] = 1e4
    prior = prior_of(send_time_rules(activity_exponent=1.0), counts)
    rates = send_time(send_time_rules(activity_exponent=1.0)).rates(user_with({}, visits={5: 40}), prior, MONDAY_0930).rates[0]
    expected = (20 * prior.ctr + 40 * prior.mean[0] * habit({5: 40})) / 60
    assert rates == pytest.approx(expected, rel=1e-4)


def test_activity_can_be_ignored() -> None:
    model = send_time(send_time_rules(activity_exponent=0.0))
    assert model.rates(user_with({}, visits={5: 20}), FLAT, TUESDAY_0730).rates == pytest.approx(FLAT.rates)


def test_an_hour_is_compared_with_the_users_mean_one() -> None:
    rates = send_time(send_time_rules()).rates(ann(), FLAT, TUESDAY_0730)
    opening, converting = rates.factors(TUESDAY + 8)
    assert opening == pytest.approx(rates.response * rates.rates[0, TUESDAY + 8] / rates.rates[0].mean(), rel=1e-5)
    assert converting == pytest.approx(rates.rates[1, TUESDAY + 8] / rates.rates[1].mean(), rel=1e-5)
    assert send_time(send_time_rules()).rates(user_with({}), FLAT, TUESDAY_0730).factors(3) == pytest.approx((1.0, 1.0))


def test_who_opens_more_than_was_to_be_expected_is_believed_as_their_opens_deserve() -> None:
    """Ann opened 3 of 12 pushes, 12 · 0.05 = 0.6 were expected; κ_u = 2 opens."""
    assert send_time(send_time_rules()).rates(ann(), FLAT, TUESDAY_0730).response == pytest.approx((2 + 3) / (2 + 0.6))
    silent = user_with({TUESDAY + 12: (40, 0, 0)}, TUESDAY_0730)
    assert send_time(send_time_rules()).rates(silent, FLAT, TUESDAY_0730).response == pytest.approx(2 / (2 + 40 * 0.05))
    assert send_time(send_time_rules()).rates(user_with({}), FLAT, TUESDAY_0730).response == 1.0


@given(slot_counts, st.integers(0, 2**64 - 1), st.integers(0, 200), st.floats(0, 2), st.integers(1, 168), st.floats(0, 1, exclude_max=True))
def test_propensities_sum_to_one_and_what_was_chosen_could_be(
    counts: dict[int, tuple[int, int, int]], seed: int, draws: int, width: float, hours: int, jitter: float
) -> None:
    rules = send_time_rules(exploration_draws=draws, exploration_width=width)
    until_ms = TUESDAY_0730 + hours * HOUR
    plan = planned(user_with(counts, TUESDAY_0730), until_ms=until_ms, rules=rules, seed=seed, jitter=jitter)
    assert plan.propensity.sum() == pytest.approx(1.0, abs=1e-6)
    assert plan.propensity.min() >= 0
    assert plan.propensity[plan.chosen] > 0
    assert plan.moments[plan.chosen] <= plan.at_ms < until_ms
    assert plan.is_now == (plan.chosen == 0)


@given(slot_counts, st.integers(0, 167))
def test_one_more_open_never_lowers_the_rate_of_any_hour(counts: dict[int, tuple[int, int, int]], slot: int) -> None:
    model = send_time(send_time_rules())
    sends, opens, conversions = counts.get(slot, (1, 0, 0))
    before = model.rates(user_with(counts | {slot: (sends, opens, conversions)}), FLAT, TUESDAY_0730).rates[0]
    more = model.rates(user_with(counts | {slot: (sends, opens + 1, conversions)}), FLAT, TUESDAY_0730).rates[0]
    assert (more >= before).all()
    assert more[slot] > before[slot] or more[slot] > 0.99


@given(slot_counts)
def test_rates_are_rates(counts: dict[int, tuple[int, int, int]]) -> None:
    rates = send_time(send_time_rules()).rates(user_with(counts, visits={3: 40}), FLAT, TUESDAY_0730).rates
    assert ((rates > 0) & (rates < 1)).all()


def test_the_same_seed_gives_the_same_choice_to_the_bit_whatever_was_asked_between() -> None:
    model = send_time(send_time_rules(exploration_draws=64))
    moments, slots = CLOCK.coming_hours(TUESDAY_0730, TUESDAY_0730 + DAY, "", "")
    rates = model.rates(ann(), FLAT, TUESDAY_0730)
    plans = {}
    for seed in [*range(40), *reversed(range(40)), 2**64 - 1]:
        plan = model.plan(rates, moments, slots, now_ms=TUESDAY_0730, until_ms=2**60, half_life_ms=DAY, seed=seed, jitter=0.5)
        assert plan is not None
        before = plans.setdefault(seed, plan)
        assert (before.chosen, before.propensity.tobytes()) == (plan.chosen, plan.propensity.tobytes())
    assert len({plan.chosen for plan in plans.values()}) > 5


def test_moments_are_chosen_as_often_as_their_propensities_say() -> None:
    model = send_time(send_time_rules(exploration_draws=2000, exploration_width=1.0))
    moments, slots = CLOCK.coming_hours(TUESDAY_0730, TUESDAY_0730 + 6 * HOUR, "", "")
    rates = model.rates(ann(), FLAT, TUESDAY_0730)
    plans = [
        model.plan(rates, moments, slots, now_ms=TUESDAY_0730, until_ms=2**60, half_life_ms=DAY, seed=seed, jitter=0.0)
        for seed in range(1500)
    ]
    chosen = np.bincount([plan.chosen for plan in plans if plan], minlength=len(moments)) / len(plans)
    assert chosen == pytest.approx(np.mean([plan.propensity for plan in plans if plan], axis=0), abs=0.04)


def test_draws_of_an_hour_have_the_mean_and_the_spread_of_the_product_of_its_two_posteriors() -> None:
    """Two hours with the same mean, one of them much tried: the other is chosen when its draw is higher, as often as with Beta numbers."""
    rules = send_time_rules(exploration_draws=4000, exploration_width=1.0, least_gain=0.0, other_day=0.0, open_strength=40.0)
    state = user_with({TUESDAY + 8: (2000, 100, 5)}, TUESDAY_0730)
    model = send_time(rules)
    moments, slots = CLOCK.coming_hours(TUESDAY_0730 + 30 * MINUTE, TUESDAY_0730 + 7 * HOUR, "", "")
    at = np.array([0, 6])
    plan = model.plan(
        model.rates(state, FLAT, TUESDAY_0730),
        moments[at],
        slots[at],
        now_ms=TUESDAY_0730,
        until_ms=2**60,
        half_life_ms=2**60,
        seed=9,
        jitter=0.0,
    )
    assert plan is not None
    rng = np.random.default_rng(4)
    tried = rng.beta(102, 2040 - 102, 100_000) * rng.beta(7, 140 - 7, 100_000)
    untried = rng.beta(2, 38, 100_000) * rng.beta(2, 38, 100_000)
    assert plan.propensity[1] == pytest.approx((untried > tried).mean(), abs=0.06)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("horizon_ms", 0),
        ("horizon_ms", 7 * DAY + 1),
        ("least_gain", -0.1),
        ("exploration_draws", -1),
        ("exploration_draws", 5000),
        ("exploration_width", -1.0),
        ("spread_ms", -1),
        ("visit_gap_ms", -1),
        ("activity_half_life_ms", 0),
        ("outcome_half_life_ms", 0),
        ("kernel_hours", 0.0),
        ("other_day", 1.5),
        ("other_kind_of_day", -0.5),
        ("open_rate", 0.0),
        ("convert_rate", 1.0),
        ("open_strength", 0.0),
        ("convert_strength", float("nan")),
        ("population_strength", 0.0),
        ("visit_strength", 0.0),
        ("user_strength", 0.0),
        ("activity_strength", 0.0),
        ("activity_exponent", -1.0),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_its_name(name: str, value: float) -> None:
    with pytest.raises(RuleError, match=f"^{name}: "):
        replace(send_time_rules(), **{name: value})
