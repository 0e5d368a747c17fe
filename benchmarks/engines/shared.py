"""What both engines need around `flink_job.engine.Engine`: its settings and the catalogue.

Neither has a stream that every worker reads, so the catalogue is read once, before the first event; later changes would need machinery of one's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from time import time_ns

from confluent_kafka import Consumer, TopicPartition

from flink_job.config import Config, load_config
from flink_job.engine import Engine
from flink_job.garbage import collect_rarely
from flink_job.settings import engine_settings

FETCH_WAIT_MS = 5
"""As the shipped job's `kafka.fetch_max_wait_ms`."""


def read_options(description: str) -> tuple[Config, Path]:
    """The configuration and the folder for state, from the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True, metavar="FOLDER")
    options = parser.parse_args()
    return load_config(options.config), options.state


def loaded_engine(config: Config) -> Engine:
    """An engine that holds the whole catalogue, in an interpreter set as the shipped job sets its own."""
    collect_rarely()
    engine = Engine(engine_settings(config))
    topic = config.topic("items")
    for offset, (key, value) in enumerate(_records(config.kafka.bootstrap_servers, topic)):
        engine.on_shared(key, value, f"{topic}/0/{offset}/0", wall_ms())
    return engine


def wall_ms() -> int:
    """The present time."""
    return time_ns() // 1_000_000


def _records(bootstrap_servers: str, topic: str) -> Iterator[tuple[str, bytes]]:
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "bench-catalogue", "enable.auto.commit": False})
    end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)[1]
    consumer.assign([TopicPartition(topic, 0, 0)])
    position = 0
    while position < end:
        for message in consumer.consume(10_000, timeout=1.0):
            if message.error() is None:
                position = message.offset() + 1
                yield message.key().decode(), message.value()
    consumer.close()
