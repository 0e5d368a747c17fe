"""A stage on a real broker: what is written can be read, markers stand where they should, and time is the broker's."""

import time
from collections.abc import Iterator

import pytest

from benchmarks.stage import Stage, staged
from benchmarks.throughput import evaluate
from benchmarks.usage import Usage
from kairos.errors import KairosError
from kairos.local.kafka import EmbeddedKafka

pytestmark = pytest.mark.kafka


@pytest.fixture
def stage(kafka: EmbeddedKafka, topic_prefix: str) -> Iterator[Stage]:
    with staged(kafka.bootstrap_servers, topic_prefix.rstrip(".")) as stage:
        yield stage


def test_markers_stand_after_the_records_they_are_named_for(stage: Stage) -> None:
    stage.write("interactions", [(f"user-{number}", b"v%d" % number) for number in range(1, 6)], [2, 5])
    assert stage.end("interactions") == 7
    assert stage.values("interactions", 7) == [b"v1", b"v2", b"\xff", b"v3", b"v4", b"v5", b"\xff"]
    assert stage.end("pushes") == 0


def test_dead_letters_carry_the_time_of_the_broker(stage: Stage) -> None:
    before_ms = time.time_ns() // 1_000_000
    stage.write("dead-letters", [("a", b"1"), ("b", b"2")])
    after_ms = time.time_ns() // 1_000_000
    assert all(before_ms <= at_ms <= after_ms for at_ms in stage.times_ms("dead-letters"))


def test_a_rate_is_that_of_the_markers_after_the_warm_up(stage: Stage) -> None:
    markers = list(range(100, 1_300, 100))
    for number in range(12):
        stage.write("dead-letters", [("marker", b"%d" % number)])
    stage.write("pushes", [("user", b"push")] * 60)
    times_ms = stage.times_ms("dead-letters")
    usage = Usage(
        [times_ms[0] - 1.0, times_ms[-1] + 1.0], {"build": [0.0, 1.2], "broker": [0.0, 0.6]}, {"build": [10.0, 20.0], "broker": [1.0, 1.0]}
    )
    found = evaluate(stage, usage, markers, counted_from=0, complete=True, facts={})
    first = 2  # 25 % of 1,200 events is marker number 3
    assert found.events_counted == 900
    assert found.events_per_s == pytest.approx(900_000 / max(1, times_ms[-1] - times_ms[first]))
    assert found.push_share == 60 / 1_200
    assert found.cpu_us == pytest.approx(2 * found.broker_cpu_us)
    later = evaluate(stage, usage, markers, counted_from=800, complete=True, facts={})
    assert later.events_counted == 300
    assert later.push_share == 60 / 400


def test_too_few_markers_are_no_rate(stage: Stage) -> None:
    stage.write("dead-letters", [("marker", b"1")] * 3)
    usage = Usage([0.0, 1.0], {"build": [0.0, 1.0], "broker": [0.0, 1.0]}, {"build": [1.0, 1.0], "broker": [1.0, 1.0]})
    with pytest.raises(KairosError, match="Only 75 events came through"):
        evaluate(stage, usage, [25, 50, 75, 100], counted_from=0, complete=False, facts={})
