"""Stopped with a savepoint and resumed twice: as it was, then with more tables, learning, and two TaskManagers. Nobody can tell by what it says."""

import time
from pathlib import Path

import pytest

from kairos.local.cluster import FlinkCluster
from kairos.local.kafka import EmbeddedKafka
from tests.e2e.support import grown_job
from tests.e2e.support.expected import assert_repeated_alike, assert_same_by_id, catalogue_size, in_process
from tests.e2e.support.job import JobUnderTest, await_counts, await_decisions, decisions_of, left_behind, pushes_of
from tests.e2e.support.log import CART_DELAY_MS, make_items, make_log

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(500)]

PART = 2000


def test_the_state_is_there_after_a_savepoint_also_when_the_plan_has_grown(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    overlay = {"policy": left_behind(cart_ms=CART_DELAY_MS, favourite_ms=20_000), "job": {"parts": ["decide"]}}
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, overlay)
    now_ms = time.time_ns() // 1_000_000
    items = make_items(300, now_ms)
    job.publish_items(items)
    log = make_log(3 * PART, 600, 300, start_ms=now_ms, span_ms=20_000)
    expected = in_process(job.config, items, log)
    first, second, third = log[:PART], log[PART : 2 * PART], log[2 * PART :]
    with job.reader("pushes") as pushes, job.reader("decisions") as decisions:
        with job.on(cluster) as job_id:
            job.await_canaries(pushes)
            job.publish_log(first)
            job.await_canaries(pushes)
            savepoint = cluster.rest.stop_with_savepoint(job_id, cluster.savepoints)
        seen = len(pushes_of(pushes))
        assert 0 < seen < len(expected.pushes)

        job.publish_log(second)  # waits in Kafka: it is what the resumed job reads first
        with job.on(cluster, savepoint=savepoint) as job_id:
            job.await_canaries(pushes)
            restored = {"catalogue_items": catalogue_size(job.config, items), "items_changed": 0, "items_outdated": 0, "warming_up": 0}
            await_counts(job, cluster, job_id, restored)  # nothing was read a second time
            savepoint = cluster.rest.stop_with_savepoint(job_id, cluster.savepoints)

        grown = job.config_file.read_text().replace("parallelism: 1", "parallelism: 2").replace("  - decide\n", "  - decide\n  - learn\n")
        assert "learn" in grown
        job.config_file.write_text(grown)
        job.publish_log(third)
        with job.on(cluster, "-py", grown_job.__file__, savepoint=savepoint):
            await_decisions(decisions, expected)
            job.await_canaries(pushes)
            pushes.read_to_end()
            decisions.read_to_end()
    # A wake-up may fire between the snapshot and the end of the task, and then fires again in the resumed job.
    assert_same_by_id(expected, assert_repeated_alike(pushes_of(pushes)))
    assert decisions_of(decisions).keys() == expected.decisions.keys()
