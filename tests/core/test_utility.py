"""Utility: every term by hand, in ordinary conversions; what it rises and falls with; and what is not worth a push."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.effects import Push, Suppressed
from flink_job.core.fatigue import Fatigue
from flink_job.core.reasons import Reason
from flink_job.core.utility import Candidates, Circumstances, Utility, Worth
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf
from tests.core.policies import HOUR, default_rules, plain_rules

AT = MONDAY_0930
OTHER, SHOP, NEWS, SOCIAL = range(4)
RULES = default_rules().utility


def worth(
    score: float = 0.0,
    scenario: int = SHOP,
    price: float = 0.0,
    age_ms: int = 0,
    unfinished: float = 0.0,
    around: Circumstances | None = None,
    **changes: object,
) -> tuple[float, float, float]:
    """P(open), P(convert | open) and utility of one candidate under the rules that are shipped, changed."""
    found = many([score], scenario, price, age_ms, unfinished, around, **changes)
    return found.p_open.item(), found.p_convert.item(), found.utility.item()


def many(
    scores: list[float],
    scenario: int = SHOP,
    price: float = 0.0,
    age_ms: int = 0,
    unfinished: float = 0.0,
    around: Circumstances | None = None,
    **changes: object,
) -> Worth:
    n = len(scores)
    candidates = Candidates(
        np.array(scores, np.float32),
        np.full(n, scenario, np.uint8),
        np.full(n, price, np.float32),
        np.full(n, age_ms, np.int64),
        np.full(n, unfinished, np.float32),
    )
    return Utility(replace(RULES, **changes)).of(candidates, around or Circumstances())  # type: ignore[arg-type]  # named by the caller


def chance(rate: float, *terms: float) -> float:
    """The rate, moved by these terms of its logit."""
    return 1 / (1 + exp(-(log(rate / (1 - rate)) + sum(terms))))


# By hand.


def test_the_worked_example_of_the_docs() -> None:
    """A thing of the shop with s_ui = 0.8, for a user with F = 1.5 in an hour twice as good for opening as their mean one."""
    p_open, p_convert, utility = worth(0.8, around=Circumstances(open_factor=2.0, fatigue=1.5))
    assert p_open == pytest.approx(chance(0.015, 1.8 * 0.8, log(2), -0.2 * 1.5), rel=1e-5) == pytest.approx(0.0870, abs=5e-5)
    assert p_convert == pytest.approx(chance(0.03, 1.5 * 0.8), rel=1e-5) == pytest.approx(0.0931, abs=5e-5)
    gain = p_open * (0.02 + p_convert * 1)
    assert gain == pytest.approx(0.00984, abs=5e-6)
    tiring, losing = 0.0002 * 1.5, 0.0012 * (1 + 1.5) ** 2 * 1
    assert (tiring, losing) == pytest.approx((0.0003, 0.0075))
    assert utility == pytest.approx(gain - tiring - losing, abs=1e-7) == pytest.approx(0.00204, abs=5e-6)
    assert worth(0.8, around=Circumstances(open_factor=2.0, fatigue=2.0))[2] < 0


def test_an_item_of_the_usual_score_at_a_mean_hour_has_the_usual_rate() -> None:
    for scenario, name in enumerate(("other", "shop", "news", "social")):
        p_open, p_convert, _ = worth(0.0, scenario)
        assert p_open == pytest.approx(RULES.open.rates[name], rel=1e-5)
        assert p_convert == pytest.approx(RULES.convert.rates[name], rel=1e-5)


def test_published_rates_are_met() -> None:
    """1.5 % open generic pushes, 5.9 % personalised ones with s_ui about 0.8; of cart reminders 16 % are opened."""
    assert worth(0.8)[0] == pytest.approx(0.059, abs=0.003)
    assert worth(0.9, unfinished=1.0)[0] == pytest.approx(0.17, abs=0.02)


def test_each_term_of_the_logit_does_what_it_says() -> None:
    for term, changes in {
        1.8 * 0.5: {"score": 0.5},
        log(3): {"around": Circumstances(open_factor=3.0)},
        -0.2 * 2: {"around": Circumstances(fatigue=2.0)},
        1.0: {"unfinished": 1.0},
    }.items():
        assert worth(**changes)[0] == pytest.approx(chance(0.015, term), rel=1e-5), changes  # type: ignore[arg-type]  # named above
    assert worth(scenario=NEWS, age_ms=24 * HOUR)[0] == pytest.approx(chance(0.02, -log(2)), rel=1e-5)
    assert worth(scenario=SHOP, age_ms=99 * 24 * HOUR)[0] == pytest.approx(0.015, rel=1e-5)


def test_each_cost_does_what_it_says() -> None:
    free = {"fatigue_cost": 0.0, "opt_out_cost": 0.0}
    tired = Circumstances(fatigue=2.0)
    gain = worth(around=tired, **free)[2]  # type: ignore[arg-type]  # rules, by name
    p_open, p_convert, _ = worth(around=tired)
    assert gain == pytest.approx(p_open * (0.02 + p_convert), rel=1e-5)
    assert worth(around=tired, fatigue_cost=0.01, opt_out_cost=0.0)[2] == pytest.approx(gain - 0.01 * 2, abs=1e-7)
    assert worth(around=tired, fatigue_cost=0.0, opt_out_cost=4.0)[2] == pytest.approx(gain - 0.0012 * 9 * 4, abs=1e-7)
    dearer = worth(around=replace(tired, price=0.003), **free)[2]  # type: ignore[arg-type]  # rules, by name
    assert dearer == pytest.approx(gain - 0.003, abs=1e-7)


def test_a_share_of_the_price_comes_on_top_of_what_a_conversion_is_worth() -> None:
    p_open, p_convert, utility = worth(price=40.0, price_share=0.05, fatigue_cost=0.0, opt_out_rate=0.0)
    assert utility == pytest.approx(p_open * (0.02 + p_convert * (1 + 0.05 * 40)), rel=1e-5)


def test_the_terms_add_up_to_the_utility() -> None:
    around = Circumstances(open_factor=0.5, fatigue=1.0, price=0.001)
    p_open, p_convert, utility = worth(0.6, around=around)
    terms = Utility(RULES).terms(p_open, p_convert, utility, around)
    assert set(terms) == {"gain", "p_open", "p_convert", "fatigue", "opt_out", "price"}
    assert terms["gain"] == pytest.approx(p_open * (0.02 + p_convert), abs=1e-7)
    assert terms["gain"] - terms["fatigue"] - terms["opt_out"] - terms["price"] == pytest.approx(utility, abs=1e-12)


# What it rises and falls with.

scores = st.floats(-2, 3, width=32)


@given(scores, scores, st.sampled_from([OTHER, SHOP, NEWS, SOCIAL]))
def test_a_better_score_is_never_worth_less(one: float, other: float, scenario: int) -> None:
    low, high = sorted((one, other))
    found = many([low, high], scenario)
    assert found.utility.item(0) <= found.utility.item(1)
    assert found.p_open.item(0) <= found.p_open.item(1)


@given(scores, st.floats(0, 10), st.floats(0, 10))
def test_the_same_push_is_never_worth_more_to_a_more_tired_user(score: float, one: float, other: float) -> None:
    rested, tired = (worth(score, around=Circumstances(fatigue=fatigue)) for fatigue in sorted((one, other)))
    assert tired[2] <= rested[2]
    assert tired[0] <= rested[0]


@given(scores, st.floats(0, 1), st.floats(0, 1))
def test_what_costs_more_of_the_budget_is_worth_as_much_less(score: float, one: float, other: float) -> None:
    cheap, dear = (worth(score, around=Circumstances(price=price))[2] for price in sorted((one, other)))
    assert cheap - dear == pytest.approx(abs(one - other), abs=1e-6)


@given(scores, st.floats(1e-9, 1e6), st.floats(0, 1e4), st.integers(0, 3), st.floats(0, 1e9))
def test_probabilities_stay_probabilities_and_worth_a_number(
    score: float, factor: float, fatigue: float, scenario: int, price: float
) -> None:
    p_open, p_convert, utility = worth(score, scenario, price, around=Circumstances(factor, factor, fatigue), price_share=0.1)
    assert 0.0 <= p_open <= 1.0
    assert 0.0 <= p_convert <= 1.0
    assert np.isfinite(utility)


# In a decision.


def shopper(**changes: object) -> Person:
    """East is what the user likes; north they like a little less, but who opens such things more often does what they are for."""
    things = [
        item("east", features=unit([1, 0]), scenario=SHOP),
        item("north", features=unit([1, 0.3]), scenario=OTHER),
    ]
    ann = Person(shelf(things), plain_rules(**{"triggers": {"search": 0}, "log__suppressed_share": 1.0, **changes}))
    ann.does("share", "east", AT - HOUR)
    return ann


def test_the_best_is_what_is_worth_most_and_without_utility_what_scores_most() -> None:
    assert pushed(shopper(utility__enabled=True).does("search", at_ms=AT)) == "north"
    assert pushed(shopper(utility__enabled=False).does("search", at_ms=AT)) == "east"


def test_a_push_tells_the_terms_of_its_worth() -> None:
    ann = shopper(utility__enabled=True)
    (push, *_) = ann.does("search", at_ms=AT)
    assert isinstance(push, Push)
    terms = dict(push.record.terms)
    assert terms["p_open"] == push.item.p_open
    assert terms["gain"] - terms["fatigue"] - terms["opt_out"] - terms["price"] == pytest.approx(push.item.utility, abs=1e-9)
    assert [each.utility for each in push.record.candidates] == sorted((each.utility for each in push.record.candidates), reverse=True)


def test_what_costs_more_than_it_brings_is_not_sent() -> None:
    ann = shopper(utility__enabled=True, utility__opt_out_cost=1_000.0)
    (answer, *_) = ann.does("search", at_ms=AT)
    assert isinstance(answer, Suppressed)
    assert answer.reason is Reason.NOT_WORTH_IT
    assert answer.record is not None
    assert answer.record.candidates[0].utility < 0


def test_what_is_worth_exactly_the_least_is_sent() -> None:
    best = shopper(utility__enabled=True)
    best.does("search", at_ms=AT)
    exactly = best.pushes[0].item.utility
    for least, is_sent in ((exactly, True), (exactly + 1e-6, False)):
        assert bool(pushed(shopper(utility__enabled=True, utility__least=least).does("search", at_ms=AT))) == is_sent


def test_a_good_worth_does_not_make_up_for_a_score_below_the_least() -> None:
    ann = shopper(utility__enabled=True, send__min_score=9.0)
    assert reasons(ann.does("search", at_ms=AT))[0] is Reason.BELOW_THRESHOLD


def test_a_tired_user_is_sent_less() -> None:
    """F rises with each push, and its cost with (1 + F)²: in the end none is worth it, though no gate is closed."""
    things = [item(f"item {number}", features=unit([1, 0]), scenario=SHOP) for number in range(30)]
    ann = Person(shelf(things), plain_rules(utility__enabled=True, triggers={"search": 0}))
    ann.does("share", "item 0", AT - HOUR)
    sent = [pushed(ann.does("search", at_ms=AT + number)) for number in range(20)]
    assert sent.index("") == sum(map(bool, sent)) > 0
    assert Fatigue(default_rules().fatigue).at(ann.state, AT + 20) == pytest.approx(sum(map(bool, sent)), rel=1e-3)
