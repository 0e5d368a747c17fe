"""`kill -9` of a TaskManager half way through a log: what comes out is what would have come out."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kairos.local.cluster import FlinkCluster
from kairos.local.kafka import EmbeddedKafka
from tests.e2e.support.expected import assert_repeated_alike, assert_same_by_id, catalogue_size, in_process
from tests.e2e.support.faults import kill_and_replace
from tests.e2e.support.job import JobUnderTest, await_counts, await_decisions, decisions_of, left_behind, pushes_of
from tests.e2e.support.log import CART_DELAY_MS, make_items, make_log
from tests.e2e.support.topics import TopicReader

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(500)]

SIGNALS, PER_SECOND = 20_000, 1500
SINCE_CHECKPOINT = 100
"""Pushes seen since the last checkpoint when the TaskManager dies: they will be decided a second time."""


@pytest.mark.parametrize("delivery", ["at-least-once", "exactly-once"])
def test_a_killed_taskmanager_costs_no_push_and_adds_none(
    delivery: str, cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    overlay = {
        "job": {"delivery": delivery, "parallelism": 2, "checkpoint_interval_ms": 3000},
        "policy": left_behind(cart_ms=CART_DELAY_MS, favourite_ms=20_000),
    }
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, overlay)
    now_ms = time.time_ns() // 1_000_000
    items = make_items(300, now_ms)
    job.publish_items(items)
    with (
        job.on(cluster) as job_id,
        job.reader("pushes") as pushes,
        job.reader("pushes", committed=False) as written,
        job.reader("decisions") as decisions,
        ThreadPoolExecutor(1) as publisher,
    ):
        job.await_canaries(pushes)
        log = make_log(SIGNALS, 2000, 300, start_ms=time.time_ns() // 1_000_000, span_ms=20_000)
        expected = in_process(job.config, items, log)
        publishing = publisher.submit(job.publish_log, log, per_second=PER_SECOND)
        await_half_way(cluster, job_id, written, len(expected.pushes) // 2)
        kill_and_replace(cluster, job_id)
        publishing.result(timeout=60)

        await_decisions(decisions, expected)
        job.await_canaries(pushes)
        for reader in (pushes, written, decisions):
            reader.read_to_end()
        found, seen = pushes_of(pushes), pushes_of(written)
        assert len(seen) > len(expected.pushes), "nothing was decided twice: the crash came too soon after a checkpoint to show anything"
        assert_same_by_id(expected, assert_repeated_alike(found))
        assert decisions_of(decisions).keys() == expected.decisions.keys()
        if delivery == "exactly-once":
            assert len(found) == len(expected.pushes)
            assert decisions_of(decisions) == expected.decisions
        await_counts(job, cluster, job_id, {"catalogue_items": 2 * catalogue_size(job.config, items)})  # the metrics are back


def await_half_way(cluster: FlinkCluster, job_id: str, written: TopicReader, half: int) -> None:
    """Until half of the pushes were written, and some of them after the last checkpoint."""
    checkpoints, at_checkpoint = -1, 0

    def reached() -> bool:
        nonlocal checkpoints, at_checkpoint
        completed = cluster.rest.completed_checkpoints(job_id)
        if completed != checkpoints:
            checkpoints, at_checkpoint = completed, len(written.records)
        return len(written.records) >= max(half, at_checkpoint + SINCE_CHECKPOINT)

    written.read_until(reached, f"{half} pushes were written", deadline_s=120)
