"""The policy changes while the job runs on a real cluster: one release is followed, one that cannot be is a dead letter."""

import hashlib
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flink_job.codec.knowledge import policy_key
from kairos.cli.app import build
from kairos.local.cluster import FlinkCluster
from kairos.local.kafka import EmbeddedKafka
from kairos.v1 import decision_pb2, knowledge_pb2
from tests.e2e.support.job import JobUnderTest, dead_letters_of, look, pushes_of
from tests.e2e.support.log import make_items
from tests.e2e.support.topics import Outgoing, TopicReader, publish

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(400)]

USERS = [f"user-{number}" for number in range(1, 25)]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_release_is_followed_by_the_running_job_and_a_bad_one_is_refused(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    overlay = {"policy": {"gates": {"holdout_share": 0, "rescore_after_ms": 0, "min_gap_ms": 0}}}
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, overlay)
    job.publish_items(make_items(120, now_ms()))
    with (
        job.on(cluster) as job_id,
        job.reader("pushes") as pushes,
        job.reader("decisions") as decisions,
        job.reader("dead-letters") as letters,
    ):
        job.publish_log([look(user, "item-1", now_ms()) for user in USERS])
        pushes.read_until(lambda: len(pushes_of(pushes)) == len(USERS), "everybody got a push", deadline_s=90)
        assert {push.decision.policy_version for push in pushes_of(pushes)} == {"1"}

        publish(kafka.bootstrap_servers, [Outgoing(job.config.topic("knowledge"), policy_key("default").encode(), bad_release())])
        letters.read_until(lambda: bool(dead_letters_of(letters)), "the bad policy was refused", deadline_s=30)
        (letter,) = dead_letters_of(letters)
        assert letter.detail.startswith("policy.document: gates.caps.0: count: must be greater than 0, not -3")
        assert letter.source_key == "policy/default"

        strict = tmp_path / "strict.yaml"
        strict.write_text("send: {min_score: 5}\n", encoding="utf-8")
        command = ["policy", "publish", str(strict), "--config", str(job.config_file), "--version", "strict"]
        told = CliRunner().invoke(build(), command)
        assert told.exit_code == 0, told.output
        follows = until_followed(job, decisions, "strict")
        assert follows == {"below_threshold"}
        assert {push.decision.policy_version for push in pushes_of(pushes)} == {"1"}
        assert cluster.rest.restarts(job_id) == 0


def bad_release() -> bytes:
    document = "gates: {caps: [{count: -3, window_ms: 1000}]}"
    checksum = hashlib.sha256(document.encode()).digest()
    release = knowledge_pb2.PolicyRelease(policy_id="default", version="bad", document=document, checksum=checksum)
    return knowledge_pb2.Knowledge(made_at_ms=now_ms(), policy=release).SerializeToString()


def until_followed(job: JobUnderTest, decisions: TopicReader, version: str) -> set[str]:
    """Users look again and again until a decision names the version; then all of them once more: why nothing was sent to them."""
    rounds = iter(range(1000))

    def found() -> list[decision_pb2.Decision]:
        records = (decision_pb2.Decision.FromString(record.value or b"") for record in decisions.records)
        return [decision for decision in records if decision.policy_version == version]

    def one_is_there() -> bool:
        if not found():
            job.publish_log([look(USERS[0], "item-2", now_ms(), event=f"again-{next(rounds)}")])
        return bool(found())

    decisions.read_until(one_is_there, f"version {version} was followed", deadline_s=30)
    before = len(found())
    job.publish_log([look(user, "item-3", now_ms(), event="after") for user in USERS])
    decisions.read_until(lambda: len(found()) >= before + len(USERS), "everybody was decided about once more", deadline_s=30)
    return {decision.reason for decision in found()}
