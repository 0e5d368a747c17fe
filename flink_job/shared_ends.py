"""How far the catalogue and the knowledge reach when the job is submitted."""

from __future__ import annotations

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from flink_job.config import Config


class BrokerError(RuntimeError):
    """The brokers cannot be asked."""


def read_shared_ends(config: Config) -> dict[str, int]:
    """`topic/partition` → offset after the last record of the items and of the knowledge topic. Raises BrokerError."""
    properties = {key.replace(".", "_"): value for key, value in config.kafka.properties.items()}
    try:
        consumer = KafkaConsumer(bootstrap_servers=config.kafka.bootstrap_servers, **properties)
        try:
            partitions = [at for topic in (config.topic("items"), config.topic("knowledge")) for at in _partitions(consumer, topic, config)]
            ends = consumer.end_offsets(partitions)
        finally:
            consumer.close()
    except KafkaError as error:
        raise BrokerError(f"Kafka at {config.kafka.bootstrap_servers} does not answer ({error}); is it running?") from error
    return {f"{at.topic}/{at.partition}": end for at, end in ends.items()}


def _partitions(consumer: KafkaConsumer, topic: str, config: Config) -> list[TopicPartition]:
    numbers = consumer.partitions_for_topic(topic)
    if numbers is None:
        raise BrokerError(f"the topic {topic} does not exist at {config.kafka.bootstrap_servers}; `kairos topics create` makes it")
    return [TopicPartition(topic, number) for number in numbers]
