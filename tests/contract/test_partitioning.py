"""Who writes a user's records must not matter for the partition they lie in."""

import pytest
from confluent_kafka import KafkaError, Message, Producer
from kafka import TopicPartition
from kafka.errors import InvalidTimestampError

from kairos.contract.clients import open_consumer, open_producer
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.local.kafka import EmbeddedKafka

pytestmark = pytest.mark.kafka

USERS = [f"user-{number}" for number in range(200)] + ["zoë", "用户"]


def test_kafka_python_and_librdkafka_with_murmur2_agree_and_librdkafkas_default_does_not(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    topic = TOPICS["interactions"].name(topic_prefix)
    ensure_topics(kafka.bootstrap_servers, topic_prefix, topics=[TOPICS["interactions"]])
    with open_producer(kafka.bootstrap_servers) as producer:
        sent = {user: producer.send(topic, key=user.encode(), value=b"x") for user in USERS}
        python = {user: future.get(timeout=20).partition for user, future in sent.items()}
    assert _librdkafka_partitions(kafka, topic, "murmur2_random") == python
    assert _librdkafka_partitions(kafka, topic, "consistent_random") != python


def test_records_stamped_more_than_an_hour_ahead_are_refused_by_the_broker(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    topic = TOPICS["interactions"].name(topic_prefix)
    ensure_topics(kafka.bootstrap_servers, topic_prefix, topics=[TOPICS["interactions"]])
    with open_producer(kafka.bootstrap_servers) as producer, pytest.raises(InvalidTimestampError):
        producer.send(topic, key=b"u", value=b"x", timestamp_ms=32_503_680_000_000).get(timeout=20)  # the year 3000


def test_a_batch_of_a_megabyte_of_records_is_accepted(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    topic = TOPICS["interactions"].name(topic_prefix)
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1, topics=[TOPICS["interactions"]])
    failed = []
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 500})
    for number in range(4_000):
        producer.produce(topic, key=b"u", value=b"x" * 1_000, on_delivery=lambda error, _: failed.append(error) if error else None)
        if number % 1_000 == 0:
            producer.poll(0)
    assert producer.flush(30) == 0
    assert failed == []
    with open_consumer(kafka.bootstrap_servers, group_id=None) as consumer:
        partition = TopicPartition(topic, 0)
        assert consumer.end_offsets([partition])[partition] == 4_000


def _librdkafka_partitions(kafka: EmbeddedKafka, topic: str, partitioner: str) -> dict[str, int]:
    partitions: dict[str, int] = {}

    def note(error: KafkaError | None, message: Message) -> None:
        key, partition = message.key(), message.partition()
        assert error is None
        assert key is not None
        assert partition is not None
        partitions[key.decode()] = partition

    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "partitioner": partitioner})
    for user in USERS:
        producer.produce(topic, key=user.encode(), value=b"x", on_delivery=note)
    assert producer.flush(20) == 0
    return partitions
