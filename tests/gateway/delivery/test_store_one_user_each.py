"""An address that two users had in tables of an earlier version is the one's who registered it last."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.delivery.store.store import Store
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target
from tests.gateway.delivery.stores import DAY_MS, NOW, PostgresqlSchema, SqliteFile, Stores

USERS = ("ada", "lin", "eve")
PHONE = Target(channel=feedback_pb2.CHANNEL_FCM, token="t", device_id="phone")
SHOP = Target(channel=feedback_pb2.CHANNEL_WEBHOOK, app_id="shop")


def put(store: Store) -> None:
    """Each user's own, for now."""
    for number, user_id in enumerate(USERS):
        phone = Target(channel=PHONE.channel, token=f"t-{user_id}", device_id=PHONE.device_id)
        store.put_devices(user_id, [phone, SHOP], NOW + (number % 2), all_of_them=False, most=20)


def known(stores: Stores) -> dict[str, set[str]]:
    with closing(stores.open("after")) as after:
        devices = {user_id: after.claim(f"of-{user_id}", user_id, "", NOW, NOW + DAY_MS).devices for user_id in USERS}
    return {user_id: {device.token or device.app_id for device in found} for user_id, found in devices.items()}


ONLY_LIN_HAS_THE_PHONE = {"ada": {"shop"}, "lin": {"t", "shop"}, "eve": {"shop"}}
"""She came last. A webhook is nobody's alone."""


def test_of_a_file_of_version_1(tmp_path: Path) -> None:
    stores = SqliteFile(tmp_path / "store.db")
    with closing(stores.open("before")) as before:
        put(before)
    with closing(sqlite3.connect(tmp_path / "store.db")) as file:
        file.executescript("DROP INDEX devices_by_address; ALTER TABLE devices DROP COLUMN address_id; DROP TABLE deferred")
        file.execute("UPDATE devices SET address = ? WHERE channel = ?", (PHONE.SerializeToString(deterministic=True), PHONE.channel))
        file.commit()

    assert known(stores) == ONLY_LIN_HAS_THE_PHONE


def test_of_a_schema_of_version_2(schema: PostgresqlSchema) -> None:
    with closing(schema.open("before")) as before:
        put(before)
    with schema.server.connect() as administrator:
        administrator.execute(f"ALTER TABLE {schema.name}.devices DROP COLUMN address_id".encode())
        administrator.execute(f"DELETE FROM {schema.name}.schema_version WHERE version > 2".encode())
        administrator.execute(
            f"UPDATE {schema.name}.devices SET address = %s WHERE channel = %s".encode(),
            (PHONE.SerializeToString(deterministic=True), PHONE.channel),
        )

    assert known(schema) == ONLY_LIN_HAS_THE_PHONE
