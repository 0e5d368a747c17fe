"""The job on two TaskManagers says what the in-process runner says: every push, every decision against one, bit for bit."""

import time
from pathlib import Path

import pytest

from kairos.local.cluster import FlinkCluster
from kairos.local.kafka import EmbeddedKafka
from tests.e2e.support.expected import assert_same_decisions, assert_same_pushes, in_process
from tests.e2e.support.job import JobUnderTest, await_decisions, decisions_of, pushes_of
from tests.e2e.support.log import make_items, make_log

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(400)]


def test_the_job_on_two_taskmanagers_gives_the_commands_of_the_in_process_run(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, {"job": {"parallelism": 2}})
    now_ms = time.time_ns() // 1_000_000
    items = make_items(300, now_ms)
    job.publish_items(items)
    with (
        job.on(cluster) as job_id,
        job.reader("pushes") as pushes,
        job.reader("decisions") as decisions,
        job.reader("dead-letters") as dead_letters,
    ):
        job.await_canaries(pushes)
        log = make_log(20_000, 2000, 300, start_ms=now_ms, span_ms=20_000)
        job.publish_log(log)
        expected = in_process(job.config, items, log)
        assert expected.by_wake_up > 500
        await_decisions(decisions, expected)
        job.await_canaries(pushes)
        for reader in (pushes, decisions, dead_letters):
            reader.read_to_end()
        assert_same_pushes(expected, pushes_of(pushes))
        assert_same_decisions(expected, decisions_of(decisions))
        assert not dead_letters.records
        assert cluster.rest.restarts(job_id) == 0
