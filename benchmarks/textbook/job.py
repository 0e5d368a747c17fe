"""A PyFlink job from the documentation: Kafka sources and sinks of the DataStream API, a Python `map` and `key_by`, broadcast state, all defaults.

    flink run -pym benchmarks.textbook.job --config kairos.yaml

It reads the same topics and the same policy as the shipped job, takes the same decisions (by scoring every item instead of chosen ones), and leaves
out what the log of the benchmark does not hold: feedback, nudges, user updates.
"""

from __future__ import annotations

import argparse

from pyflink.common import ByteArraySchema, Types, WatermarkStrategy
from pyflink.datastream import DataStream, StreamExecutionEnvironment
from pyflink.datastream.connectors.kafka import KafkaOffsetsInitializer, KafkaRecordSerializationSchema, KafkaSink, KafkaSource

from benchmarks.textbook.decide import ITEMS, Decide
from benchmarks.textbook.values import parse_item, parse_signal
from flink_job.config import Config, load_config
from flink_job.config.model import TopicName

BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
OUTPUTS: tuple[TopicName, ...] = ("pushes", "decisions", "dead-letters")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    config = load_config(parser.parse_args().config)

    env = StreamExecutionEnvironment.get_execution_environment()
    env.enable_checkpointing(config.job.checkpoint_interval_ms)

    signals = read(env, config, "interactions").map(parse_signal).key_by(lambda signal: signal.user_id, key_type=Types.STRING())
    items = read(env, config, "items").map(parse_item).broadcast(ITEMS)
    decided = signals.connect(items).process(Decide(config), output_type=Types.TUPLE([Types.STRING(), BYTES]))
    for name in OUTPUTS:
        records = decided.filter(lambda record, name=name: record[0] == name).map(lambda record: record[1], output_type=BYTES)
        records.sink_to(sink(config, name))

    env.execute_async("textbook")


def read(env: StreamExecutionEnvironment, config: Config, name: TopicName) -> DataStream:
    """A topic from its start, as bytes."""
    source = (
        KafkaSource.builder()
        .set_bootstrap_servers(config.kafka.bootstrap_servers)
        .set_topics(config.topic(name))
        .set_group_id(config.kafka.group_id)
        .set_starting_offsets(KafkaOffsetsInitializer.earliest())
        .set_value_only_deserializer(ByteArraySchema())
        .build()
    )
    return env.from_source(source, WatermarkStrategy.no_watermarks(), name)


def sink(config: Config, name: TopicName) -> KafkaSink:
    """A topic to write bytes to."""
    serializer = (
        KafkaRecordSerializationSchema.builder().set_topic(config.topic(name)).set_value_serialization_schema(ByteArraySchema()).build()
    )
    return KafkaSink.builder().set_bootstrap_servers(config.kafka.bootstrap_servers).set_record_serializer(serializer).build()


if __name__ == "__main__":
    main()
