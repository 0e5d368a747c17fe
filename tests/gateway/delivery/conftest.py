"""Gateways, topics and customers' servers for one test each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.delivery.store.postgresql.store import PostgresqlStore
from kairos.local.kafka import EmbeddedKafka
from tests.gateway.delivery.postgresql import PASSWORD, Postgresql
from tests.gateway.delivery.processes import PROGRAM, GatewayProcess, Topics
from tests.gateway.delivery.stores import LEASE_MS, NOW, PostgresqlSchema, unique_schema

Start = Callable[..., GatewayProcess]


@pytest.fixture
def topics(kafka: EmbeddedKafka, topic_prefix: str) -> Iterator[Topics]:
    opened = Topics(kafka.bootstrap_servers, topic_prefix)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """One server for all tests of a session, each of which uses a schema of its own."""
    with Postgresql() as server:
        yield server


@pytest.fixture
def schema(postgresql: Postgresql) -> PostgresqlSchema:
    """A store of this test alone."""
    return PostgresqlSchema(postgresql)


@pytest.fixture
def one(schema: PostgresqlSchema) -> Iterator[PostgresqlStore]:
    """That store as a gateway opened it which lives."""
    with closing(schema.open("one")) as store:
        store.alive(NOW + LEASE_MS)
        yield store


@pytest.fixture
def start(request: pytest.FixtureRequest, topics: Topics, tmp_path: Path) -> Iterator[Start]:
    """Starts gateways that share a store, a file or what the parameter says; those that still run are ended with the test."""
    started: list[GatewayProcess] = []
    store: dict[str, Any] = {"path": str(tmp_path / "gateway.db")}
    if getattr(request, "param", "sqlite") == "postgresql":
        store = request.getfixturevalue("postgresql").settings(unique_schema())

    def begin(environment: dict[str, str] | None = None, program: Sequence[str] = PROGRAM, **delivery: Any) -> GatewayProcess:
        settings = {
            "port": 0,
            "store": {**store, "lease_ms": 2000, "sweep_ms": 500},
            "source": {"group_id": f"{topics.prefix}gateway"},
            "retry": {"first_wait_ms": 20, "max_wait_ms": 200},
        }
        for name, value in delivery.items():
            settings[name] = {**settings.get(name, {}), **value} if isinstance(value, dict) else value  # type: ignore[dict-item]
        variables = {"KAIROS_STORE_PASSWORD": PASSWORD, **(environment or {})}
        folder = tmp_path / f"gateway-{len(started)}"
        gateway = GatewayProcess(folder, topics.bootstrap_servers, topics.prefix, settings, variables, program)
        started.append(gateway)
        return gateway

    yield begin
    for gateway in started:
        gateway.stop()
