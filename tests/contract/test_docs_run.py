"""What the documents show is run, in order, as written, against a real broker; and the job's own decoders accept the result."""

import re
import time
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from flink_job.codec.items import ItemDecoder
from flink_job.codec.signals import SignalDecoder, SignalLimits
from flink_job.config import load_config
from flink_job.core.signals import Interaction, UserUpdate
from kairos.contract.clients import open_consumer, open_producer
from kairos.contract.topics import ensure_topics
from kairos.local.kafka import EmbeddedKafka
from kairos.local.paths import project_root
from kairos.v1.push_pb2 import Content, PushCommand

pytestmark = pytest.mark.kafka


def run_document(name: str, kafka: EmbeddedKafka, prefix: str) -> dict[str, Any]:
    """Runs all Python blocks of a document in one namespace, which is returned."""
    text = (project_root() / "docs" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    code = "\n".join(blocks).replace("localhost:9092", kafka.bootstrap_servers)
    code = re.sub(r'"kairos\.(interactions|items|pushes)"', rf'"{prefix}\1"', code)
    namespace: dict[str, Any] = {}
    exec(compile(code, name, "exec"), namespace)
    return namespace


def test_what_docs_contract_produces_is_what_the_job_accepts(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1)
    run_document("contract.md", kafka, topic_prefix)["producer"].close()
    limits = load_config(None, {}).limits
    now_ms = time.time_ns() // 1_000_000
    signals = SignalDecoder(SignalLimits(limits.max_record_bytes, limits.max_id_bytes, limits.max_age_ms, limits.max_future_ms))
    view, consent = (
        signals.decode(record.key.decode(), record.value, "", now_ms) for record in records(kafka, f"{topic_prefix}interactions", 2)
    )
    assert isinstance(view, Interaction)
    assert (view.event_id, view.item_id, view.time_zone) == ("web-7f3a-000017", "mug-7", "Europe/Lisbon")
    assert isinstance(consent, UserUpdate)
    assert consent.push_consent is True

    items = ItemDecoder(load_config(None, {}).catalogue.feature_dim, limits.max_record_bytes, limits.max_id_bytes)
    (mug, deleted), (_, gone) = (items.decode(record.key.decode(), record.value) for record in records(kafka, f"{topic_prefix}items", 2))
    assert mug.features is not None
    assert float(mug.features @ mug.features) == pytest.approx(1.0, abs=1e-5)
    assert (deleted, gone) == (False, True)


def test_the_consumer_of_docs_consuming_delivers_once(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1)
    soon = time.time_ns() // 1_000_000 + 3_600_000
    with open_producer(kafka.bootstrap_servers) as producer:
        for command_id, expires in (("a", soon), ("a", soon), ("old", 1), ("b", soon)):
            push = PushCommand(command_id=command_id, user_id="ada", expires_at_ms=expires, content=Content(title=command_id))
            producer.send(f"{topic_prefix}pushes", key=b"ada", value=push.SerializeToString())
    namespace = run_document("consuming.md", kafka, topic_prefix)
    assert namespace["delivered"] == [("ada", "a"), ("ada", "b")]


def records(kafka: EmbeddedKafka, topic: str, count: int) -> list[Any]:
    """The first ``count`` records of partition 0."""
    consumer: KafkaConsumer = open_consumer(kafka.bootstrap_servers, group_id=None)
    with consumer:
        consumer.assign([TopicPartition(topic, 0)])
        consumer.seek_to_beginning()
        found: list[Any] = []
        deadline = time.monotonic() + 20
        while len(found) < count and time.monotonic() < deadline:
            for batch in consumer.poll(200).values():
                found.extend(batch)
    assert len(found) == count
    return found
