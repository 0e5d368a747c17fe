"""A gateway as its own process, and what goes into Kafka before it and comes out behind it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from kafka import KafkaProducer, TopicPartition

from gateway.common.tokens import issue_token
from kairos.contract.clients import open_consumer, open_producer
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.v1 import feedback_pb2
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.push_pb2 import Content, PushCommand, Target
from kairos.v1.signal_pb2 import Signal

DEADLINE_S = 40.0
PARTITIONS = 4
"""Of each topic."""
PROGRAM = ("-m", "kairos.cli.app")
TOKEN_SECRET = "a-secret-only-for-these-tests-0123456789"


class GatewayProcess:
    """`kairos gateway` with a configuration of its own. Its log is kept; nothing in it may be a secret."""

    def __init__(
        self,
        folder: Path,
        bootstrap_servers: str,
        prefix: str,
        delivery: dict[str, Any],
        environment: dict[str, str],
        program: Sequence[str] = PROGRAM,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "gateway.log"
        config = folder / "edge.yaml"
        config.write_text(yaml.safe_dump({"log": {"level": "debug"}, "delivery": delivery}))
        argv = [sys.executable, *program, "gateway", "--config", str(config), "-b", bootstrap_servers, "--prefix", prefix]
        variables = {**os.environ, "KAIROS_TOKEN_SECRETS": f"k1:{TOKEN_SECRET}", **environment}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, env=variables)
        self.port = 0
        eventually(lambda: self._listening() or self.process.poll() is not None, "the gateway listens")
        if not self.port:
            raise AssertionError(self.log.read_text())

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE_S)

    def events(self) -> list[dict[str, Any]]:
        """Its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def _listening(self) -> bool:
        self.port = next((event["port"] for event in self.events() if event["event"] == "listening"), 0)
        return self.port > 0


class Topics:
    """The topics of one test."""

    def __init__(self, bootstrap_servers: str, prefix: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.prefix = prefix
        names = ("pushes", "feedback", "interactions", "dead-letters")
        ensure_topics(bootstrap_servers, prefix, partitions=PARTITIONS, topics=[TOPICS[name] for name in names])
        self._producer: KafkaProducer = open_producer(bootstrap_servers)

    def send(self, command: PushCommand, partition: int | None = None) -> None:
        """Write a command, and do not wait. ``partition``: another one than the user's."""
        self._producer.send(self.prefix + "pushes", command.SerializeToString(), command.user_id.encode(), partition=partition)

    def push(self, *commands: PushCommand, partition: int | None = None) -> None:
        """Write commands, and wait for the broker to have them."""
        for command in commands:
            self.send(command, partition)
        self._producer.flush()

    def write(self, topic: str, key: bytes | None, value: bytes) -> None:
        self._producer.send(self.prefix + topic, key=key, value=value)
        self._producer.flush()

    def records(self, topic: str) -> list[tuple[bytes | None, bytes]]:
        """All that is in a topic now."""
        consumer = open_consumer(self.bootstrap_servers, enable_auto_commit=False)
        try:
            partitions = [TopicPartition(self.prefix + topic, number) for number in consumer.partitions_for_topic(self.prefix + topic)]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            found = []
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for records in consumer.poll(500).values():
                    found += [(record.key, record.value) for record in records]
            return found
        finally:
            consumer.close()

    def feedback(self) -> list[Feedback]:
        """All feedback, each report once, as the job takes it."""
        by_id = {}
        for key, value in self.records("feedback"):
            told = Signal.FromString(value).feedback
            assert key == told.user_id.encode()
            by_id[told.feedback_id] = told
        return list(by_id.values())

    def outcomes(self, command_id: str) -> list[str]:
        """Of one command, in the order of their time."""
        found = sorted((told for told in self.feedback() if told.command_id == command_id), key=lambda told: told.occurred_at_ms)
        return [feedback_pb2.Outcome.Name(told.outcome).removeprefix("OUTCOME_") for told in found]

    def committed(self, group: str, topic: str = "pushes") -> int:
        """How many records of a topic the group is done with."""
        consumer = open_consumer(self.bootstrap_servers, group_id=group, enable_auto_commit=False)
        try:
            name = self.prefix + topic
            return sum(consumer.committed(TopicPartition(name, number)) or 0 for number in consumer.partitions_for_topic(name))
        finally:
            consumer.close()

    def close(self) -> None:
        self._producer.close()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def command(command_id: str, user: str = "ada", *targets: Target, ttl_ms: int = 600_000, **fields: Any) -> PushCommand:
    """A push of a mug."""
    at_ms = now_ms()
    values: dict[str, Any] = {
        "decided_at_ms": at_ms,
        "caused_at_ms": at_ms,
        "expires_at_ms": at_ms + ttl_ms,
        "item_ids": ["mug-7"],
        "content": Content(title="Blue mug", body="Back in stock", deep_link="shop://mug-7"),
        "reason": "because you looked at mugs",
    }
    return PushCommand(command_id=command_id, user_id=user, targets=targets, **(values | fields))


def token(user: str, lifetime_s: int = 600) -> str:
    return issue_token(user, "k1", TOKEN_SECRET.encode(), "kairos", int(time.time()), lifetime_s)


def eventually(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Waits for another process, as long as it takes and not longer than the deadline."""
    deadline = time.monotonic() + deadline_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"did not happen: {what}")
