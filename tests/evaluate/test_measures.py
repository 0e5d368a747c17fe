"""The columns, on accounts small enough to be reckoned by hand."""

import numpy as np
import pytest

from kairos.evaluate.intervals import Bootstrap, estimate
from kairos.evaluate.ledger import SENT, Outcomes
from kairos.evaluate.measures import MEASURES, by_week, coverage, user_sums
from kairos.world.values import NEVER_MS

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
START_MS = 100 * WEEK_MS


def outcomes(*pushes: tuple[int, int, int, int, float], joined_ms: tuple[int, ...] = (0, 0), weeks: int = 4) -> Outcomes:
    """``pushes``: user, item, category, day converted (-1: not), value."""
    sent = np.zeros(len(pushes), SENT)
    for row, (user, item, category, day, value) in zip(sent, pushes, strict=True):
        row["user"], row["item"], row["category"], row["at_ms"] = user, item, category, START_MS + DAY_MS
        if day >= 0:
            row["converted_ms"], row["value"], row["opened"] = START_MS + day * DAY_MS + 1, value, True
    return Outcomes(
        sent=sent,
        joined_ms=np.array(joined_ms),
        opted_out_ms=np.array([START_MS + 8 * DAY_MS] + [NEVER_MS] * (len(joined_ms) - 1)),
        bought=np.zeros(len(joined_ms)),
        items=10,
        start_ms=START_MS,
        end_ms=START_MS + weeks * WEEK_MS,
        seconds=0.0,
    )


def mean(each: Outcomes, measure: str) -> float:
    return estimate(Bootstrap([len(each.joined_ms)]).values(MEASURES[measure], user_sums(each))).mean


def test_a_user_month_is_thirty_days_also_of_who_was_driven_away() -> None:
    each = outcomes((0, 1, 0, 2, 9.5), (1, 2, 0, -1, 0.0))
    assert mean(each, "conversions") == pytest.approx(1 / (2 * 28 / 30))
    assert mean(each, "value") == pytest.approx(9.5 / (2 * 28 / 30))
    assert mean(each, "per_push") == pytest.approx(50)
    assert mean(each, "opt_outs") == pytest.approx(50)


def test_what_is_expected_counts_whether_it_came_or_not() -> None:
    each = outcomes((0, 1, 0, 2, 9.5), (1, 2, 0, -1, 0.0))
    each.sent["expected"] = 0.03, 0.01
    assert mean(each, "expected") == pytest.approx(0.04 / (2 * 28 / 30))


def test_who_signs_up_later_counts_from_then_on() -> None:
    each = outcomes((1, 1, 0, 20, 1.0), joined_ms=(0, START_MS + 14 * DAY_MS))
    assert mean(each, "conversions") == pytest.approx(1 / ((28 + 14) / 30))
    assert mean(each, "cold_users") == pytest.approx(1 / (14 / 30))


def test_what_converts_after_the_end_does_not_count() -> None:
    assert mean(outcomes((0, 1, 0, 28, 1.0)), "conversions") == 0


def test_entropy_of_two_categories_alike_is_one_bit() -> None:
    assert mean(outcomes((0, 1, 5, -1, 0.0), (0, 2, 7, -1, 0.0)), "entropy") == pytest.approx(1.0)
    assert mean(outcomes((0, 1, 5, -1, 0.0), (0, 2, 5, -1, 0.0)), "entropy") == 0


def test_coverage_counts_items_once() -> None:
    assert coverage(outcomes((0, 1, 0, -1, 0.0), (1, 1, 0, -1, 0.0), (1, 2, 0, -1, 0.0))) == pytest.approx(0.2)


def test_weeks_are_those_of_the_conversion() -> None:
    weeks = by_week(outcomes((0, 1, 0, 2, 1.0), (1, 2, 0, 9, 3.0)))
    assert weeks["conversions"].tolist() == [1, 1, 0, 0]
    assert weeks["value"].tolist() == [1, 3, 0, 0]
    assert weeks["opt_outs"].tolist() == [0, 1, 0, 0]


def test_a_policy_against_itself_is_one_without_doubt() -> None:
    rng = np.random.default_rng(1)
    sums = {"of": rng.poisson(2.0, 50).astype(float), "per": np.ones(50)}
    values = Bootstrap([50]).values(type(MEASURES["value"])("", "of", "per"), sums)
    ratio = estimate(values / values)
    assert (ratio.mean, ratio.half) == (1.0, 0.0)


def test_half_widths_are_those_of_the_mean_of_independent_users() -> None:
    of = np.random.default_rng(1).normal(10, 2, 400)
    measure = type(MEASURES["value"])("", "of", "per")
    half = estimate(Bootstrap([200, 200]).values(measure, {"of": of, "per": np.ones(400)})).half
    assert half == pytest.approx(1.96 * 2 / np.sqrt(400), rel=0.15)
