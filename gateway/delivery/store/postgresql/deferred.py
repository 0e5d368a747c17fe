"""Commands whose moment has not come."""

from collections.abc import Sequence

from gateway.delivery.store.postgresql.keys import key, shown
from gateway.delivery.store.postgresql.session import Session
from gateway.delivery.store.values import Deferred

# Taken by nobody, or by a gateway that is dead.
_FREE = """(d.gateway = '' OR (d.gateway <> %(gateway)s
            AND NOT EXISTS (SELECT 1 FROM gateways g WHERE g.gateway = d.gateway AND g.alive_until_ms > %(now_ms)s)))"""
# Of one partition, of two places the longer text is the later one, or else the greater.
_IN_ORDER = "ORDER BY d.due_ms, length(d.origin), d.origin"
_DEFER = """
INSERT INTO deferred (command_id, user_id, origin, due_ms, record)
SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::bytea[]) ON CONFLICT DO NOTHING
"""
_NEXT = f"SELECT d.due_ms FROM deferred d WHERE {_FREE} {_IN_ORDER} LIMIT 1"
_TAKE = f"""
UPDATE deferred t SET gateway = %(gateway)s
FROM (SELECT d.command_id, d.origin FROM deferred d WHERE d.due_ms <= %(now_ms)s AND {_FREE} {_IN_ORDER} LIMIT %(most)s) f
WHERE t.command_id = f.command_id AND t.origin = f.origin
RETURNING t.command_id, t.user_id, t.origin, t.due_ms, t.record
"""


class DeferredCommands:
    """Of ``Store``, this part."""

    def __init__(self, session: Session, gateway: str) -> None:
        self._session = session
        self._gateway = gateway

    def defer(self, several: Sequence[Deferred]) -> None:  # noqa: D102 - as Store
        rows = [each._replace(command_id=key(each.command_id), user_id=key(each.user_id)) for each in several]
        with self._session.turn():
            self._session.count(_DEFER, [list(column) for column in zip(*rows, strict=True)])

    def take_due(self, now_ms: int, most: int) -> tuple[Sequence[Deferred], int | None]:
        """As ``Store.take_due``. Takes its turn only if there is something to take."""
        values = {"gateway": self._gateway, "now_ms": now_ms, "most": most}
        due: list[Deferred] = []
        next_ms = self._next(values)
        if next_ms is not None and next_ms <= now_ms:
            with self._session.turn():
                due = [_deferred(*row) for row in self._session.rows(_TAKE, values)]
                next_ms = self._next(values)
        return sorted(due, key=lambda each: (each.due_ms, len(each.origin), each.origin)), next_ms

    def done_deferred(self, several: Sequence[Deferred]) -> None:  # noqa: D102
        query = """DELETE FROM deferred d USING unnest(%s::text[], %s::text[]) AS t (command_id, origin)
                   WHERE d.command_id = t.command_id AND d.origin = t.origin"""
        with self._session.turn():
            self._session.count(query, ([key(each.command_id) for each in several], [each.origin for each in several]))

    def users(self, command_id: str) -> frozenset[str]:
        """Keys of those who have it, if it waits: of one user, unless two were given the same id."""
        return frozenset(user for (user,) in self._session.rows("SELECT user_id FROM deferred WHERE command_id = %s", (key(command_id),)))

    def take_out(self, command_id: str, user_id: str) -> None:
        """It does not wait any more."""
        with self._session.turn():
            self._session.count("DELETE FROM deferred WHERE command_id = %s AND user_id = %s", (key(command_id), key(user_id)))

    def _next(self, values: dict[str, object]) -> int | None:
        rows = self._session.rows(_NEXT, values)
        return rows[0][0] if rows else None


def _deferred(command_id: str, user_id: str, origin: str, due_ms: int, record: bytes) -> Deferred:
    return Deferred(shown(command_id), shown(user_id), origin, due_ms, bytes(record))
