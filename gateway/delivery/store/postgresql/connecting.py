"""How the server is reached: its address from the settings, the password from the environment or a file, and neither in a message.

*Contract*: a new connection is in autocommit mode, finds the store's tables without a prefix, waits for no lock longer than
``busy_ms``, and is ended by the server if it sits in a transaction as long. A server that is silent on the network for
``silent_ms`` is taken for away.
"""

from typing import Any

import psycopg
from psycopg import Connection, conninfo, sql

from gateway.common.secrets import read_secret
from gateway.delivery.settings import PostgresqlSettings
from kairos.errors import KairosError

Db = Connection[tuple[Any, ...]]

OLDEST_SERVER = 130_000
"""PostgreSQL 13: the first that tells what became of a transaction by its 64-bit id."""

# All that is asked for is found by an index. A plan is made once: it must be as good for the tables as they will be as for empty ones,
# and making it anew for each statement would take longer than the statement.
_SESSION = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


def connect(settings: PostgresqlSettings, name: str, busy_ms: int) -> Db:
    """A new connection. ``name``: how the server's own views call it. Raises psycopg.OperationalError, and KairosError for a server too old."""
    db: Db = psycopg.connect(**_parameters(settings, name), autocommit=True)
    try:
        if db.info.server_version < OLDEST_SERVER:
            raise KairosError(
                f"The PostgreSQL server of the store is of version {db.info.server_version // 10_000}.", "It must be 13 or later."
            )
        wanted = _SESSION | {
            "search_path": sql.Identifier(settings.schema_name).as_string(db),
            "lock_timeout": str(busy_ms),
            "idle_in_transaction_session_timeout": str(busy_ms),
        }
        for name_of_it, value in wanted.items():
            db.execute("SELECT set_config(%s, %s, false)", (name_of_it, value))
        # What was committed must survive the server's crash, whatever other applications of this server ask for.
        db.execute("SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
    except BaseException:
        db.close()
        raise
    return db


def where(settings: PostgresqlSettings) -> str:
    """The address as people may see it.

    >>> where(PostgresqlSettings(address="postgresql://kairos@db.example/edge", password="", schema_name="s", connect_timeout_ms=1,
    ...                          silent_ms=1, first_wait_ms=1, max_wait_ms=1))
    'db.example:5432/edge'
    """
    found = conninfo.conninfo_to_dict(settings.address)
    return f"{found.get('host', 'localhost')}:{found.get('port', 5432)}/{found.get('dbname', found.get('user', ''))}"


def _parameters(settings: PostgresqlSettings, name: str) -> dict[str, Any]:
    silent_s = max(2, settings.silent_ms // 1000)
    parameters: dict[str, Any] = {
        "connect_timeout": max(2, settings.connect_timeout_ms // 1000),  # seconds; libpq knows no less than two
        "application_name": name,
        "target_session_attrs": "read-write",  # of several hosts the one that is not in recovery
        "keepalives": 1,
        "keepalives_idle": silent_s // 2,
        "keepalives_interval": 1,
        "keepalives_count": silent_s - silent_s // 2,
        "tcp_user_timeout": settings.silent_ms,
        **conninfo.conninfo_to_dict(settings.address),
    }
    if password := read_secret(settings.password).strip():
        parameters["password"] = password
    return parameters
