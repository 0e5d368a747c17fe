"""The operator writes what the in-process runner writes: the same log, the same records, whichever shell the engine is in."""

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flink_job.inprocess import InProcessRunner
from flink_job.settings import EngineSettings
from kairos.v1 import push_pb2
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, MINUTE, SECOND, caps, plain_rules
from tests.harness.conftest import harness_settings
from tests.harness.harness import PUSHES, OperatorHarness, Sent

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
ITEMS = [(f"item {number}", item_record(f"item {number}", updated_at_ms=AT - number)) for number in range(8)]
RULES = plain_rules(
    log__suppressed_share=1.0,
    triggers={"view": 0, "cart": 5 * MINUTE},
    gates__min_gap_ms=MINUTE,
    gates__caps=caps((4, 30 * MINUTE)),
    items__repeat_after_ms=30 * MINUTE,
)

Step = tuple[int, str, str, int, str]
"""(milliseconds since the step before, user, event id, kind, item)"""
steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, SECOND, 20 * SECOND, 3 * MINUTE, 20 * MINUTE]),
        st.sampled_from(["ann", "bob", "Ζωή"]),
        st.integers(0, 200).map("event-{}".format),
        st.sampled_from([1, 1, 1, 6, 6, 9]),
        st.sampled_from([name for name, _ in ITEMS]),
    ),
    min_size=5,
    max_size=60,
)


def in_process(given_settings: EngineSettings, log: list[Step]) -> list[Sent]:
    runner = InProcessRunner(given_settings)
    runner.load(ITEMS)
    now_ms, signals = AT, []
    for after_ms, user, event_id, kind, item_id in log:
        now_ms += after_ms
        payload = signal("interaction", event_id=event_id, user_id=user, type=kind, item_id=item_id, occurred_at_ms=now_ms)
        signals.append((user, payload, now_ms))
    return [*runner.run(signals), *runner.advance(now_ms + DAY)]


def in_the_operator(harness: OperatorHarness, log: list[Step]) -> list[Sent]:
    for item_id, payload in ITEMS:
        harness.shared(item_id, payload)
    sent: list[Sent] = []
    now_ms = AT
    for after_ms, user, event_id, kind, item_id in log:
        now_ms += after_ms
        sent += harness.advance_to(now_ms)
        payload = signal("interaction", event_id=event_id, user_id=user, type=kind, item_id=item_id, occurred_at_ms=now_ms)
        sent += harness.signal(user, payload)
    return sent + harness.advance_to(now_ms + DAY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(log=steps)
def test_the_operator_and_the_in_process_runner_write_the_same(make_harness: MakeHarness, log: list[Step]) -> None:
    ours = in_the_operator(make_harness(rules=RULES), log)
    theirs = in_process(harness_settings(rules=RULES), log)
    assert sorted(ours, key=repr) == sorted(theirs, key=repr)


def test_such_logs_lead_to_pushes_at_once_and_later(make_harness: MakeHarness) -> None:
    """Or the property above would compare silence with silence."""
    log = [(20 * SECOND, "ann", f"event-{number}", 6 if number % 20 == 3 else 1, f"item {number % 8}") for number in range(60)]
    sent = in_the_operator(make_harness(rules=RULES), log)
    found = [push_pb2.PushCommand.FromString(value) for topic, _, value in sent if topic == PUSHES]
    assert len(found) >= 4
    assert {push.decided_at_ms > push.caused_at_ms for push in found} == {True, False}
