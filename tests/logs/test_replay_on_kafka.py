"""``kairos replay`` as a user runs it, against a real broker."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import TopicPartition
from kafka.partitioner.default import murmur2
from typer.testing import CliRunner

from flink_job.codec.items import ItemDecoder
from flink_job.codec.signals import SignalDecoder, SignalLimits
from flink_job.config import load_config
from kairos.cli.app import build
from kairos.contract.clients import open_consumer
from kairos.local.kafka import EmbeddedKafka
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import Signal

pytestmark = pytest.mark.kafka

EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"
DEADLINE_S = 30.0


def read_all(kafka: EmbeddedKafka, topic: str) -> list[tuple[int, bytes, bytes]]:
    """(partition, key, value) of everything in a topic."""
    with open_consumer(kafka.bootstrap_servers, group_id=None) as consumer:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        left = sum(consumer.end_offsets(partitions).values())
        records: list[tuple[int, bytes, bytes]] = []
        deadline = time.monotonic() + DEADLINE_S
        while len(records) < left and time.monotonic() < deadline:
            for polled in consumer.poll(500).values():
                records += [(record.partition, record.key, record.value) for record in polled]
    return records


def test_the_example_arrives_whole_keyed_and_in_order(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    now_ms = time.time_ns() // 1_000_000
    where = ["--bootstrap-servers", kafka.bootstrap_servers, "--prefix", topic_prefix]
    log = [str(EXAMPLE / "events.csv"), "--log", str(EXAMPLE / "mapping.yaml")]
    result = CliRunner().invoke(build(), ["replay", *log, "--max", "--json", *where])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["events"], report["items"], sum(report["skipped"].values())) == (60, 12, 2)
    records = read_all(kafka, f"{topic_prefix}interactions")
    events = [Signal.FromString(value).interaction for _partition, _key, value in records]
    assert {event.event_id for event in events} == {f"example-shop-{row}" for row in range(62)} - {"example-shop-20", "example-shop-33"}
    assert all(now_ms <= event.occurred_at_ms <= now_ms + 60_000 for event in events)
    for partition, key, value in records:
        assert key.decode() == Signal.FromString(value).interaction.user_id
        assert partition == (murmur2(key) & 0x7FFFFFFF) % 12
    for user in {event.user_id for event in events}:
        rows = [int(event.event_id.rsplit("-", 1)[1]) for event in events if event.user_id == user]
        assert rows == sorted(rows)
    items = {key.decode(): Item.FromString(value) for _partition, key, value in read_all(kafka, f"{topic_prefix}items")}
    assert len(items) == 12
    assert items["M-01"].texts[""].title == "Red mug"
    limits = load_config(None, {}).limits
    signal_decoder = SignalDecoder(SignalLimits(limits.max_record_bytes, limits.max_id_bytes, limits.max_age_ms, limits.max_future_ms))
    item_decoder = ItemDecoder(64, limits.max_record_bytes, limits.max_id_bytes)
    for _partition, key, value in records:  # the job takes every one of them
        signal_decoder.decode(key.decode(), value, "", now_ms)
    for item_id, item in items.items():
        assert item_decoder.decode(item_id, item.SerializeToString())[0].features is not None
    assert all(item.item_id == key and len(item.features) == 256 for key, item in items.items())


def test_ctrl_c_ends_a_slow_replay_with_its_report_and_code_130(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    command = [
        sys.executable,
        "-m",
        "kairos.cli.app",
        "replay",
        str(EXAMPLE / "events.csv"),
        "--log",
        str(EXAMPLE / "mapping.yaml"),
        "--json",
    ]
    process = subprocess.Popen(
        [*command, "--speed", "1", "-b", kafka.bootstrap_servers, "--prefix", topic_prefix],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not _has_events(kafka, f"{topic_prefix}interactions"):
            assert time.monotonic() < deadline, "no event arrived"
            assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        stdout, _stderr = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
    assert process.returncode == 130
    report = json.loads(stdout)
    assert 1 <= report["events"] < 60
    assert report["items"] == 12


def _has_events(kafka: EmbeddedKafka, topic: str) -> bool:
    with open_consumer(kafka.bootstrap_servers, group_id=None) as consumer:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            return False
        return sum(consumer.end_offsets([TopicPartition(topic, number) for number in numbers]).values()) > 0
