"""A consumer that notes how long after its cause each push arrived; a program of its own, so that nothing but the broker delays it.

    python -m benchmarks.listen --bootstrap-servers HOST:PORT --topic bench.x.pushes

Prints "ready" when it reads from the topic's end; at the end of its standard input it stops and prints one JSON document: for each push that
an event of `benchmarks.load` caused, when that event was created (epoch ms) and the latency (ms).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from threading import Event, Thread

from confluent_kafka import Consumer, TopicPartition

from benchmarks.load import created_ns
from kairos.v1 import push_pb2

_LAST_ONES_S = 1.0


def listen(bootstrap_servers: str, topic: str, over: Event) -> list[tuple[str, int]]:
    """The causes of pushes and when these arrived (epoch ns), until `over` and a moment longer."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "bench-listener",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 5,
            "fetch.min.bytes": 1,
        }
    )
    partition = TopicPartition(topic, 0)
    consumer.assign([TopicPartition(topic, 0, consumer.get_watermark_offsets(partition, timeout=30)[1])])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    arrived: list[tuple[str, int]] = []
    last = 0.0
    while not last or time.monotonic() < last:
        message = consumer.poll(0.1)
        now_ns = time.time_ns()
        if message is not None and message.error() is None:
            arrived.append((push_pb2.PushCommand.FromString(message.value()).cause_id, now_ns))
        if not last and over.is_set():
            last = time.monotonic() + _LAST_ONES_S
    consumer.close()
    return arrived


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--topic", required=True)
    options = parser.parse_args()
    over = Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        over.set()

    Thread(target=wait_for_end, daemon=True).start()
    arrived = listen(options.bootstrap_servers, options.topic, over)
    paced = [(created_ns(cause), at_ns) for cause, at_ns in arrived if "-" in cause]
    json.dump([(created / 1e6, (at_ns - created) / 1e6) for created, at_ns in paced], sys.stdout)


if __name__ == "__main__":
    main()
