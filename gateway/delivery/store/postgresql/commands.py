"""Gateways, and commands: each is delivered by one."""

from collections.abc import Callable, Sequence

from gateway.delivery.outcomes import Report
from gateway.delivery.store.postgresql.deferred import DeferredCommands
from gateway.delivery.store.postgresql.keys import key, shown
from gateway.delivery.store.postgresql.session import Session
from gateway.delivery.store.records import from_feedback, to_feedback
from gateway.delivery.store.values import Claim, Standing, StreamEntry, Wanted
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target

# What stands in `commands` is as it was before this statement: of a command that it inserts, nothing.
_CLAIM = """
WITH asked AS (
  SELECT * FROM unnest(%(command_ids)s::text[], %(user_ids)s::text[], %(origins)s::text[], %(now_ms)s::bigint[], %(keep_until_ms)s::bigint[])
           WITH ORDINALITY AS a (command_id, user_id, origin, now_ms, keep_until_ms, number)
), inserted AS (
  INSERT INTO commands (command_id, user_id, gateway, origin, keep_until_ms)
  SELECT command_id, user_id, %(gateway)s, origin, keep_until_ms FROM asked ORDER BY number ON CONFLICT (command_id) DO NOTHING
)
SELECT c.gateway, c.origin, c.outcome, c.report, coalesce(g.alive_until_ms, 0) > a.now_ms,
       EXISTS (SELECT 1 FROM presence p LEFT JOIN gateways h ON h.gateway = p.gateway WHERE p.user_id = a.user_id
               AND (p.until_ms > a.now_ms OR (p.until_ms IS NULL AND h.alive_until_ms + %(linger_ms)s > a.now_ms))),
       ARRAY(SELECT d.address FROM devices d WHERE d.user_id = a.user_id AND NOT d.retired ORDER BY d.at_ms DESC, d.device_id, d.channel)
FROM asked a LEFT JOIN commands c USING (command_id) LEFT JOIN gateways g ON g.gateway = c.gateway
ORDER BY a.number
"""
_SETTLE = """
UPDATE commands c SET outcome = s.outcome, report = s.report
FROM unnest(%s::text[], %s::integer[], %s::bytea[]) AS s (command_id, outcome, report)
WHERE c.command_id = s.command_id AND c.outcome IS NULL
"""

# Gateways are few and their users many: one look into the index for each gateway.
_LEAVE_THE_DEAD = """
WITH RECURSIVE there (gateway) AS (
  (SELECT gateway FROM presence ORDER BY gateway LIMIT 1)
  UNION ALL
  SELECT (SELECT p.gateway FROM presence p WHERE p.gateway > there.gateway ORDER BY p.gateway LIMIT 1) FROM there WHERE there.gateway IS NOT NULL
)
DELETE FROM presence p USING there WHERE p.gateway = there.gateway AND p.until_ms IS NULL
AND NOT EXISTS (SELECT 1 FROM gateways g WHERE g.gateway = there.gateway AND g.alive_until_ms > %s)
"""


class Commands:
    """Of ``Store``, this part."""

    def __init__(self, session: Session, gateway: str, linger_ms: int) -> None:
        self._session = session
        self._gateway = gateway
        self._linger_ms = linger_ms

    def alive(self, until_ms: int) -> None:  # noqa: D102 - as Store
        with self._session.turn():
            self._session.count(
                "INSERT INTO gateways VALUES (%s, %s) ON CONFLICT (gateway) DO UPDATE SET alive_until_ms = excluded.alive_until_ms",
                (self._gateway, until_ms),
            )

    def leave(self, now_ms: int, linger_ms: int) -> None:  # noqa: D102
        with self._session.turn():
            left = (now_ms + linger_ms, self._gateway)
            self._session.count("UPDATE presence SET until_ms = %s WHERE gateway = %s AND until_ms IS NULL", left)
            self._session.count("DELETE FROM gateways WHERE gateway = %s", (self._gateway,))

    def claim(self, asked: Sequence[Wanted]) -> list[Claim]:
        """As ``Store.claim_all``."""
        if not asked:
            return []
        with self._session.turn():
            rows = self._session.rows(
                _CLAIM,
                {
                    "command_ids": [key(each.command_id) for each in asked],
                    "user_ids": [key(each.user_id) for each in asked],
                    "origins": [each.origin for each in asked],
                    "now_ms": [each.now_ms for each in asked],
                    "keep_until_ms": [each.keep_until_ms for each in asked],
                    "gateway": self._gateway,
                    "linger_ms": self._linger_ms,
                },
            )
            claims: list[Claim] = []
            taken_over: set[str] = set()
            for each, (gateway, origin, outcome, report, its_gateway_lives, connected, devices) in zip(asked, rows, strict=True):
                if outcome is not None:
                    claims.append(Claim(Standing.SETTLED, from_feedback(report), same_record=origin == each.origin))
                    continue
                standing = Standing.MINE
                if gateway not in (None, self._gateway) and each.command_id not in taken_over:
                    if its_gateway_lives:
                        claims.append(Claim(Standing.HELD))
                        continue
                    taken_over.add(each.command_id)
                    standing = Standing.TAKEN_OVER
                claims.append(Claim(standing, connected=connected, devices=tuple(Target.FromString(address) for address in devices)))
            if taken_over:
                self._session.count("UPDATE commands SET gateway = %s WHERE command_id = ANY(%s)", (self._gateway, list(taken_over)))
        return claims

    def settle(self, reports: Sequence[Report]) -> None:
        """As ``Store.settle_all``: of each command, the first word stands."""
        if not reports:
            return
        first: dict[str, Report] = {}
        for report in reports:
            first.setdefault(key(report.command_id), report)
        with self._session.turn():
            told = [to_feedback(report) for report in first.values()]
            self._session.count(_SETTLE, (list(first), [report.outcome for report in first.values()], told))

    def settled(self, command_id: str) -> Report | None:  # noqa: D102
        rows = self._session.rows("SELECT report FROM commands WHERE command_id = %s AND outcome IS NOT NULL", (key(command_id),))
        return from_feedback(rows[0][0]) if rows else None

    def settle_routes(self, routes: Sequence[tuple[str, str]]) -> None:
        """Of each of these (command id, route)."""
        with self._session.turn():
            self._session.count(
                "INSERT INTO routes SELECT * FROM unnest(%s::text[], %s::bytea[]) ON CONFLICT DO NOTHING",
                ([key(command_id) for command_id, _ in routes], [route.encode() for _, route in routes]),
            )

    def settled_routes(self, command_id: str) -> frozenset[str]:  # noqa: D102
        rows = self._session.rows("SELECT route FROM routes WHERE command_id = %s", (key(command_id),))
        return frozenset(bytes(route).decode() for (route,) in rows)

    def owner(self, command_id: str) -> str | None:  # noqa: D102
        rows = self._session.rows("SELECT user_id FROM commands WHERE command_id = %s", (key(command_id),))
        return shown(rows[0][0]) if rows else None

    def cancelled(
        self,
        command_id: str,
        user_id: str,
        now_ms: int,
        keep_until_ms: int,
        withdraw: Callable[[str], StreamEntry | None],
        deferred: DeferredCommands,
    ) -> bool:
        """``withdraw``: takes it out of the stream, if it still waits there."""
        told = Report(user_id, command_id, feedback_pb2.OUTCOME_CANCELLED, now_ms, reason="taken back")
        with self._session.turn():
            rows = self._session.rows("SELECT user_id, outcome FROM commands WHERE command_id = %s", (key(command_id),))
            users = frozenset(rows[0][:1]) if rows else deferred.users(command_id)
            if users and key(user_id) not in users:
                return False
            if not rows:
                self._session.count(
                    """INSERT INTO commands (command_id, user_id, gateway, origin, outcome, report, keep_until_ms)
                       VALUES (%s, %s, %s, '', %s, %s, %s)""",
                    (key(command_id), key(user_id), self._gateway, told.outcome, to_feedback(told), keep_until_ms),
                )
            elif withdraw(command_id) is not None or rows[0][1] is None:
                values = (told.outcome, to_feedback(told), key(command_id))
                self._session.count("UPDATE commands SET outcome = %s, report = %s WHERE command_id = %s", values)
            elif rows[0][1] != told.outcome:
                return False
            deferred.take_out(command_id, user_id)
        return True

    def sweep(self, now_ms: int) -> None:
        """Forget what is over: not more at once than takes about a second, for nobody else writes meanwhile."""
        with self._session.turn():
            self._session.count(
                """WITH over AS (DELETE FROM commands WHERE command_id IN
                     (SELECT command_id FROM commands WHERE keep_until_ms <= %s ORDER BY keep_until_ms LIMIT %s) RETURNING command_id)
                   DELETE FROM routes USING over WHERE routes.command_id = over.command_id""",
                (now_ms, _MOST_AT_ONCE),
            )
            self._session.count("DELETE FROM presence WHERE until_ms <= %s", (now_ms,))
            self._session.count(_LEAVE_THE_DEAD, (now_ms - self._linger_ms,))
            self._session.count("DELETE FROM gateways WHERE alive_until_ms <= %s", (now_ms - self._linger_ms,))


_MOST_AT_ONCE = 50_000
