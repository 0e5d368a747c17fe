"""A store in one SQLite file, shared by all gateways of one machine.

Write-ahead log: readers do not wait, writers wait for one another (``busy_ms``). With ``synchronous: normal`` what was committed
survives the death of every process, with ``full`` also that of the machine.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from gateway.delivery.addresses import device_id
from gateway.delivery.outcomes import Report
from gateway.delivery.store.records import from_feedback, to_feedback
from gateway.delivery.store.values import Appended, Claim, Standing, StreamEntry
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target

_ENTRY = "stream_id, user_id, command_id, payload, collapse_key, expires_at_ms"
_PRESENT = """SELECT 1 FROM presence LEFT JOIN gateways USING (gateway) WHERE user_id = ?1
              AND (until_ms > ?2 OR (until_ms IS NULL AND alive_until_ms + ?3 > ?2)) LIMIT 1"""


class SqliteStore:
    """See ``Store``. ``gateway`` is unique for each process. Belongs to the thread that calls it first."""

    def __init__(self, path: Path, gateway: str, *, synchronous: str, busy_ms: int, linger_ms: int) -> None:
        if str(path) != ":memory:":
            path.parent.mkdir(parents=True, exist_ok=True)
        self._gateway = gateway
        self._linger_ms = linger_ms
        self._db = sqlite3.connect(path, timeout=busy_ms / 1000, isolation_level=None, cached_statements=256, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {synchronous}")
        self._db.executescript(files("gateway.delivery.store").joinpath("schema.sql").read_text(encoding="utf-8"))
        self._version = self._data_version()

    def begin(self) -> None:  # noqa: D102 - as Store
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:  # noqa: D102
        self._db.execute("COMMIT")

    def rollback(self) -> None:  # noqa: D102
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:  # noqa: D102
        self._db.close()

    def alive(self, until_ms: int) -> None:  # noqa: D102
        self._db.execute("INSERT OR REPLACE INTO gateways VALUES (?, ?)", (self._gateway, until_ms))

    def leave(self, now_ms: int, linger_ms: int) -> None:  # noqa: D102
        self._db.execute("UPDATE presence SET until_ms = ? WHERE gateway = ? AND until_ms IS NULL", (now_ms + linger_ms, self._gateway))
        self._db.execute("DELETE FROM gateways WHERE gateway = ?", (self._gateway,))

    def claim(self, command_id: str, user_id: str, origin: str, now_ms: int, keep_until_ms: int) -> Claim:  # noqa: D102
        inserted = self._db.execute(
            "INSERT OR IGNORE INTO commands (command_id, user_id, gateway, origin, keep_until_ms) VALUES (?, ?, ?, ?, ?)",
            (command_id, user_id, self._gateway, origin, keep_until_ms),
        ).rowcount
        standing = Standing.MINE
        if not inserted:
            gateway, first_origin, outcome, report, alive_until_ms = self._db.execute(
                "SELECT gateway, origin, outcome, report, alive_until_ms FROM commands LEFT JOIN gateways USING (gateway) WHERE command_id = ?",
                (command_id,),
            ).fetchone()
            if outcome is not None:
                return Claim(Standing.SETTLED, from_feedback(report), same_record=first_origin == origin)
            if gateway != self._gateway:
                if (alive_until_ms or 0) > now_ms:
                    return Claim(Standing.HELD)
                self._db.execute("UPDATE commands SET gateway = ? WHERE command_id = ?", (self._gateway, command_id))
                standing = Standing.TAKEN_OVER
        connected = self._db.execute(_PRESENT, (user_id, now_ms, self._linger_ms)).fetchone() is not None
        rows = self._db.execute("SELECT address FROM devices WHERE user_id = ? AND NOT retired ORDER BY at_ms DESC", (user_id,))
        return Claim(standing, connected=connected, devices=tuple(Target.FromString(address) for (address,) in rows))

    def settle(self, report: Report, route: str = "") -> None:  # noqa: D102
        if route:
            self._db.execute("INSERT OR IGNORE INTO routes VALUES (?, ?)", (report.command_id, route))
            return
        self._db.execute(
            "UPDATE commands SET outcome = ?, report = ? WHERE command_id = ? AND outcome IS NULL",
            (report.outcome, to_feedback(report), report.command_id),
        )

    def settled_routes(self, command_id: str) -> frozenset[str]:  # noqa: D102
        return frozenset(route for (route,) in self._db.execute("SELECT route FROM routes WHERE command_id = ?", (command_id,)))

    def owner(self, command_id: str) -> str | None:  # noqa: D102
        row = self._db.execute("SELECT user_id FROM commands WHERE command_id = ?", (command_id,)).fetchone()
        return row[0] if row else None

    def cancelled(self, command_id: str, user_id: str, now_ms: int, keep_until_ms: int) -> bool:  # noqa: D102
        report = Report(user_id, command_id, feedback_pb2.OUTCOME_CANCELLED, now_ms, reason="taken back")
        row = self._db.execute("SELECT outcome FROM commands WHERE command_id = ? AND user_id = ?", (command_id, user_id)).fetchone()
        if row is None:
            self._db.execute(
                "INSERT OR IGNORE INTO commands VALUES (?, ?, ?, '', ?, ?, ?)",
                (command_id, user_id, self._gateway, report.outcome, to_feedback(report), keep_until_ms),
            )
            return True
        withdrawn = self.withdraw(command_id) is not None
        if withdrawn or row[0] is None:
            self._db.execute(
                "UPDATE commands SET outcome = ?, report = ? WHERE command_id = ?", (report.outcome, to_feedback(report), command_id)
            )
        return withdrawn or row[0] is None

    def append(self, entry: StreamEntry, settled: Report | None, keep: int, *, sent: bool) -> Appended:  # noqa: D102
        user_id = entry.user_id
        there = self._entries("WHERE command_id = ?", (entry.command_id,))
        if there:
            appended = Appended(there[0], is_new=False)
        else:
            replaced: list[StreamEntry] = []
            if entry.collapse_key:
                where = "WHERE user_id = ? AND collapse_key = ? AND acknowledged_at_ms IS NULL"
                replaced = self._entries(where, (user_id, entry.collapse_key))
            gone = {old.stream_id for old in replaced}
            mine = self._entries("WHERE user_id = ? AND acknowledged_at_ms IS NULL ORDER BY stream_id", (user_id,))
            waiting = [old for old in mine if old.stream_id not in gone]
            overflowed = waiting[: max(0, len(waiting) + 1 - keep)]
            self.remove([old.stream_id for old in (*replaced, *overflowed)])
            cursor = self._db.execute(
                "INSERT INTO stream (user_id, command_id, payload, collapse_key, expires_at_ms, gateway, sent) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (user_id, entry.command_id, entry.payload, entry.collapse_key, entry.expires_at_ms, self._gateway, int(sent)),
            )
            stream_id = cursor.lastrowid or 0
            new = StreamEntry(stream_id, user_id, entry.command_id, entry.payload, entry.collapse_key, entry.expires_at_ms)
            appended = Appended(new, replaced=tuple(replaced), overflowed=tuple(overflowed))
        if settled is not None:
            self.settle(settled)
        return appended

    def withdraw(self, command_id: str) -> StreamEntry | None:  # noqa: D102
        found = self._entries("WHERE command_id = ? AND acknowledged_at_ms IS NULL", (command_id,))
        self.remove([entry.stream_id for entry in found])
        return found[0] if found else None

    def after(self, user_id: str, device: str, last_id: int | None, now_ms: int) -> Sequence[StreamEntry]:  # noqa: D102
        row = self._db.execute("SELECT stream_id FROM cursors WHERE user_id = ? AND device_id = ?", (user_id, device)).fetchone()
        if row is None and last_id is None:
            where = "WHERE user_id = ? AND acknowledged_at_ms IS NULL AND expires_at_ms > ? ORDER BY stream_id"
            found = self._entries(where, (user_id, now_ms))
        else:
            start = max(min(last_id or 0, self.newest_id()), row[0] if row else 0)
            found = self._entries("WHERE user_id = ? AND stream_id > ? AND expires_at_ms > ? ORDER BY stream_id", (user_id, start, now_ms))
        self._db.executemany("UPDATE stream SET sent = 1 WHERE stream_id = ? AND NOT sent", [(entry.stream_id,) for entry in found])
        return found

    def unacknowledged(self, user_id: str, up_to_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        return self._entries("WHERE user_id = ? AND stream_id <= ? AND acknowledged_at_ms IS NULL", (user_id, up_to_id))

    def acknowledge(self, user_id: str, device: str, up_to_id: int, now_ms: int) -> None:  # noqa: D102
        up_to_id = min(up_to_id, self.newest_id())  # no client may say that it has what does not exist yet
        self._db.execute(
            "UPDATE stream SET acknowledged_at_ms = ? WHERE user_id = ? AND stream_id <= ? AND acknowledged_at_ms IS NULL",
            (now_ms, user_id, up_to_id),
        )
        self._db.execute(
            """INSERT INTO cursors VALUES (?, ?, ?, ?) ON CONFLICT (user_id, device_id)
               DO UPDATE SET stream_id = max(stream_id, excluded.stream_id), at_ms = excluded.at_ms""",
            (user_id, device, up_to_id, now_ms),
        )

    def acknowledged(self, stream_ids: Sequence[int]) -> Sequence[int]:  # noqa: D102
        return [
            stream_id for stream_id in stream_ids if not self._entries("WHERE stream_id = ? AND acknowledged_at_ms IS NULL", (stream_id,))
        ]

    def changed(self) -> bool:  # noqa: D102
        before, self._version = self._version, self._data_version()
        return before != self._version

    def written_by_others(self, after_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        return self._entries("WHERE stream_id > ? AND gateway != ? ORDER BY stream_id", (after_id, self._gateway))

    def newest_id(self) -> int:  # noqa: D102
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'stream'").fetchone()
        return row[0] if row else 0

    def connect(self, user_id: str, device: str) -> None:  # noqa: D102
        self._db.execute("INSERT OR REPLACE INTO presence VALUES (?, ?, ?, NULL)", (user_id, device, self._gateway))

    def disconnect(self, user_id: str, device: str, until_ms: int) -> None:  # noqa: D102
        self._db.execute(
            "UPDATE presence SET until_ms = ? WHERE user_id = ? AND device_id = ? AND gateway = ?",
            (until_ms, user_id, device, self._gateway),
        )

    def put_devices(self, user_id: str, devices: Iterable[Target], at_ms: int, *, all_of_them: bool, most: int) -> None:  # noqa: D102
        if all_of_them:
            self._db.execute("DELETE FROM devices WHERE user_id = ? AND at_ms < ? AND NOT retired", (user_id, at_ms))
        for device in devices:
            # A token that was retired comes back only by another word than the one that was retired.
            self._db.execute(
                """INSERT INTO devices VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (user_id, device_id, channel) DO UPDATE
                   SET address = excluded.address, at_ms = excluded.at_ms, retired = retired AND address = excluded.address
                   WHERE excluded.at_ms >= at_ms""",
                (user_id, device_id(device), device.channel, device.SerializeToString(deterministic=True), at_ms),
            )
        self._db.execute(
            """DELETE FROM devices WHERE (user_id, device_id, channel) IN
               (SELECT user_id, device_id, channel FROM devices WHERE user_id = ? ORDER BY at_ms DESC LIMIT -1 OFFSET ?)""",
            (user_id, most),
        )

    def retire_device(self, user_id: str, device: Target, at_ms: int) -> bool:  # noqa: D102
        done = self._db.execute(
            "UPDATE devices SET retired = 1, at_ms = max(at_ms, ?) WHERE user_id = ? AND device_id = ? AND channel = ? AND address = ?",
            (at_ms, user_id, device_id(device), device.channel, device.SerializeToString(deterministic=True)),
        )
        return done.rowcount > 0

    def forget_device(self, user_id: str, device: str) -> bool:  # noqa: D102
        return self._db.execute("DELETE FROM devices WHERE user_id = ? AND device_id = ?", (user_id, device)).rowcount > 0

    def forget_user(self, user_id: str) -> None:  # noqa: D102
        for table in ("devices", "presence", "cursors", "stream"):
            self._db.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))
        self._db.execute("UPDATE commands SET user_id = '', report = NULL WHERE user_id = ?", (user_id,))

    def expired(self, now_ms: int, most: int) -> Sequence[tuple[StreamEntry, bool]]:  # noqa: D102
        rows = self._db.execute(
            f"SELECT {_ENTRY}, sent OR acknowledged_at_ms IS NOT NULL FROM stream WHERE expires_at_ms <= ? LIMIT ?", (now_ms, most)
        )
        return [(StreamEntry(*row[:-1]), bool(row[-1])) for row in rows]

    def remove(self, stream_ids: Sequence[int]) -> None:  # noqa: D102
        self._db.executemany("DELETE FROM stream WHERE stream_id = ?", [(stream_id,) for stream_id in stream_ids])

    def sweep(self, now_ms: int) -> None:  # noqa: D102
        over = "SELECT command_id FROM commands WHERE keep_until_ms <= ?"
        self._db.execute(f"DELETE FROM routes WHERE command_id IN ({over})", (now_ms,))
        self._db.execute("DELETE FROM commands WHERE keep_until_ms <= ?", (now_ms,))
        self._db.execute("DELETE FROM presence WHERE until_ms <= ?", (now_ms,))
        self._db.execute(
            "DELETE FROM presence WHERE until_ms IS NULL AND gateway NOT IN (SELECT gateway FROM gateways WHERE alive_until_ms + ? > ?)",
            (self._linger_ms, now_ms),
        )
        self._db.execute("DELETE FROM gateways WHERE alive_until_ms + ? <= ?", (self._linger_ms, now_ms))
        self._db.execute("DELETE FROM cursors WHERE at_ms <= ?", (now_ms - _CURSOR_MS,))

    def _entries(self, where: str, values: tuple[object, ...]) -> list[StreamEntry]:
        return [StreamEntry(*row) for row in self._db.execute(f"SELECT {_ENTRY} FROM stream {where}", values)]

    def _data_version(self) -> int:
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return version


_CURSOR_MS = 90 * 86_400_000
"""How far a device came is forgotten after a quarter of a year: no entry lives that long."""
