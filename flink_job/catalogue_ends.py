"""How far the catalogue reaches when the job is submitted."""

from __future__ import annotations

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from flink_job.config import Config


class BrokerError(RuntimeError):
    """The brokers cannot be asked."""


def read_catalogue_ends(config: Config) -> dict[str, int]:
    """`topic/partition` → offset after the last record of the items topic. Raises BrokerError."""
    topic = config.topic("items")
    properties = {key.replace(".", "_"): value for key, value in config.kafka.properties.items()}
    try:
        consumer = KafkaConsumer(bootstrap_servers=config.kafka.bootstrap_servers, **properties)
        try:
            partitions = consumer.partitions_for_topic(topic)
            if partitions is None:
                raise BrokerError(f"the topic {topic} does not exist at {config.kafka.bootstrap_servers}; `kairos topics create` makes it")
            ends = consumer.end_offsets([TopicPartition(topic, number) for number in partitions])
        finally:
            consumer.close()
    except KafkaError as error:
        raise BrokerError(f"Kafka at {config.kafka.bootstrap_servers} does not answer ({error}); is it running?") from error
    return {f"{at.topic}/{at.partition}": end for at, end in ends.items()}
