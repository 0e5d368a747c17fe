"""Accepted means acknowledged; what does not fit or does not arrive is said."""

import asyncio
import time
from typing import Any

import pytest
from kafka import TopicPartition

from gateway.common.kafka import producer_options
from gateway.common.producer import AcknowledgedProducer, BufferFull, NotAcknowledged
from gateway.common.settings import ProducerSettings
from kairos.contract.clients import open_consumer, open_producer
from kairos.contract.connection import Connection
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.local.kafka import EmbeddedKafka
from kairos.local.ports import free_port

SETTINGS = ProducerSettings(
    linger_ms=1,
    compression="gzip",
    max_records=1_000,
    max_bytes=1_000_000,
    delivery_timeout_ms=30_000,
    reply_timeout_ms=30_000,
    poll_interval_ms=2,
    probe_interval_ms=1_000,
)


def producer(servers: str, **changes: Any) -> AcknowledgedProducer:
    settings = SETTINGS.model_copy(update=changes)
    return AcknowledgedProducer(producer_options(Connection(servers, "", {}), "test", settings, 262_144), settings)


@pytest.mark.kafka
def test_what_send_returned_from_is_in_kafka_and_in_the_partition_of_all_producers(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    topic = TOPICS["interactions"].name(topic_prefix)
    ensure_topics(kafka.bootstrap_servers, topic_prefix, topics=[TOPICS["interactions"]])
    users = [f"user-{number}".encode() for number in range(300)]

    async def run() -> int:
        under_test = producer(kafka.bootstrap_servers)
        under_test.start()
        await asyncio.gather(*(under_test.send(topic, [(user, user) for user in users[first : first + 30]]) for first in range(0, 300, 30)))
        assert (under_test.records, under_test.bytes) == (0, 0)
        assert await under_test.probe([topic]) == ""
        assert "no-such-topic" in await under_test.probe([topic, "no-such-topic"])
        return await under_test.close(5)

    assert asyncio.run(run()) == 0
    partitions = [TopicPartition(topic, number) for number in range(TOPICS["interactions"].partitions)]
    with open_consumer(kafka.bootstrap_servers, group_id=None) as consumer:
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        found: dict[bytes, int] = {}
        deadline = time.monotonic() + 20
        while len(found) < len(users) and time.monotonic() < deadline:
            for partition, records in consumer.poll(500).items():
                found |= {record.key: partition.partition for record in records}
    assert sorted(found) == sorted(users)
    with open_producer(kafka.bootstrap_servers) as other:
        sent = {user: other.send(topic, key=user, value=b"x") for user in users}
        assert found == {user: future.get(timeout=20).partition for user, future in sent.items()}


def test_no_broker_means_not_acknowledged_and_the_buffer_is_bounded_and_freed() -> None:
    async def run() -> None:
        under_test = producer(f"127.0.0.1:{free_port()}", max_records=10, reply_timeout_ms=300, delivery_timeout_ms=1_500)
        under_test.start()
        with pytest.raises(NotAcknowledged):
            await under_test.send("t", [(b"u", b"1")] * 10)
        assert under_test.records == 10  # still the client's, whatever the sender was told
        with pytest.raises(BufferFull):
            await under_test.send("t", [(b"u", b"1")])
        assert "no broker answers" in await under_test.probe(["t"])
        deadline = time.monotonic() + 20
        while under_test.records and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        assert under_test.records == 0
        await under_test.close(0)

    asyncio.run(run())


def test_a_batch_that_is_larger_than_the_buffer_takes_nothing() -> None:
    async def run() -> None:
        under_test = producer(f"127.0.0.1:{free_port()}", max_bytes=100)
        under_test.start()
        with pytest.raises(BufferFull):
            await under_test.send("t", [(b"u", b"x" * 60), (b"u", b"x" * 60)])
        assert (under_test.records, under_test.bytes) == (0, 0)
        await under_test.close(0)

    asyncio.run(run())


@pytest.mark.kafka
def test_acknowledgements_are_looked_for_also_after_that_has_failed_once(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, topics=[TOPICS["interactions"]])

    class FailsOnce:
        def __init__(self, whole: Any) -> None:
            self._whole = whole
            self.failed = False

        def poll(self, timeout_s: float) -> int:
            if not self.failed:
                self.failed = True
                raise ZeroDivisionError
            return int(self._whole.poll(timeout_s))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._whole, name)

    async def run() -> None:
        said: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: said.append(context))
        under_test = producer(kafka.bootstrap_servers)
        under_test._producer = FailsOnce(under_test._producer)  # type: ignore[assignment]
        under_test.start()
        await asyncio.wait_for(under_test.send(TOPICS["interactions"].name(topic_prefix), [(b"u", b"1")]), 20)
        assert [type(context["exception"]) for context in said] == [ZeroDivisionError]
        await under_test.close(5)

    asyncio.run(run())
