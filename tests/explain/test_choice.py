"""Why this item and not the next one: worked numbers."""

import pytest

from kairos.explain.choice import Choice, RunnerUp, choice_of
from tests.core.policies import plain_rules
from tests.explain.records import AT, candidate, decision

COSTS = {"fatigue": 0.0003, "opt_out": 0.0007, "price": 0.0, "gain": 0.011, "p_open": 0.05}
"""c = 0.001"""


def chosen(item_id: str, *candidates: object, **fields: object) -> Choice:
    found = choice_of(decision(AT, item_ids=[item_id], candidates=candidates, **{"utility_terms": COSTS, **fields}), None)
    assert found is not None
    return found


def against(item_id: str, *candidates: object, **fields: object) -> RunnerUp:
    runner_up = chosen(item_id, *candidates, **fields).runner_up
    assert runner_up is not None
    return runner_up


MUG = candidate("mug", score=0.8, p_open=0.05, p_convert=0.2, utility=0.01, propensity=0.9)  # v = 0.011 / 0.05 = 0.22
LAMP = candidate("lamp", score=0.9, p_open=0.02, p_convert=0.25, utility=0.0044, propensity=0.1)  # v = 0.0054 / 0.02 = 0.27


def test_the_terms_multiply_to_what_the_worths_before_costs_are_to_each_other() -> None:
    runner_up = against("mug", MUG, LAMP)
    assert {each.term: (each.chosen, each.other) for each in runner_up.factors} == {
        "p_open": pytest.approx((0.05, 0.02)),
        "opening_value": pytest.approx((0.22, 0.27)),
        "diversity": (1.0, 1.0),
    }
    product = 1.0
    for each in runner_up.factors:
        product *= each.ratio
    assert product == pytest.approx((0.01 + 0.001) / (0.0044 + 0.001))
    assert (runner_up.how, runner_up.decided_by) == ("better", "p_open")


def test_a_repetition_is_what_made_the_difference_though_it_fits_better() -> None:
    """Before diversity the tray is worth 0.06 · 0.25 = 0.015 and the mug 0.011; after it 0.5 · 0.015 = 0.0075."""
    tray = candidate("tray", p_open=0.06, p_convert=0.2, utility=0.0065, propensity=0.1, diversity=0.5)
    runner_up = against("mug", MUG, tray)
    assert (runner_up.how, runner_up.decided_by) == ("better", "diversity")
    assert {each.term: round(each.ratio, 3) for each in runner_up.factors} == {"p_open": 0.833, "opening_value": 0.88, "diversity": 2.0}


def test_what_was_drawn_before_the_better_one_is_said_to_be_drawn_and_why_the_other_is_better() -> None:
    runner_up = against("lamp", MUG, LAMP)
    assert (runner_up.item.item_id, runner_up.how, runner_up.decided_by) == ("mug", "drawn", "p_open")
    assert chosen("lamp", MUG, LAMP).place == 2


def test_what_could_not_be_sent_is_unfit() -> None:
    """It has no probability: below the least score, or worth less than nothing. With the rules at hand it is known; else its worth tells."""
    bad = candidate("vase", p_open=0.01, p_convert=0.1, utility=-0.0005)
    assert against("mug", MUG, bad).how == "unfit"
    alone = candidate("mug", score=0.8, p_open=0.05, p_convert=0.2, utility=0.01, propensity=1.0)
    low = candidate("low", score=0.2, p_open=0.04, p_convert=0.2, utility=0.008)
    assert against("mug", alone, bad).how == "unfit"
    assert against("mug", alone, low).how == "better"  # a policy that always takes the best
    strict = choice_of(decision(AT, item_ids=["mug"], candidates=[alone, low], utility_terms=COSTS), plain_rules(send__min_score=0.35))
    assert strict is not None
    assert strict.runner_up is not None
    assert strict.runner_up.how == "unfit"


def test_without_utility_the_score_and_the_diversity_are_the_terms() -> None:
    runner_up = against("a", candidate("a", score=0.6, propensity=1.0), candidate("b", score=0.7, diversity=0.8), utility_terms={})
    assert [(each.term, round(each.ratio, 3)) for each in runner_up.factors] == [("score", 0.857), ("diversity", 1.25)]
    assert (runner_up.how, runner_up.decided_by) == ("better", "diversity")


def test_a_list_of_one_has_no_runner_up_and_a_record_without_candidates_no_choice() -> None:
    assert chosen("mug", MUG).runner_up is None
    assert choice_of(decision(AT, item_ids=["mug"]), None) is None
    assert chosen("mug", MUG).costs == {"fatigue": 0.0003, "opt_out": 0.0007, "price": 0.0}
