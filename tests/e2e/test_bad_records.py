"""Every kind of bad record there is, among good ones: each becomes a dead letter that says what, where and why, and nothing restarts."""

import time
from pathlib import Path

import numpy as np
import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from kairos.contract.clients import open_admin
from kairos.local.cluster import FlinkCluster
from kairos.local.kafka import EmbeddedKafka
from kairos.v1 import dead_letter_pb2, item_pb2, signal_pb2
from tests.e2e.support.job import JobUnderTest, await_counts, dead_letters_of, look, pushes_of
from tests.e2e.support.log import DIM, make_items
from tests.e2e.support.topics import Outgoing, Place, publish

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(400)]

DAY_MS = 86_400_000
NOW_MS = time.time_ns() // 1_000_000
Bad = tuple[str, bytes | None, bytes | None, str]
"""Topic, key, value, reason."""


def signal(user_id: str = "u", **changes: object) -> bytes:
    """A view of an item that is fine but for the changes."""
    fields = {"event_id": f"e-{user_id}", "user_id": user_id, "item_id": "item-1", "type": 1, "occurred_at_ms": NOW_MS}
    return signal_pb2.Signal(interaction=fields | changes).SerializeToString()


def item(item_id: str = "bad", features: bytes = np.ones(DIM, "<f4").tobytes()) -> bytes:
    """An item that is fine but for the features."""
    return item_pb2.Item(item_id=item_id, updated_at_ms=NOW_MS, features=features).SerializeToString()


def bad_signals() -> list[Bad]:
    feedback = signal_pb2.Signal(feedback={"feedback_id": "f", "user_id": "u", "outcome": 4, "occurred_at_ms": NOW_MS})
    outcome = signal_pb2.Signal(feedback={"feedback_id": "f", "user_id": "u", "command_id": "ab", "outcome": 99})
    trigger = signal_pb2.Signal(nudge={"nudge_id": "n", "user_id": "u", "trigger": 99})
    boost = signal_pb2.Signal(nudge={"nudge_id": "n", "user_id": "u", "item_id": "item-1", "boost": float("nan")})
    future_field = bytes([9 << 3 | 2, 1, 0])  # of a oneof that has grown since
    return [
        ("interactions", None, signal(), "NULL_KEY"),
        ("feedback", None, signal(), "NULL_KEY"),
        ("nudges", None, signal(), "NULL_KEY"),
        ("interactions", b"u", None, "NULL_VALUE"),
        ("interactions", None, None, "NULL_VALUE"),
        ("interactions", b"u", b"\xff" * 40, "MALFORMED"),
        ("interactions", b"u", b'{"user_id": "u", "type": "view"}', "MALFORMED"),
        ("interactions", b"u", signal()[:-3], "MALFORMED"),
        ("interactions", b"u", signal(query="x" * 300_000), "OVERSIZED"),
        ("interactions", b"u", b"", "UNKNOWN_KIND"),
        ("interactions", b"u", future_field, "UNKNOWN_KIND"),
        ("interactions", b"u", signal(occurred_at_ms=NOW_MS - 31 * DAY_MS), "TOO_LATE"),
        ("interactions", b"u", signal(occurred_at_ms=-(1 << 62)), "TOO_LATE"),
        ("interactions", b"u", signal(occurred_at_ms=NOW_MS + DAY_MS), "FUTURE"),
        ("interactions", b"u", signal(occurred_at_ms=(1 << 63) - 1), "FUTURE"),
        ("interactions", b"u", signal("somebody else"), "KEY_MISMATCH"),
        ("interactions", b"\xff\xfe", signal(), "KEY_MISMATCH"),
        ("interactions", b"u", signal(""), "MISSING_FIELD"),
        ("interactions", b"", signal(""), "MISSING_FIELD"),
        ("interactions", b"u", signal(type=999), "INVALID_FIELD"),
        ("interactions", b"u", signal(type=0), "INVALID_FIELD"),
        ("interactions", b"u" * 200, signal("u" * 200), "INVALID_FIELD"),
        ("interactions", b"u", signal(item_id="i" * 200), "INVALID_FIELD"),
        ("feedback", b"u", feedback.SerializeToString(), "MISSING_FIELD"),
        ("feedback", b"u", outcome.SerializeToString(), "INVALID_FIELD"),
        ("nudges", b"u", trigger.SerializeToString(), "INVALID_FIELD"),
        ("nudges", b"u", boost.SerializeToString(), "INVALID_FIELD"),
    ]


def bad_items() -> list[Bad]:
    not_a_number = np.full(DIM, np.nan, "<f4").tobytes()
    return [
        ("items", None, item(), "NULL_KEY"),
        ("items", None, None, "NULL_KEY"),
        ("items", b"", item(), "NULL_KEY"),
        ("items", b"bad", b"\xff" * 40, "MALFORMED"),
        ("items", b"bad", item(features=b"\0" * 8), "INVALID_FIELD"),
        ("items", b"bad", item(features=not_a_number), "INVALID_FIELD"),
        ("items", b"bad", item("another"), "KEY_MISMATCH"),
        ("items", b"bad", item(""), "MISSING_FIELD"),
        ("items", b"bad", item(features=b"\0" * 300_000), "OVERSIZED"),
    ]


def test_every_bad_record_becomes_a_dead_letter_and_good_ones_among_them_are_decided(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, {"policy": {"gates": {"holdout_share": 0}}})
    job.publish_items(make_items(28, NOW_MS))
    tombstone = Outgoing(topic_prefix + "items", b"item-13", None)  # no error
    bad = [*bad_items(), *bad_signals()]
    records = [Outgoing(topic_prefix + topic, key, value) for topic, key, value, _ in bad]
    places = [allow_null_keys(job, records[0]), *publish(kafka.bootstrap_servers, [*records[1:], tombstone])[:-1]]
    users = [f"user-{number}" for number in range(40)]
    with job.on(cluster) as job_id, job.reader("pushes") as pushes, job.reader("dead-letters") as dead_letters:
        job.await_canaries(pushes)
        looks = [look(user, "item-1", NOW_MS) for user in users]
        job.publish_log([*looks, *looks])  # each of them twice
        pushes.read_until(lambda: len(pushes_of(pushes)) >= len(users), "every good user got a push", deadline_s=60)
        job.await_canaries(pushes)
        for reader in (pushes, dead_letters):
            reader.read_to_end()

        letters = {(found.source_topic, found.source_partition, found.source_offset): found for found in dead_letters_of(dead_letters)}
        assert letters.keys() == set(places)
        assert len(dead_letters.records) == len(bad)
        for place, (topic, key, value, reason) in zip(places, bad, strict=True):
            letter = letters[place]
            assert dead_letter_pb2.DeadLetterReason.Name(letter.reason) == f"DEAD_LETTER_REASON_{reason}", f"{topic} {key!r}: {letter}"
            assert letter.detail, f"{topic} {key!r}: {letter}"
            assert letter.HasField("source_key") == (key is not None)
            assert letter.HasField("payload") == (value is not None)
            assert letter.payload == (value or b"")[:4096]
            assert letter.payload_size == len(value or b"")

        sent = pushes_of(pushes)
        assert sorted(push.user_id for push in sent) == sorted(users)
        assert "item-13" not in {push.item_ids[0] for push in sent}
        await_counts(job, cluster, job_id, {"suppressed_duplicate": len(users), "dead_letters": len(bad), "catalogue_items": 27})
        assert cluster.rest.restarts(job_id) == 0


def test_a_topic_of_garbage_fails_the_job_and_says_why(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    overlay = {"limits": {"dead_letter_sample": 100}, "job": {"restart_attempts": 2}}
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, overlay)
    with job.on(cluster) as job_id:
        publish(kafka.bootstrap_servers, [Outgoing(topic_prefix + "interactions", b"u", b"{}")] * 1000)
        assert cluster.rest.wait_until_ended(job_id) == "FAILED"
        assert "51 of the last 51 records were dead letters" in cluster.rest.root_exception(job_id)
        assert "limits.dead_letter_share" in cluster.rest.root_exception(job_id)


def allow_null_keys(job: JobUnderTest, without_key: Outgoing) -> Place:
    """A compacted topic refuses them; but not everybody's is compacted. Returns where the first one is: the broker needs a moment to change."""
    with open_admin(job.bootstrap_servers) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, job.config.topic("items"), {"cleanup.policy": "delete"})])
    deadline = time.monotonic() + 30
    while True:
        try:
            return publish(job.bootstrap_servers, [without_key])[0]
        except AssertionError:
            if time.monotonic() > deadline:
                raise
