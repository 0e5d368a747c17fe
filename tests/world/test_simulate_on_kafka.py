"""``kairos simulate`` as a program on a real broker: the catalogue, the stream, and reactions to pushes that really arrive."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flink_job.core.signals import Outcome
from kairos.contract.clients import open_consumer, open_producer
from kairos.contract.topics import ensure_topics
from kairos.local.kafka import EmbeddedKafka
from kairos.v1.item_pb2 import Item
from kairos.v1.push_pb2 import PushCommand
from kairos.v1.signal_pb2 import Signal

pytestmark = pytest.mark.kafka
DEADLINE_S = 60


@contextmanager
def simulation(kafka: EmbeddedKafka, prefix: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "kairos.cli.app", "simulate", "-b", kafka.bootstrap_servers, "--prefix", prefix, *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read(kafka: EmbeddedKafka, topic: str) -> Iterator[bytes]:
    """Values of a topic from its beginning, as they come; ends by failing when nothing comes for too long."""
    consumer = open_consumer(kafka.bootstrap_servers, group_id=None, auto_offset_reset="earliest")
    consumer.subscribe([topic])
    deadline = time.monotonic() + DEADLINE_S
    try:
        while time.monotonic() < deadline:
            for records in consumer.poll(200).values():
                for record in records:
                    yield record.value
    finally:
        consumer.close()
    pytest.fail(f"nothing more came from {topic} within {DEADLINE_S} s")


def test_pushes_are_reacted_to_on_kafka(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=2)
    # A thousand times as fast as life, else nobody would open anything for minutes.
    with simulation(kafka, topic_prefix, "--users", "300", "--items", "60", "--time-scale", "1000", "--json", "--plain") as process:
        items = []
        for value in read(kafka, topic_prefix + "items"):
            items.append(Item.FromString(value))
            if len(items) >= 40:
                break
        assert all(item.deleted or (item.features and item.texts[""].title) for item in items)

        first = next(Signal.FromString(value).interaction for value in read(kafka, topic_prefix + "interactions"))
        assert first.user_id.startswith("user-")
        assert abs(first.occurred_at_ms - time.time_ns() // 1_000_000) < 60_000

        with open_producer(kafka.bootstrap_servers) as producer:
            for number in range(600):
                command = PushCommand(
                    command_id=f"{number % 500:032x}",  # the last hundred a second time
                    user_id=f"user-{number % 500 % 300:06d}",
                    item_ids=[items[number % 40].item_id],
                )
                producer.send(topic_prefix + "pushes", command.SerializeToString(), command.user_id.encode())

        told: Counter[int] = Counter()
        for value in read(kafka, topic_prefix + "feedback"):
            feedback = Signal.FromString(value).feedback
            assert int(feedback.command_id, 16) < 500
            told[feedback.outcome] += 1
            if told[Outcome.ACCEPTED] >= 500 and told[Outcome.OPENED]:
                break
        for value in read(kafka, topic_prefix + "interactions"):
            interaction = Signal.FromString(value).interaction
            if interaction.command_id:
                assert interaction.context.referrer == "push"
                break

        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130, stderr
    totals = json.loads(stdout)
    assert (totals["pushes"], totals["duplicates"], totals["refused"]) == (600, 100, 0)
    assert totals["outcomes"]["accepted"] == told[Outcome.ACCEPTED] == 500
    assert totals["outcomes"]["opened"] >= 1
    assert totals["interactions"] > 0


def test_it_ends_by_itself_and_says_what_happened(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    with simulation(kafka, topic_prefix, "--users", "200", "--items", "50", "--lively", "--duration", "2s") as process:
        stdout, stderr = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, stderr
    assert stdout == ""
    assert "users active" in stderr.splitlines()[-1]


def test_what_cannot_be_is_refused_before_anything_is_written(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    with simulation(kafka, topic_prefix, "--scenario", "zoo") as process:
        _, stderr = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert "zoo" in stderr
    assert "shop, news, social, mixed" in stderr
