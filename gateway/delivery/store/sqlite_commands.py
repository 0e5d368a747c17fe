"""Of the SQLite store: who delivers a command, and what became of it."""

from collections.abc import Sequence

from gateway.delivery.outcomes import Report
from gateway.delivery.store.records import from_feedback, to_feedback
from gateway.delivery.store.sqlite_part import SqlitePart
from gateway.delivery.store.values import Claim, Standing, Wanted
from kairos.v1.push_pb2 import Target

_STANDING = """SELECT command_id, gateway, origin, outcome, report, alive_until_ms FROM commands LEFT JOIN gateways USING (gateway)
               WHERE command_id IN ({keys})"""
_PRESENCE = "SELECT user_id, until_ms, alive_until_ms FROM presence LEFT JOIN gateways USING (gateway) WHERE user_id IN ({keys})"
_DEVICES = "SELECT user_id, address FROM devices WHERE user_id IN ({keys}) AND NOT retired ORDER BY at_ms DESC"
_Presence = tuple[int | None, int | None]
_Standing = tuple[str, str, int | None, bytes | None, int | None]


class SqliteCommands(SqlitePart):
    """See ``Store``."""

    def claim(self, command_id: str, user_id: str, origin: str, now_ms: int, keep_until_ms: int) -> Claim:  # noqa: D102 - as Store
        return self.claim_all([Wanted(command_id, user_id, origin, now_ms, keep_until_ms)])[0]

    def claim_all(self, wanted: Sequence[Wanted]) -> list[Claim]:  # noqa: D102
        with self._transaction():
            known: dict[str, _Standing] = {row[0]: row[1:] for row in self._about(_STANDING, (each.command_id for each in wanted))}
            presence: dict[str, list[_Presence]] = {}
            for user_id, until_ms, alive_until_ms in self._about(_PRESENCE, (each.user_id for each in wanted)):
                presence.setdefault(user_id, []).append((until_ms, alive_until_ms))
            devices: dict[str, list[bytes]] = {}
            for user_id, address in self._about(_DEVICES, (each.user_id for each in wanted)):
                devices.setdefault(user_id, []).append(address)
            claims, new, taken_over = [], [], []
            for each in wanted:
                standing = Standing.MINE
                before = known.get(each.command_id)
                if before is None:
                    new.append((each.command_id, each.user_id, self._gateway, each.origin, each.keep_until_ms))
                    known[each.command_id] = (self._gateway, each.origin, None, None, None)
                else:
                    gateway, origin, outcome, report, alive_until_ms = before
                    if outcome is not None:
                        claims.append(Claim(Standing.SETTLED, from_feedback(report), same_record=origin == each.origin))
                        continue
                    if gateway != self._gateway:
                        if (alive_until_ms or 0) > each.now_ms:
                            claims.append(Claim(Standing.HELD))
                            continue
                        taken_over.append((self._gateway, each.command_id))
                        known[each.command_id] = (self._gateway, origin, None, None, None)
                        standing = Standing.TAKEN_OVER
                connected = any(self._present(*at, each.now_ms) for at in presence.get(each.user_id, ()))
                addresses = tuple(Target.FromString(address) for address in devices.get(each.user_id, ()))
                claims.append(Claim(standing, connected=connected, devices=addresses))
            self._db.executemany("INSERT INTO commands (command_id, user_id, gateway, origin, keep_until_ms) VALUES (?, ?, ?, ?, ?)", new)
            self._db.executemany("UPDATE commands SET gateway = ? WHERE command_id = ?", taken_over)
        return claims

    def settle(self, report: Report, route: str = "") -> None:  # noqa: D102
        if route:
            self._db.execute("INSERT OR IGNORE INTO routes VALUES (?, ?)", (report.command_id, route))
        else:
            self.settle_all([report])

    def settle_all(self, reports: Sequence[Report]) -> None:  # noqa: D102
        with self._transaction():
            self._db.executemany(
                "UPDATE commands SET outcome = ?, report = ? WHERE command_id = ? AND outcome IS NULL",
                [(report.outcome, to_feedback(report), report.command_id) for report in reports],
            )

    def settled(self, command_id: str) -> Report | None:  # noqa: D102
        row = self._db.execute("SELECT report FROM commands WHERE command_id = ? AND outcome IS NOT NULL", (command_id,)).fetchone()
        return from_feedback(row[0]) if row else None

    def settled_routes(self, command_id: str) -> frozenset[str]:  # noqa: D102
        return frozenset(route for (route,) in self._db.execute("SELECT route FROM routes WHERE command_id = ?", (command_id,)))

    def owner(self, command_id: str) -> str | None:  # noqa: D102
        row = self._db.execute("SELECT user_id FROM commands WHERE command_id = ?", (command_id,)).fetchone()
        return row[0] if row else None

    def _present(self, until_ms: int | None, alive_until_ms: int | None, now_ms: int) -> bool:
        """Connected to a gateway that lives, or was until a moment ago."""
        if until_ms is not None:
            return until_ms > now_ms
        return alive_until_ms is not None and alive_until_ms + self._linger_ms > now_ms
