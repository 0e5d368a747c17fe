"""A collector that runs: the real application in a real server, on a free port."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from kafka import TopicPartition

from flink_job.config import load_config
from gateway.collector.app import TOPICS, build_app
from gateway.collector.server import known_callers, server_options
from gateway.collector.settings import CollectorSettings
from gateway.common.settings import load_settings
from gateway.common.tokens import issue_token
from kairos.contract.clients import open_consumer
from kairos.contract.connection import Connection
from kairos.contract.topics import TOPICS as SPECS
from kairos.contract.topics import ensure_topics
from kairos.local.kafka import EmbeddedKafka

API_KEY = "a-key-of-a-shop-for-tests-000"
SECRET = "a-secret-for-tokens-in-tests-0000"
TOPIC_NAMES = TOPICS


@dataclass(frozen=True, slots=True)
class Running:
    """Where it listens, and what reads its topics."""

    url: str
    servers: str
    prefix: str

    def client(self, credential: str | None = API_KEY, **headers: str) -> httpx.Client:
        bearer = {"Authorization": f"Bearer {credential}"} if credential else {}
        return httpx.Client(base_url=self.url, headers={**bearer, **headers}, timeout=60)

    def records(self, topic: str, count: int) -> list[tuple[bytes, bytes]]:
        """The first `count` records of a topic, which has one partition; fails if there are fewer or more."""
        partition = TopicPartition(self.prefix + topic, 0)
        found: list[tuple[bytes, bytes]] = []
        with open_consumer(self.servers, group_id=None) as consumer:
            consumer.assign([partition])
            consumer.seek_to_beginning()
            assert consumer.end_offsets([partition])[partition] == count
            while len(found) < count:
                found += [(record.key, record.value) for records in consumer.poll(500).values() for record in records]
        return found


def token(user: str = "ada", now_s: int | None = None, lifetime_s: int = 600) -> str:
    import time

    return issue_token(user, "t1", SECRET.encode(), "kairos", now_s or int(time.time()), lifetime_s)


def settings(**environment: str) -> CollectorSettings:
    """The defaults, with the tests' keys; `environment` as after KAIROS_EDGE__."""
    return load_settings(CollectorSettings, "collector", None, {f"KAIROS_EDGE__{name}": value for name, value in environment.items()})


@contextmanager
def running(servers: str, prefix: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Iterator[Running]:
    """Until the block is left, gracefully."""
    monkeypatch.setenv("KAIROS_API_KEYS", f"shop:{API_KEY}")
    monkeypatch.setenv("KAIROS_TOKEN_SECRETS", f"t1:{SECRET}")
    chosen = settings(**environment)
    app = build_app(chosen, load_config(None, {}), Connection(servers, prefix, {}), known_callers(chosen))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_options(app, 10_000))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield Running(f"http://127.0.0.1:{listening.getsockname()[1]}", servers, prefix)
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def topics(kafka: EmbeddedKafka, topic_prefix: str) -> str:
    """A prefix whose topics are there, with one partition each."""
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1, topics=[SPECS[name] for name in TOPICS])
    return topic_prefix


@pytest.fixture
def collector(kafka: EmbeddedKafka, topics: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """With the defaults."""
    with running(kafka.bootstrap_servers, topics, monkeypatch) as it:
        yield it


@pytest.fixture(scope="module")
def lonely() -> Iterator[Running]:
    """Without a broker: for what is answered before Kafka is asked."""
    from kairos.local.ports import free_port

    changes: Any = {"PRODUCER__REPLY_TIMEOUT_MS": "300", "PRODUCER__DELIVERY_TIMEOUT_MS": "1000", "COLLECTOR__SHUTDOWN_TIMEOUT_MS": "100"}
    changes["COLLECTOR__LIMITS__BODY_TIMEOUT_MS"] = "300"
    with pytest.MonkeyPatch.context() as monkeypatch, running(f"127.0.0.1:{free_port()}", "t.", monkeypatch, **changes) as it:
        yield it


@pytest.fixture
def free_servers() -> str:
    """Where no broker is."""
    from kairos.local.ports import free_port

    return f"127.0.0.1:{free_port()}"
