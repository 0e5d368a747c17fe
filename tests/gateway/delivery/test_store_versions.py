"""Tables that an earlier version made are brought up to date, with what is in them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.delivery.store.store import Store
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target
from tests.gateway.delivery.stores import DAY_MS, NOW, PostgresqlSchema, SqliteFile, Stores

PHONE = Target(channel=feedback_pb2.CHANNEL_FCM, token="t", device_id="phone")


def put(store: Store, user_id: str, at_ms: int) -> None:
    store.put_devices(user_id, [PHONE], at_ms, all_of_them=False, most=20)


def an_address_from_before_is_told_apart(stores: Stores) -> bool:
    with closing(stores.open("after")) as after:
        put(after, "lin", NOW + 1)
        known = [after.claim(f"of-{user_id}", user_id, "", NOW, NOW + DAY_MS).devices for user_id in ("ada", "lin")]
        return known == [(), (PHONE,)] and after.take_due(NOW, 1) == ([], None)


def test_a_file_of_version_1(tmp_path: Path) -> None:
    stores = SqliteFile(tmp_path / "store.db")
    with closing(stores.open("before")) as before:
        put(before, "ada", NOW)
    with closing(sqlite3.connect(tmp_path / "store.db")) as file:
        file.executescript("DROP INDEX devices_by_address; ALTER TABLE devices DROP COLUMN address_id; DROP TABLE deferred")

    assert an_address_from_before_is_told_apart(stores)


def test_a_schema_of_version_1(schema: PostgresqlSchema) -> None:
    with closing(schema.open("before")) as before:
        put(before, "ada", NOW)
    with schema.server.connect() as administrator:
        administrator.execute(f"ALTER TABLE {schema.name}.devices DROP COLUMN address_id; DROP TABLE {schema.name}.deferred".encode())
        administrator.execute(f"DELETE FROM {schema.name}.schema_version WHERE version > 1".encode())

    assert an_address_from_before_is_told_apart(schema)
    assert schema.rows("schema_version") == [(1,), (2,), (3,)]
