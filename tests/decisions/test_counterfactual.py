"""What another policy would have decided: the same where it is the same, and what is not in the record is not known."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from flink_job.core.rules import Rules
from kairos.decisions.counterfactual import WhatIf, what_if
from kairos.decisions.policies import KnownPolicies
from kairos.decisions.replayed import Replayed
from kairos.v1.decision_pb2 import Decision
from tests.core.policies import HOUR, changed
from tests.decisions.logs import decisions_of_the_world, replayable_config, sent_in_the_world

CONFIG = replayable_config()
RULES = CONFIG.policy


def under(rules: Rules, decisions: list[Decision] | None = None) -> WhatIf:
    return what_if(sent_in_the_world() if decisions is None else decisions, KnownPolicies(RULES, ()), rules, CONFIG.learning)


def other(**changes: Any) -> Rules:
    return replace(changed(RULES, {name.replace("__", "."): value for name, value in changes.items()}), version="other")


def by_item(decision: Decision, what: str) -> dict[str, float]:
    return {each.item_id: getattr(each, what) for each in decision.candidates}


def test_the_policy_itself_would_have_done_the_same_with_the_same_probability() -> None:
    log = decisions_of_the_world()[::2]
    result = under(RULES, log)
    assert (len(result.replayed), result.missing, result.unknown) == (len(log), Counter(), Counter())
    for decision, each in zip(log, result.replayed, strict=True):
        assert (each.target_verdict, each.target_reason) == (each.logged_verdict, each.logged_reason)
        assert (each.item_id, each.target_item_id) == ((decision.item_ids or [""])[0],) * 2
        assert each.target_propensity == each.logged_propensity > 0.0
        assert each.target_utility == each.logged_utility
        assert (each.log_rate, each.user_id, each.command_id) == (1.0, decision.user_id, decision.command_id)


def test_what_a_push_is_expected_to_bring_is_the_models_word_and_the_mean_over_the_draw() -> None:
    (decision,), (each,) = sent_in_the_world()[:1], under(RULES, sent_in_the_world()[:1]).replayed
    opens, converts, chance = (by_item(decision, what) for what in ("p_open", "p_convert", "propensity"))
    assert each.logged_value == opens[each.item_id] * converts[each.item_id]
    assert each.target_value == pytest.approx(sum(chance[item] * opens[item] * converts[item] for item in chance))
    assert each.logged_utility == pytest.approx(sum(chance[item] * utility for item, utility in by_item(decision, "utility").items()))


def test_a_policy_that_asks_for_more_would_have_sent_nothing_of_it() -> None:
    result = under(other(send__min_score=5.0))
    assert {(each.target_verdict, each.target_reason) for each in result.replayed} == {("suppressed", "below_threshold")}
    assert {(each.target_propensity, each.target_value, each.target_utility, each.target_item_id) for each in result.replayed} == {
        (0.0, 0.0, 0.0, "")
    }


def test_a_policy_that_always_takes_the_best_would_have_sent_it_for_certain() -> None:
    result = under(other(exploration__temperature=0.0, exploration__uniform_share=0.0))
    for decision, each in zip(sent_in_the_world(), result.replayed, strict=True):
        assert each.target_item_id == decision.candidates[0].item_id
        assert each.target_propensity == float(each.item_id == each.target_item_id)
    assert {each.target_propensity for each in result.replayed} == {0.0, 1.0}


def test_values_are_of_one_model_whatever_the_other_policy_believes() -> None:
    """It thinks every push is opened three times as often, and still is expected to bring what the logging policy's model says."""
    convinced = other(utility__open__usual_score=-0.6)
    same, believed = under(RULES).replayed, under(convinced).replayed
    for one, each in zip(same, believed, strict=True):
        if each.target_verdict == "sent":
            assert each.logged_value == one.logged_value
            assert each.target_value < 1.5 * one.target_value
            assert each.target_utility > 1.5 * one.target_utility


def test_nothing_is_an_action_too() -> None:
    against = [each for each in decisions_of_the_world() if each.reason == "not_worth_it"]
    strict = under(RULES, against).replayed
    lavish = under(other(utility__least=-1.0, send_time__least_gain=1e9), against).replayed  # and never waits
    assert {(each.item_id, each.logged_propensity, each.target_propensity) for each in strict} == {("", 1.0, 1.0)}
    sent = [each for each in lavish if each.target_verdict == "sent"]
    assert sent == list(lavish)
    assert {(each.item_id, each.logged_propensity, each.target_propensity, each.logged_value) for each in sent} == {("", 1.0, 0.0, 0.0)}
    assert all(each.target_value > 0.0 and each.target_item_id for each in sent)


def test_where_candidates_were_not_looked_for_what_would_have_been_is_not_known() -> None:
    gap = [each for each in decisions_of_the_world() if each.reason == "min_gap"]
    result = under(other(gates__min_gap_ms=0, gates__ramp_up_gap_ms=0), gap)
    assert result.unknown["it would have looked at candidates or hours that were not looked at then"] > len(gap) / 2
    assert len(result.replayed) + result.unknown.total() == len(gap)


def test_a_longer_gap_holds_pushes_back_for_its_own_reason() -> None:
    result = under(other(gates__min_gap_ms=1000 * HOUR, gates__longest_deferral_ms=HOUR))
    reasons = Counter(each.target_reason for each in result.replayed)
    assert set(reasons) == {"", "min_gap", "pending"}
    assert reasons["min_gap"] > reasons["pending"]


def test_what_does_not_come_out_as_it_was_logged_is_left_out() -> None:
    changed_record, lost = (copy_of(sent_in_the_world()[number]) for number in range(2))
    changed_record.propensity = 0.123
    lost.policy_version = "lost"
    result = under(RULES, [changed_record, lost])
    assert result.replayed == []
    assert result.missing == {"it does not come out as it was logged": 1, "its policy is not known: default version lost": 1}


def test_the_pushes_are_what_off_policy_estimates_are_made_of() -> None:
    log = decisions_of_the_world()[-100:]
    pushes: list[Replayed] = under(RULES, log).pushes
    assert [each.command_id for each in pushes] == [each.command_id for each in log if each.item_ids] != []


def copy_of(decision: Decision) -> Decision:
    copy = Decision()
    copy.CopyFrom(decision)
    return copy
