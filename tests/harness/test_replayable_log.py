"""What goes into the decision log so that decisions can be taken again: of which, how much, and nothing where nothing is asked for."""

from collections.abc import Callable, Iterable

import pytest

from flink_job.core.ids import key_of
from flink_job.core.rules import Rules
from kairos.v1.decision_pb2 import Decision
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import HOUR, MINUTE, changed, default_rules, plain_rules
from tests.harness.harness import OperatorHarness, Snapshot, decisions

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
WHOLE = 1 << 64


def rules(**changes: object) -> Rules:
    return plain_rules(**{"log__suppressed_share": 1.0, "log__replayable_share": 1.0, "gates__min_gap_ms": HOUR, **changes})


def view(harness: OperatorHarness, event: str = "event-1", user: str = "ann", item: str = "mug") -> list[Decision]:
    return decisions(harness.signal(user, viewed(harness, event, user, item)))


def viewed(harness: OperatorHarness, event: str = "event-1", user: str = "ann", item: str = "mug") -> bytes:
    return signal("interaction", event_id=event, user_id=user, item_id=item, occurred_at_ms=harness.task.now_ms)


def stocked(harness: OperatorHarness, names: Iterable[str] = ("mug", "cup", "pot")) -> OperatorHarness:
    for number, name in enumerate(names):
        harness.shared(name, item_record(name, updated_at_ms=AT - number))
    return harness


def test_as_shipped_nothing_of_it_is_logged(make_harness: MakeHarness) -> None:
    assert default_rules().log.replayable_share == 0
    harness = stocked(make_harness(rules=rules(log__replayable_share=0.0)))
    assert not any(each.HasField("inputs") for number in range(5) for each in view(harness, f"event-{number}"))
    assert (harness.metric("inputs_logged"), harness.metric("inputs_too_large")) == (0, 0)


def test_a_push_and_a_decision_against_one_have_the_state_before_and_the_record_as_it_was_read(make_harness: MakeHarness) -> None:
    harness = stocked(make_harness(rules=rules()))
    (sent,) = view(harness)
    before = harness.blob("ann")
    assert before is not None
    harness.advance_to(AT + MINUTE)
    payload = viewed(harness, "event-2")
    (against,) = decisions(harness.signal("ann", payload, "kairos.interactions/7/8/9"))

    assert not sent.inputs.HasField("user"), "she was new"
    assert (sent.inputs.wall_ms, against.inputs.wall_ms) == (AT, AT + MINUTE)
    assert against.reason == "min_gap"
    assert against.inputs.user.SerializeToString(deterministic=True) == before[1:]
    assert (against.inputs.state_version, against.inputs.feature_dim) == (before[0], 2)
    assert against.inputs.signal.SerializeToString() == payload
    assert against.inputs.origin == "kairos.interactions/7/8/9"
    assert harness.metric("inputs_logged") == 2


def test_a_wake_up_has_its_moment_and_no_signal(make_harness: MakeHarness) -> None:
    harness = stocked(make_harness(rules=rules(triggers={"view": 5 * MINUTE})))
    view(harness)
    (woken,) = decisions(harness.advance_to(AT + 5 * MINUTE))
    assert woken.inputs.wake_at_ms == AT + 5 * MINUTE
    assert not woken.inputs.HasField("signal")
    assert woken.inputs.user.pending.due_ms == AT + 5 * MINUTE


def test_the_small_catalogue_has_what_was_found_and_what_the_user_knows(make_harness: MakeHarness) -> None:
    harness = stocked(make_harness(rules=rules()), ("mug", "cup", "pot", "far", "lid"))
    view(harness, "event-1", item="lid")
    harness.shared("lid", item_record("lid", updated_at_ms=AT + 1, stock=0))  # no source brings it any more
    harness.advance_to(AT + 2 * HOUR)
    (decision,) = view(harness, "event-2", item="cup")
    (finding,) = decision.inputs.findings
    found = {decision.inputs.items[place].item_id for source in finding.sources for place in source.places}
    assert "lid" not in found
    assert {item.item_id for item in decision.inputs.items} == found | {"lid"}
    assert dict(decision.candidates_by_source) == {source.source: len(source.places) for source in finding.sources}
    assert (finding.now_ms, finding.about, finding.only) == (AT + 2 * HOUR, 0, False)


def test_a_nudge_has_what_it_is_about(make_harness: MakeHarness) -> None:
    harness = stocked(make_harness(rules=rules()))
    (decision,) = decisions(harness.signal("ann", signal("nudge", item_id="pot", occurred_at_ms=AT)))
    assert decision.inputs.findings[0].about == key_of("pot")


def test_the_share_is_drawn_by_the_cause_and_is_part_of_those_that_are_logged(make_harness: MakeHarness) -> None:
    share = 0.3
    harness = stocked(make_harness(rules=rules(log__replayable_share=share, log__suppressed_share=0.6)))
    names = [f"event-{number}" for number in range(200)]
    logged = {each.cause_id: each for name in names for each in view(harness, name, user=f"user {name}")}
    logged |= {each.cause_id: each for name in names for each in view(harness, f"again-{name}", user=f"user {name}")}
    drawn = {name for name in (*names, *(f"again-{name}" for name in names)) if key_of(name) < share * WHOLE}
    assert {cause for cause, each in logged.items() if each.HasField("inputs")} == drawn
    assert 40 < len(drawn & set(names)) < 80
    assert {each.inputs.log_rate for each in logged.values() if each.HasField("inputs")} == {share}


def test_where_fewer_are_logged_than_are_to_be_replayable_the_rate_is_theirs(make_harness: MakeHarness) -> None:
    harness = stocked(make_harness(rules=rules(log__suppressed_share=0.25)))
    logged = [each for number in range(60) for each in view(harness, f"event-{number}")]
    assert {(bool(each.item_ids), each.inputs.log_rate) for each in logged} == {(True, 1.0), (False, 0.25)}


def test_what_would_be_too_large_is_logged_without_and_counted(make_harness: MakeHarness) -> None:
    harness = stocked(make_harness(rules=rules(log__replayable_bytes=100)))
    (sent,) = view(harness)
    assert sent.item_ids
    assert not sent.HasField("inputs")
    assert (harness.metric("inputs_logged"), harness.metric("inputs_too_large")) == (0, 1)


def test_after_a_restart_the_same_is_logged(make_harness: MakeHarness) -> None:
    """The order in which a catalogue comes is not that of before; all but the numbers of places is the same."""

    def logged(harness: OperatorHarness) -> bytes:
        (decision,) = view(harness, "event-2")
        decision.inputs.ClearField("origin")
        decision.catalogue_version = 0
        names = [item.item_id for item in decision.inputs.items]
        found = [(each.source, [names[place] for place in each.places]) for each in decision.inputs.findings[0].sources]
        del decision.inputs.findings[:], decision.inputs.items[:]
        return decision.SerializeToString(deterministic=True) + repr((sorted(names), found)).encode()

    harness = stocked(make_harness(rules=rules()))
    view(harness)
    harness.advance_to(AT + 2 * HOUR)
    snapshot: Snapshot = harness.snapshot()
    assert logged(make_harness(snapshot, rules=rules())) == logged(harness)


def test_nothing_is_noted_between_the_calls_that_were_drawn(make_harness: MakeHarness) -> None:
    """What is watched once must not be watched for ever: it would fill the memory."""
    harness = stocked(make_harness(rules=rules(log__replayable_share=0.3)))
    drawn = next(f"event-{number}" for number in range(99) if key_of(f"event-{number}") < 0.3 * WHOLE)
    view(harness, drawn)
    view(harness, drawn)  # a duplicate
    witness = harness.operator._engine._policies.policy_for("ann", AT).push.witness
    assert witness is not None
    assert not witness.watching
    noted = len(witness.findings)
    for number in range(100, 130):
        if key_of(f"event-{number}") >= 0.3 * WHOLE:
            view(harness, f"event-{number}", user=f"user {number}")
    assert len(witness.findings) == noted


@pytest.mark.parametrize(
    "explores",
    [
        {"exploration.temperature": 0.0, "exploration.uniform_share": 0.0},
        {"exploration.temperature": 0.05, "exploration.uniform_share": 0.0},
        {"exploration.temperature": 0.0, "exploration.uniform_share": 0.3, "exploration.uniform_top": 2},
        {"exploration.temperature": 0.2, "exploration.uniform_share": 0.05},
    ],
)
@pytest.mark.parametrize("by_utility", [False, True], ids=["by score", "by utility"])
def test_the_propensities_of_what_a_push_was_drawn_from_are_in_its_record_and_sum_to_one(
    make_harness: MakeHarness, explores: dict[str, float], *, by_utility: bool
) -> None:
    whole = changed(rules(utility__enabled=by_utility, utility__least=-1.0), explores)
    harness = make_harness(rules=whole)
    for number in range(9):
        angle = item_record(f"item {number}", updated_at_ms=AT - number, price=float(number), categories=[f"kind {number % 3}"])
        harness.shared(f"item {number}", angle)
    for number in range(20):
        (sent,) = view(harness, f"event-{number}", user=f"user {number}", item=f"item {number % 9}")
        propensities = {each.item_id: each.propensity for each in sent.candidates}
        assert len(propensities) == whole.candidates.listed
        assert sum(propensities.values()) == pytest.approx(1.0, abs=1e-12)
        assert all(value >= 0.0 for value in propensities.values())
        assert sent.propensity == propensities[sent.item_ids[0]] > 0.0
