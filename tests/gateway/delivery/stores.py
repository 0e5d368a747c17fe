"""The stores there are, each opened for several gateways; and what is really in their tables."""

import itertools
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from gateway.delivery.settings import PostgresqlSettings
from gateway.delivery.store.postgresql.store import PostgresqlStore
from gateway.delivery.store.sqlite import SqliteStore
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import StreamEntry
from tests.gateway.delivery.postgresql import PASSWORD, Postgresql

NOW = 1_800_000_000_000
DAY_MS = 86_400_000
LINGER_MS = 60_000
LEASE_MS = 10_000
BUSY_MS = 1_000
_numbers = itertools.count(1)


ONE_OF: dict[str, Callable[[Store, Any], Any]] = {
    "claim": lambda store, each: store.claim(*each),
    "settle": lambda store, each: store.settle(each),
    "append": lambda store, each: store.append(each.entry, each.settled, each.keep, sent=each.sent),
    "unacknowledged": lambda store, each: store.unacknowledged(*each),
    "acknowledge": lambda store, each: store.acknowledge(*each),
}
"""The single operations of those that can be asked for many at once."""


def entry(command_id: str, user_id: str = "ada") -> StreamEntry:
    return StreamEntry(0, user_id, command_id, "{}", "", NOW + DAY_MS)


class Stores(Protocol):
    """One store, seen from several gateways."""

    def open(self, gateway: str) -> Store: ...

    def rows(self, table: str) -> list[tuple[Any, ...]]: ...


class SqliteFile:
    def __init__(self, path: Path) -> None:
        self._path = path

    def open(self, gateway: str) -> Store:
        return SqliteStore(self._path, gateway, synchronous="normal", busy_ms=BUSY_MS, linger_ms=LINGER_MS)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self._path) as file:
            return file.execute(f"SELECT * FROM {table}").fetchall()


class PostgresqlSchema:
    """``port``: of another way to the server."""

    def __init__(self, server: Postgresql, port: int = 0) -> None:
        self.server = server
        self.name = unique_schema()
        self.settings = PostgresqlSettings(
            address=server.address.replace(str(server.port), str(port or server.port)),
            password=f"file:{server.password_file}",
            schema_name=self.name,
            connect_timeout_ms=5_000,
            silent_ms=10_000,
            first_wait_ms=10,
            max_wait_ms=100,
        )

    def open(self, gateway: str) -> PostgresqlStore:
        return PostgresqlStore(self.settings, gateway, lease_ms=LEASE_MS, busy_ms=BUSY_MS, linger_ms=LINGER_MS)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with self.server.connect() as connection:
            return connection.execute(f"SELECT * FROM {self.name}.{table}".encode()).fetchall()

    def other_user(self) -> str:
        """From now on gateways come as somebody who may use the tables, and make none. Their name."""
        role = f"{self.name}_user"
        with self.server.connect() as administrator:
            administrator.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; GRANT USAGE ON SCHEMA {self.name} TO {role}".encode())
            administrator.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {self.name} TO {role}".encode())
        self.settings = PostgresqlSettings(**self.settings.model_dump() | {"address": self.settings.address.replace("kairos@", f"{role}@")})
        return role


def unique_schema() -> str:
    """A schema that no other test of this session has."""
    return f"t{os.getpid()}_{next(_numbers)}"
