"""The job on a Flink cluster inside one process: what it says with transactions, and with Python in processes of its own."""

import time
from pathlib import Path
from typing import Any

import pytest

from kairos.job.local_job import LocalJob
from kairos.local.kafka import EmbeddedKafka
from kairos.local.ports import free_port
from tests.e2e.support.expected import assert_same_decisions, assert_same_pushes, in_process
from tests.e2e.support.job import JobUnderTest, await_decisions, decisions_of, pushes_of
from tests.e2e.support.log import make_items, make_log

pytestmark = [pytest.mark.flink, pytest.mark.kafka, pytest.mark.timeout(400)]


@pytest.mark.parametrize(
    ("settings", "signals"),
    [
        pytest.param({"delivery": "exactly-once"}, 20_000, id="exactly-once"),
        pytest.param({"execution_mode": "process"}, 2000, id="process-mode"),
    ],
)
def test_the_job_gives_the_commands_of_the_in_process_run(
    settings: dict[str, Any], signals: int, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, {"job": settings})
    now_ms = time.time_ns() // 1_000_000
    items = make_items(300, now_ms)
    job.publish_items(items)
    log = make_log(signals, signals // 10, 300, start_ms=now_ms, span_ms=20_000)
    expected = in_process(job.config, items, log)
    with (
        LocalJob(tmp_path / "job", job.config_file, free_port()) as running,
        job.reader("pushes") as pushes,
        job.reader("decisions") as decisions,
    ):
        running.wait_until_running()
        job.await_canaries(pushes)
        job.publish_log(log)
        await_decisions(decisions, expected)
        job.await_canaries(pushes)
        pushes.read_to_end()
        decisions.read_to_end()
        assert running.rest.restarts(running.rest.the_job().id) == 0
    assert_same_pushes(expected, pushes_of(pushes))
    assert_same_decisions(expected, decisions_of(decisions))
