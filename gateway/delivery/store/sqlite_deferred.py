"""Of the SQLite store: commands whose moment has not come."""

from collections.abc import Sequence

from gateway.delivery.store.sqlite_part import SqlitePart
from gateway.delivery.store.values import Deferred

_DEFERRED = "command_id, user_id, origin, due_ms, record"
# Taken by nobody, or by a gateway that is dead. Of one partition, of two places the longer text is the later one, or else the greater.
_FREE = """FROM deferred LEFT JOIN gateways USING (gateway)
           WHERE due_ms <= ? AND (gateway = '' OR (gateway <> ? AND coalesce(alive_until_ms, 0) <= ?))
           ORDER BY due_ms, length(origin), origin LIMIT ?"""
_EVER = (1 << 63) - 1


class SqliteDeferred(SqlitePart):
    """See ``Store``."""

    def defer(self, several: Sequence[Deferred]) -> None:  # noqa: D102 - as Store
        with self._transaction():
            self._db.executemany(f"INSERT OR IGNORE INTO deferred ({_DEFERRED}) VALUES (?, ?, ?, ?, ?)", several)

    def take_due(self, now_ms: int, most: int) -> tuple[Sequence[Deferred], int | None]:  # noqa: D102
        with self._transaction():
            found = self._db.execute(f"SELECT {_DEFERRED} {_FREE}", (now_ms, self._gateway, now_ms, most))
            due = [Deferred(*row) for row in found]
            self._db.executemany(
                "UPDATE deferred SET gateway = ? WHERE command_id = ? AND origin = ?",
                [(self._gateway, each.command_id, each.origin) for each in due],
            )
            following = self._db.execute(f"SELECT due_ms {_FREE}", (_EVER, self._gateway, now_ms, 1)).fetchone()
        return due, following[0] if following else None

    def done_deferred(self, several: Sequence[Deferred]) -> None:  # noqa: D102
        with self._transaction():
            of_records = [(each.command_id, each.origin) for each in several]
            self._db.executemany("DELETE FROM deferred WHERE command_id = ? AND origin = ?", of_records)

    def _deferred_users(self, command_id: str) -> frozenset[str]:
        """Whose it is, if it waits: of one user, unless two were given the same id."""
        return frozenset(user_id for (user_id,) in self._db.execute("SELECT user_id FROM deferred WHERE command_id = ?", (command_id,)))
