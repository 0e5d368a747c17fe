"""Every decision comes out as it was decided, bit for bit, from its record alone; and a bit that is changed shows."""

from collections import Counter
from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_job.core.rules import Rules
from kairos.decisions.again import NotReplayable, counterpart, taken_again
from kairos.decisions.policies import KnownPolicies
from kairos.decisions.replay import Comparison, compare, verdict_name
from kairos.v1.decision_pb2 import Decision
from kairos.v1.item_pb2 import Item
from tests.core.policies import MINUTE, SECOND, changed
from tests.decisions.logs import (
    AFTER_MS,
    KINDS,
    OFTEN,
    Step,
    decisions_of_the_world,
    log_of,
    replayable_config,
    sent_in_the_world,
    world_log,
)

CONFIG = replayable_config()
RULES = CONFIG.policy


def replayed(decisions: list[Decision], rules: Rules = RULES) -> Comparison:
    return compare(decisions, KnownPolicies(rules, ()), CONFIG.learning)


def test_three_days_under_the_whole_policy_come_out_as_they_were_decided() -> None:
    comparison = replayed(decisions_of_the_world())
    assert (comparison.different, comparison.missing, comparison.fields) == (0, Counter(), Counter())
    assert comparison.by_verdict["sent"] > 30
    assert comparison.by_verdict["deferred"] > 30
    assert comparison.by_verdict["suppressed"] > 100


def test_all_that_a_decision_reads_is_among_what_came_out_the_same() -> None:
    """Or the test above would compare the easy ones."""
    log = decisions_of_the_world()
    woken = [each for each in log if each.inputs.wake_at_ms]
    assert {verdict_name(each) for each in woken} == {"sent", "suppressed", "deferred"}
    assert any(len(each.slots) > 1 for each in log if each.item_ids)
    assert any(each.reason == "better_time" for each in log)
    assert any(0 < each.propensity < 0.9 for each in log if each.item_ids)
    assert any(candidate.diversity not in (0.0, 1.0) for each in log for candidate in each.candidates)
    assert any(finding.p_open for each in log for finding in each.inputs.findings)
    assert any(hours.everybody for each in log for hours in each.inputs.hours)
    assert any(finding.only for each in log for finding in each.inputs.findings)
    assert any(not each.inputs.HasField("user") for each in log)
    assert {source.source for each in log for finding in each.inputs.findings for source in finding.sources} >= {
        *("interest", "neighbour", "category", "fresh", "trending", "together", "unfinished"),
    }


def test_decisions_with_a_bonus_for_what_is_little_known_come_out_as_they_were_decided_where_there_is_none() -> None:
    """The bonus is in the rates that are logged, so nothing but the record is needed; their propensities still sum to one."""
    log = [Decision.FromString(each) for each in world_log(open_bonus=2.0, days=1)]
    some = [each for each in log if each.reason not in OFTEN]
    comparison = replayed(some)
    assert (comparison.different, comparison.missing, comparison.fields) == (0, Counter(), Counter())
    noted = [np.frombuffer(finding.p_open, "<f8") for each in some for finding in each.inputs.findings if finding.p_open]
    prior = CONFIG.learning.outcomes.prior_open
    assert max(rates.max() for rates in noted) > prior + sqrt(prior * (1 - prior) / (5 / prior + 1)), "nothing was raised by one deviation"
    sent = [each for each in some if each.item_ids and each.candidates]
    assert all(sum(candidate.propensity for candidate in each.candidates) == pytest.approx(1.0) for each in sent)
    assert comparison.by_verdict["sent"] == len(sent) > 0


def test_a_record_that_went_through_json_comes_out_the_same() -> None:
    log = sent_in_the_world()[:20]
    assert replayed([json_format.Parse(json_format.MessageToJson(each), Decision()) for each in log]).equal == 20


late_records = st.lists(
    st.tuples(
        st.sampled_from(AFTER_MS),
        st.sampled_from([0, 0, 0, SECOND, 5 * MINUTE, 60 * MINUTE]),
        st.booleans(),
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(KINDS),
        st.integers(0, 60),
        st.integers(0, 13),
    ),
    min_size=5,
    max_size=40,
)


@settings(max_examples=25)
@given(steps=late_records)
def test_whatever_comes_in_whatever_order_is_taken_again_as_it_was(steps: list[Step]) -> None:
    lavish = {"gates.holdout_share": 0.0, "gates.ramp_up_gap_ms": 0, "gates.min_gap_ms": 10 * MINUTE, "diversity.digest_items": 3}
    rules = changed(RULES, lavish)
    log = log_of(rules, steps)
    comparison = replayed(log, rules)
    assert (comparison.differing, comparison.missing) == ([], Counter())


@pytest.mark.parametrize(
    ("after_ms", "order"),
    [(60 * MINUTE + 10 * SECOND, ["event-1", "event-2"]), (90 * MINUTE, ["event-2", "event-1"])],
    ids=["overtaken", "missed"],
)
def test_one_record_may_decide_what_waited_and_what_it_brings_itself(after_ms: int, order: list[str]) -> None:
    """The cart's wake-up was due before the signal, and its timer had not fired."""
    rules = changed(RULES, {"gates.holdout_share": 0.0})
    cart: Step = (0, 0, True, "ann", "cart", 1, 3)
    later: Step = (after_ms, 0, False, "ann", "view", 2, 5)
    log = log_of(rules, [cart, later])
    assert [each.cause_id for each in log[-2:]] == order
    assert log[-1].inputs == log[-2].inputs
    assert replayed(log, rules).equal == len(log)


def test_what_is_read_otherwise_comes_out_otherwise() -> None:
    """One bit of the best candidate's record: the sign of its largest feature."""
    decision = copy_of(sent_in_the_world()[0])
    item = item_of(decision, decision.candidates[0].item_id)
    largest = int(np.abs(np.frombuffer(item.features, "<f4")).argmax())
    item.features = item.features[: 4 * largest + 3] + bytes([item.features[4 * largest + 3] ^ 0x80]) + item.features[4 * largest + 4 :]
    comparison = replayed([decision])
    assert comparison.different == 1
    assert comparison.differing[0].first.field.startswith("candidates[0].")


CHANGES: list[tuple[str, Callable[[Decision], object]]] = [
    ("candidates[0].score", lambda each: setattr(each.candidates[0], "score", each.candidates[0].score + 2**-40)),
    ("candidates[1].item_id", lambda each: setattr(each.candidates[1], "item_id", "another")),
    ("candidates[4]", lambda each: each.candidates.pop()),
    ("verdict", lambda each: setattr(each, "verdict", 2)),
    ("item_ids[0]", lambda each: each.item_ids.__setitem__(0, each.candidates[1].item_id + "x")),
    ("propensity", lambda each: setattr(each, "propensity", 0.5)),
    ("candidates_by_source[fresh]", lambda each: each.candidates_by_source.update(fresh=7)),
    ("utility_terms[gain]", lambda each: each.utility_terms.update(gain=0.25)),
    ("decision_number", lambda each: setattr(each, "decision_number", 1_000)),
    ("gates[0].passed", lambda each: setattr(each.gates[0], "passed", False)),
]


@pytest.mark.parametrize(("field", "change"), CHANGES, ids=[field for field, _ in CHANGES])
def test_what_was_logged_otherwise_is_named_by_its_field(field: str, change: Callable[[Decision], object]) -> None:
    decision = copy_of(next(each for each in sent_in_the_world() if len(each.candidates) == 5))
    change(decision)
    assert list(replayed([decision]).fields) == [field]


def test_another_policy_under_the_same_name_is_found_out() -> None:
    log = sent_in_the_world()
    comparison = replayed(log, changed(RULES, {"send.min_score": 2.0}))
    assert comparison.equal == 0
    assert comparison.fields["verdict"] + comparison.fields["decision_id"] == len(log)


def test_without_the_record_of_what_was_sent_it_does_not_come_out() -> None:
    decision = copy_of(sent_in_the_world()[0])
    decision.inputs.items.remove(item_of(decision, decision.item_ids[0]))
    comparison = replayed([decision])
    assert comparison.equal == 0


def test_an_item_that_is_there_twice_has_two_places_and_cannot_be_read() -> None:
    decision = copy_of(sent_in_the_world()[0])
    decision.inputs.items.append(decision.inputs.items[0])
    assert replayed([decision]).missing == {"its inputs cannot be read": 1}


def test_what_was_held_back_while_the_catalogue_was_read_is_held_back_again() -> None:
    rules = changed(RULES, {"gates.holdout_share": 0.0})
    log = log_of(rules, [(0, 0, True, "ann", "view", 1, 3), (1, 0, True, "bob", "view", 2, 3)], shared_ends={"kairos.items/0": 99})
    assert [each.reason for each in log] == ["warm_up", "warm_up"]
    assert all(each.inputs.hold_until_ms == each.wake_at_ms > each.decided_at_ms for each in log)
    assert replayed(log, rules).equal == 2


def test_why_a_decision_cannot_be_taken_again_is_said() -> None:
    without, unknown, newer, cut = (copy_of(sent_in_the_world()[number]) for number in range(4))
    without.ClearField("inputs")
    unknown.policy_version = "lost"
    newer.inputs.state_version = 99
    cut.inputs.findings[0].p_open = cut.inputs.findings[0].p_open[:8] or b"12345678"
    assert replayed([without, unknown, newer, cut]).missing == {
        "it has no inputs": 1,
        "its policy is not known: default version lost": 1,
        "its inputs cannot be read": 2,
    }


def test_a_wake_up_of_nobody_cannot_be_taken_again() -> None:
    decision = Decision(user_id="ann")
    decision.inputs.feature_dim, decision.inputs.wake_at_ms = 2, 5
    with pytest.raises(NotReplayable, match="cannot be read"):
        taken_again(decision, RULES, CONFIG.learning)


def test_a_decision_that_was_written_twice_counts_once_and_an_exposure_not_at_all() -> None:
    decision = sent_in_the_world()[0]
    assert replayed([decision, decision, Decision(decision_id="x", verdict=4)]).compared == 1


def test_the_counterpart_is_the_one_on_the_same_cause_at_the_same_moment() -> None:
    logged = Decision(decision_id="a", cause_id="c", decided_at_ms=5)
    moment = Decision(decision_id="b", cause_id="c", decided_at_ms=5)
    later = Decision(decision_id="a", cause_id="c", decided_at_ms=6)
    assert counterpart(logged, [later, moment]) is moment
    assert counterpart(logged, [later]) is later
    assert counterpart(logged, [Decision(decision_id="a", cause_id="d")]) is None


def test_the_records_in_it_are_the_catalogues_own() -> None:
    decision = sent_in_the_world()[0]
    items = {item.item_id: item for item in decision.inputs.items}
    assert isinstance(items[decision.item_ids[0]], Item)
    assert items[decision.item_ids[0]].texts
    assert {each.item_id for each in decision.candidates} <= items.keys()


def item_of(decision: Decision, item_id: str) -> Item:
    return next(item for item in decision.inputs.items if item.item_id == item_id)


def copy_of(decision: Decision) -> Decision:
    copy = Decision()
    copy.CopyFrom(decision)
    return copy
