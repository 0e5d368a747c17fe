"""A catalogue that is empty, late, or still being read is no error: users get their pushes when there is something to push."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from kairos.job.counts import read_counts
from kairos.local.cluster import FlinkCluster
from kairos.local.kafka import EmbeddedKafka
from tests.e2e.support.expected import catalogue_size
from tests.e2e.support.job import JobUnderTest, await_counts, decisions_of, look, pushes_of
from tests.e2e.support.log import make_items

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(400)]

USERS = [f"user-{number}" for number in range(1, 60)]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_an_empty_catalogue_gives_a_reason_and_a_late_one_pushes(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    overlay = {"policy": {"gates": {"holdout_share": 0, "rescore_after_ms": 0}}}
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, overlay)
    with job.on(cluster) as job_id, job.reader("pushes") as pushes, job.reader("decisions") as decisions:
        job.publish_log([look(user, "item-1", now_ms()) for user in USERS])
        decisions.read_until(lambda: decisions_of(decisions).total() == len(USERS), "everybody was decided about", deadline_s=90)
        assert {decided[3] for decided in decisions_of(decisions)} == {"no_candidate"}

        items = make_items(120, now_ms())
        job.publish_items(items)
        await_counts(job, cluster, job_id, {"catalogue_items": catalogue_size(job.config, items)})
        job.publish_log([look(user, "item-2", now_ms(), event="second") for user in USERS])
        pushes.read_until(lambda: len(pushes_of(pushes)) == len(USERS), "everybody got a push", deadline_s=60)
        assert cluster.rest.restarts(job_id) == 0
        assert read_counts(cluster.rest, job_id)["wake_ups_set"] == 0  # nothing was put off: there was nothing to wait for


def test_decisions_wait_for_the_catalogue_that_was_there_at_the_start(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    overlay = {"policy": {"gates": {"holdout_share": 0}}, "catalogue": {"warm_up_retry_ms": 200, "warm_up_timeout_ms": 600_000}}
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, overlay)
    feed = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": f"{topic_prefix}feed"})
    feed.init_transactions(30)
    feed.begin_transaction()
    for item_id, payload in make_items(120, now_ms()):
        feed.produce(job.config.topic("items"), key=item_id, value=payload)
    feed.flush(30)  # they are there, but nobody may read them yet
    with job.on(cluster) as job_id, job.reader("pushes") as pushes, job.reader("decisions") as decisions:
        job.publish_log([look(user, "item-1", now_ms()) for user in USERS])
        held = {(user, "VERDICT_DEFERRED", "warm_up") for user in USERS}
        decisions.read_until(
            lambda: held <= {decided[1:4] for decided in decisions_of(decisions)}, "everybody's decision was put off", deadline_s=90
        )
        assert not pushes_of(pushes)

        feed.commit_transaction(30)
        pushes.read_until(lambda: len(pushes_of(pushes)) >= len(USERS), "everybody got a push", deadline_s=60)
        job.await_canaries(pushes)
        assert sorted(push.user_id for push in pushes_of(pushes)) == sorted(USERS)
        assert {push.cause_id for push in pushes_of(pushes)} == {f"look-{user}" for user in USERS}
        assert cluster.rest.restarts(job_id) == 0
