"""The tables of the SQLite store, made or brought up to date when a gateway opens the file."""

import sqlite3
from importlib.resources import files

from gateway.delivery.addresses import address_id
from gateway.delivery.store.addresses_apart import ONE_USER_EACH
from kairos.v1.push_pb2 import Target


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Idempotent; several that open the file at once wait for one another."""
    db.executescript(files("gateway.delivery.store").joinpath("schema.sql").read_text(encoding="utf-8"))
    db.execute("BEGIN IMMEDIATE")
    try:
        if not db.execute("SELECT 1 FROM pragma_table_info('devices') WHERE name = 'address_id'").fetchone():
            _tell_addresses_apart(db)
        db.execute("CREATE INDEX IF NOT EXISTS devices_by_address ON devices (address_id) WHERE address_id <> ''")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _tell_addresses_apart(db: sqlite3.Connection) -> None:
    """From version 1 to version 2."""
    db.execute("ALTER TABLE devices ADD COLUMN address_id TEXT NOT NULL DEFAULT ''")
    for address, *which in db.execute("SELECT address, user_id, device_id, channel FROM devices").fetchall():
        db.execute(
            "UPDATE devices SET address_id = ? WHERE user_id = ? AND device_id = ? AND channel = ?",
            (address_id(Target.FromString(address)), *which),
        )
    db.execute(ONE_USER_EACH)
