"""Experiments on the running job: arms follow what is released for them, and who was exposed to a difference is in the log."""

from collections.abc import Callable
from typing import Any

import pytest

from flink_job.codec.errors import reason_name
from flink_job.core.experiments import Experiments
from flink_job.core.rules import Layer, Rules
from flink_job.inprocess import InProcessRunner
from kairos.v1 import decision_pb2
from tests.codec.messages import item_record, policy_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import HOUR, MINUTE, SECOND, caps, plain_rules
from tests.harness.conftest import harness_settings
from tests.harness.harness import DECISIONS, OperatorHarness, Sent, dead_letters, decisions, pushes

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
SILENT = "send: {min_score: 5}"
TIMING = Layer("timing-1", {"control": 0.4, "silent": 0.4})
TASTE = Layer("taste-1", {"control": 0.5, "new": 0.5})
USERS = [f"user-{number}" for number in range(60)]


def rules(**changes: Any) -> Rules:
    changes.setdefault("experiments", {"timing": TIMING})
    return plain_rules(log__suppressed_share=0.0, **changes)


def arm_of(user: str, layer: Layer = TIMING) -> str:
    return Experiments({"layer": layer}, 0.0, "").arms_of(user)[0]


ANN = next(user for user in USERS if arm_of(user) == "silent")
BOB = next(user for user in USERS if arm_of(user) == "control")
CLEO = next(user for user in USERS if arm_of(user) == "")


@pytest.fixture
def stocked(make_harness: MakeHarness) -> OperatorHarness:
    harness = make_harness(rules=rules())
    harness.shared("mug", item_record())
    return harness


def publish(harness: OperatorHarness, document: str, arm: str = "", **fields: Any) -> list[Sent]:
    fields.setdefault("made_at_ms", harness.task.now_ms)
    return harness.shared(key(arm), policy_record(document, arm=arm, **fields), f"kairos.knowledge/2/0/{harness.task.now_ms}")


def key(arm: str = "") -> str:
    return f"policy/default/{arm}" if arm else "policy/default"


def view(harness: OperatorHarness, user: str) -> list[Sent]:
    harness.task.now_ms += 1
    event = f"event-{harness.metric('signals')}"
    return harness.signal(user, signal("interaction", event_id=event, user_id=user, occurred_at_ms=harness.task.now_ms))


def exposures(sent: list[Sent]) -> list[decision_pb2.Decision]:
    return [decision for decision in decisions(sent) if decision.verdict == decision_pb2.VERDICT_EXPOSED]


def test_users_of_an_arm_follow_what_was_released_for_it_and_all_others_the_policy(stocked: OperatorHarness) -> None:
    assert publish(stocked, SILENT, "timing/silent", version="s1") == []
    sent = {user: bool(pushes(view(stocked, user))) for user in USERS}
    assert sent == {user: arm_of(user) != "silent" for user in USERS}
    assert len(set(sent.values())) == 2


def test_decisions_name_the_arm_and_the_versions_they_were_taken_by(stocked: OperatorHarness) -> None:
    publish(stocked, "log: {suppressed_share: 1}", version="7", made_at_ms=AT - 1)
    publish(stocked, SILENT, "timing/silent", version="s1")
    for user, version, arms in ((ANN, "7+timing/silent@s1", {"timing": "silent"}), (BOB, "7", {"timing": "control"}), (CLEO, "7", {})):
        found = [each for each in decisions(view(stocked, user)) if each.verdict != decision_pb2.VERDICT_EXPOSED]
        assert [(each.policy_version, dict(each.arms)) for each in found] == [(version, arms)]


def test_a_push_names_the_arm_too(stocked: OperatorHarness) -> None:
    publish(stocked, SILENT, "timing/silent")
    (push,) = pushes(view(stocked, BOB))
    assert dict(push.decision.arms) == {"timing": "control"}
    assert (push.decision.policy_id, push.decision.score) == ("default", pytest.approx(push.decision.score))
    assert push.decision.decision_id == push.command_id


def test_an_experiment_whose_arms_do_not_differ_leaves_no_trace(stocked: OperatorHarness) -> None:
    for user in (ANN, BOB):
        sent = view(stocked, user)
        assert len(pushes(sent)) == 1
        assert [dict(decision.arms) for decision in decisions(sent)] == [{}]
    assert stocked.metric("exposures") == 0


def test_the_first_signal_under_arms_that_differ_is_logged_once_for_every_arm_and_whatever_share_the_log_has(
    stocked: OperatorHarness,
) -> None:
    view(stocked, ANN)
    publish(stocked, SILENT, "timing/silent", version="s1")
    for user, arm in ((ANN, "silent"), (BOB, "control")):
        (exposed,) = exposures(view(stocked, user))
        assert (exposed.user_id, dict(exposed.arms), exposed.decided_at_ms) == (user, {"timing": arm}, stocked.task.now_ms)
        assert (exposed.log_rate, exposed.reason) == (1.0, "")
        assert exposures(view(stocked, user)) == []
    assert exposures(view(stocked, CLEO)) == []
    assert stocked.metric("exposures") == 2


def test_feedback_and_facts_are_signals_too(stocked: OperatorHarness) -> None:
    publish(stocked, SILENT, "timing/silent")
    sent = stocked.signal(ANN, signal("feedback", user_id=ANN, occurred_at_ms=AT))
    assert len(exposures(sent)) == 1
    sent = stocked.signal(BOB, signal("user_update", user_id=BOB, occurred_at_ms=AT, push_consent=True))
    assert len(exposures(sent)) == 1


def test_a_wake_up_exposes_as_well(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=rules(triggers={"view": 10 * MINUTE}))
    harness.shared("mug", item_record())
    view(harness, ANN)
    publish(harness, SILENT, "timing/silent")
    sent = harness.advance_to(AT + HOUR)
    assert (len(exposures(sent)), pushes(sent)) == (1, [])
    assert exposures(view(harness, ANN)) == []


def test_an_erased_user_is_not_exposed(stocked: OperatorHarness) -> None:
    publish(stocked, SILENT, "timing/silent")
    assert stocked.signal(ANN, signal("user_update", user_id=ANN, occurred_at_ms=AT, erase=True)) == []


def test_what_is_read_again_after_a_crash_exposes_under_the_same_id(stocked: OperatorHarness, make_harness: MakeHarness) -> None:
    publish(stocked, SILENT, "timing/silent")
    snapshot = stocked.snapshot()
    (before,) = exposures(view(stocked, ANN))
    (after,) = exposures(view(make_harness(snapshot, rules=rules()), ANN))
    assert after.decision_id == before.decision_id


def test_users_are_exposed_anew_when_the_arms_change(stocked: OperatorHarness) -> None:
    publish(stocked, SILENT, "timing/silent")
    (before,) = exposures(view(stocked, ANN))
    stocked.task.now_ms += HOUR
    publish(stocked, "send: {min_score: 4}", "timing/silent", version="3")
    (after,) = exposures(view(stocked, ANN))
    assert after.decision_id != before.decision_id


def test_the_holdout_is_in_no_arm(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=rules(gates__holdout_share=1.0))
    publish(harness, SILENT, "timing/silent")
    assert all(decisions(view(harness, user)) == [] for user in USERS)
    assert harness.metric("exposures") == 0


def test_layers_are_followed_together(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=rules(experiments={"timing": TIMING, "taste": TASTE}))
    harness.shared("mug", item_record())
    publish(harness, SILENT, "timing/silent")
    publish(harness, "gates: {min_gap_ms: 3600000}", "taste/new")
    for user in USERS:
        timing, taste = arm_of(user), arm_of(user, TASTE)
        first = view(harness, user)
        (exposed,) = exposures(first)
        assert dict(exposed.arms) == {layer: arm for layer, arm in (("timing", timing), ("taste", taste)) if arm}
        assert len(pushes(first)) == (timing != "silent")
        if timing != "silent":
            view(harness, user)
            assert bool(harness.task.timers & {(at_ms, user) for at_ms, _ in harness.task.timers}) == (taste == "new")


def test_a_layer_and_its_arms_may_come_with_a_release_and_in_any_order(make_harness: MakeHarness) -> None:
    experiment = "experiments: {wording: {salt: wording-1, arms: {control: 0.5, loud: 0.5}}}"
    for order in ((0, 1), (1, 0)):
        harness = make_harness(rules=rules(experiments={}))
        harness.shared("mug", item_record())
        records = [("", experiment), ("wording/loud", SILENT)]
        for number in order:
            arm, document = records[number]
            assert publish(harness, document, arm) == []
        assert harness.metric("arms_idle") == 0
        loud = {user for user in USERS if arm_of(user, Layer("wording-1", {"control": 0.5, "loud": 0.5})) == "loud"}
        assert {user for user in USERS if not pushes(view(harness, user))} == loud != set()


def test_an_arm_that_no_layer_names_waits_for_one(stocked: OperatorHarness) -> None:
    assert publish(stocked, SILENT, "other/arm") == []
    assert stocked.metric("arms_idle") == 1
    assert all(len(pushes(view(stocked, user))) == 1 for user in USERS[:5])


REFUSED = {
    "gates: {min_gap_ms: -1}": "policy.document: gates: min_gap_ms: must not be negative",
    "send: {min_scor: 1}": "policy.document: send.min_scor: there is no such key",
    "memory: {recent_items: 5}": "policy.document: memory.recent_items: must be the same for all users",
    "gates: {holdout_share: 0.5}": "policy.document: gates.holdout_share: must be the same for all users",
    "experiments: {}": "policy.document: experiments: must be the same for all users",
    "version: other": "policy.version: is 2, but the document says other",
}


@pytest.mark.parametrize("document", REFUSED)
def test_an_arm_that_cannot_be_followed_is_a_dead_letter_and_its_users_follow_the_policy(stocked: OperatorHarness, document: str) -> None:
    (letter,) = dead_letters(publish(stocked, document, "timing/silent"))
    assert reason_name(letter.reason) == "invalid_field"
    assert letter.detail.startswith(REFUSED[document])
    assert stocked.metric("policy_refused") == 1
    assert len(pushes(view(stocked, ANN))) == 1
    assert stocked.metric("exposures") == 0


def test_two_layers_that_change_the_same_setting_are_not_both_followed(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=rules(experiments={"timing": TIMING, "taste": TASTE}))
    publish(harness, "gates: {quiet_hours: {smear_ms: 5}}", "timing/silent")
    (letter,) = dead_letters(publish(harness, "gates: {quiet_hours: {smear_ms: 7}}", "taste/new"))
    assert "gates.quiet_hours.smear_ms: is changed by the arms of layer timing too" in letter.detail
    assert harness.metric("arms_idle") == 1


def test_too_many_combinations_are_not_followed(make_harness: MakeHarness) -> None:
    """Two layers of nine arms: 9 x (9 + none) = 90."""
    arms = {f"arm-{number}": 0.1 for number in range(9)}
    harness = make_harness(rules=rules(experiments={"one": Layer("one", arms), "two": Layer("two", arms)}))
    sent: list[Sent] = []
    for layer, setting in (("one", "send: {min_score: 0}"), ("two", "gates: {min_gap_ms: 0}")):
        for arm in arms:
            sent += publish(harness, setting, f"{layer}/{arm}")
    letters = dead_letters(sent)
    assert letters
    assert "combinations of arms, at most 64 are followed" in letters[-1].detail
    assert harness.metric("arms_idle") == 9


def test_an_arm_that_fits_only_a_later_policy_is_followed_from_then_on(make_harness: MakeHarness) -> None:
    """Sixty pushes cannot be counted by a memory of ten; they can by the one that is released next."""
    harness = make_harness(rules=rules(memory__sent_pushes=10))
    harness.shared("mug", item_record())
    (letter,) = dead_letters(publish(harness, "{gates: {caps: [{count: 60, window_ms: 1000}]}, send: {min_score: 5}}", "timing/silent"))
    assert "60 pushes cannot be counted" in letter.detail
    assert len(pushes(view(harness, ANN))) == 1
    publish(harness, "memory: {sent_pushes: 64}")
    assert harness.metric("arms_idle") == 0
    assert pushes(view(harness, ANN)) == []


def test_arms_are_restored_with_the_policy(stocked: OperatorHarness, make_harness: MakeHarness) -> None:
    publish(stocked, SILENT, "timing/silent", version="s1")
    view(stocked, ANN)
    restored = make_harness(stocked.snapshot(), rules=rules())
    assert view(restored, ANN) == []
    assert len(exposures(view(restored, BOB))) == 1


def test_an_arm_that_is_withdrawn_ends_the_experiment(stocked: OperatorHarness) -> None:
    publish(stocked, SILENT, "timing/silent")
    stocked.task.now_ms += SECOND
    stocked.shared(key("timing/silent"), None, f"kairos.knowledge/2/1/{stocked.task.now_ms}")
    sent = view(stocked, ANN)
    assert len(pushes(sent)) == 1
    assert [dict(decision.arms) for decision in decisions(sent)] == [{}]


def test_an_arm_for_later_is_followed_from_its_moment_on(stocked: OperatorHarness) -> None:
    publish(stocked, SILENT, "timing/silent", effective_at_ms=AT + HOUR)
    assert exposures(view(stocked, ANN)) == []
    stocked.advance_to(AT + HOUR)
    assert len(exposures(view(stocked, ANN))) == 1
    assert pushes(view(stocked, ANN)) == []


def test_the_in_process_runner_draws_the_same_arms(stocked: OperatorHarness) -> None:
    runner = InProcessRunner(harness_settings(rules=rules()))
    runner.load([("mug", item_record())])
    record = policy_record(SILENT, arm="timing/silent")
    assert runner.load_knowledge([(key("timing/silent"), record)], AT) == []
    publish(stocked, SILENT, "timing/silent")
    log = [(user, signal("interaction", event_id=f"e-{user}", user_id=user, occurred_at_ms=AT + 1), AT + 1) for user in USERS]
    stocked.task.now_ms = AT + 1
    ours = [record for user, payload, _ in log for record in stocked.signal(user, payload)]
    theirs = list(runner.run(log))
    assert sorted(ours, key=repr) == sorted(theirs, key=repr)
    assert sum(topic == DECISIONS for topic, _, _ in ours) > 0


def test_combinations_are_bounded_and_made_when_somebody_has_them(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=rules(gates__caps=caps((8, HOUR))))
    publish(harness, SILENT, "timing/silent")
    policies = harness.operator._engine._policies._policies
    assert len(policies._by_arms) == 0
    for user in USERS:
        view(harness, user)
    assert set(policies._by_arms) == {("silent",), ("control",), ("",)}
    assert len({id(policy.push) for policy in policies._by_arms.values()}) == 2
