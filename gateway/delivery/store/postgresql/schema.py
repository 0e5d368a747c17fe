"""The tables, made or brought up to date when a gateway starts; several that start at once wait for one another.

A step from one version to the next is a file, ``schema-N.sql``, that is never changed once it is released. Gateways of the version
before go on working with the tables of the next one, so that they can be replaced one after another.
"""

from collections.abc import Iterator
from importlib.resources import files

from psycopg import sql

from gateway.delivery.addresses import address_id
from gateway.delivery.store.addresses_apart import ONE_USER_EACH
from gateway.delivery.store.postgresql.connecting import Db
from kairos.errors import KairosError
from kairos.v1.push_pb2 import Target

NEWEST_VERSION = 3
_ADDRESSES_APART = 3
_MOST_AT_ONCE = 5_000
_LOCK = 0x6B616972  # "kair"


def migrate(db: Db, schema: str) -> None:
    """Raises KairosError for tables of a later version, and psycopg.Error if this user may not make any."""
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if not db.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone():
            db.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        version = _version(db)
        if version > NEWEST_VERSION:
            raise KairosError(
                f"The store's tables are of version {version}, this gateway knows them up to {NEWEST_VERSION}.",
                "Use a later gateway, or another delivery.store.postgresql.schema_name.",
            )
        for number, step in _steps(version):
            db.execute(step)
            if number == _ADDRESSES_APART:
                _tell_addresses_apart(db)
            db.execute("INSERT INTO schema_version VALUES (%s)", (number,))


def _version(db: Db) -> int:
    """Of the tables that are there; 0: there are none yet. Asks first, since a user who may use the tables may not be allowed to make any."""
    found = db.execute("SELECT to_regclass('schema_version')").fetchone()
    if found is None or found[0] is None:
        db.execute("CREATE TABLE schema_version (version integer NOT NULL)")
        return 0
    row = db.execute("SELECT max(version) FROM schema_version").fetchone()
    return row[0] if row and row[0] else 0


def _steps(version: int) -> Iterator[tuple[int, sql.SQL]]:
    folder = files("gateway.delivery.store.postgresql")
    for number in range(version + 1, NEWEST_VERSION + 1):
        yield number, sql.SQL(folder.joinpath(f"schema-{number}.sql").read_text(encoding="utf-8"))


def _tell_addresses_apart(db: Db) -> None:
    """Of the devices that are there, what PostgreSQL cannot work out."""
    with db.cursor("devices") as there, db.cursor() as changing:
        there.execute("SELECT address, user_id, device_id, channel FROM devices")
        while rows := there.fetchmany(_MOST_AT_ONCE):
            changing.executemany(
                "UPDATE devices SET address_id = %s WHERE user_id = %s AND device_id = %s AND channel = %s",
                [(address_id(Target.FromString(address)), *which) for address, *which in rows],
            )
        changing.execute(ONE_USER_EACH)
