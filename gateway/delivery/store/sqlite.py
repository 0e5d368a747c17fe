"""A store in one SQLite file, shared by all gateways of one machine.

Write-ahead log: readers do not wait, writers wait for one another (``busy_ms``). With ``synchronous: normal`` what was committed
survives the death of every process, with ``full`` also that of the machine.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.delivery.addresses import address_id, device_id
from gateway.delivery.outcomes import Report
from gateway.delivery.settings import StoreLogSettings
from gateway.delivery.store.records import to_feedback
from gateway.delivery.store.sqlite_commands import SqliteCommands
from gateway.delivery.store.sqlite_deferred import SqliteDeferred
from gateway.delivery.store.sqlite_log import LogMover
from gateway.delivery.store.sqlite_schema import bring_up_to_date
from gateway.delivery.store.sqlite_stream import SqliteStream
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import CURSOR_MS, Addition, Appended, StreamEntry
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target

_MUCH_TOO_LONG = 4
"""Times as long as the log should be, it is moved within a transaction after all."""


class SqliteStore(SqliteCommands, SqliteDeferred, SqliteStream, Store):
    """See ``Store``. ``gateway`` is unique for each process. Belongs to the thread that calls it first.

    ``log``: how a thread moves the write-ahead log into the file; None: SQLite does it itself, within transactions.
    """

    def __init__(
        self, path: Path, gateway: str, *, synchronous: str, busy_ms: int, linger_ms: int, log: StoreLogSettings | None = None
    ) -> None:
        if str(path) != ":memory:":
            path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=busy_ms / 1000, isolation_level=None, cached_statements=256, check_same_thread=False)
        super().__init__(db, gateway, linger_ms)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {synchronous}")
        bring_up_to_date(self._db)
        self._version = self._data_version()
        self._mover: LogMover | None = None
        if log is not None:
            self._mover = LogMover(path, synchronous=synchronous, busy_ms=busy_ms, every_ms=log.move_ms, most_bytes=log.most_bytes)
            pages = log.most_bytes // self._db.execute("PRAGMA page_size").fetchone()[0]
            self._db.execute(f"PRAGMA wal_autocheckpoint = {_MUCH_TOO_LONG * max(1, pages)}")

    def begin(self) -> None:  # noqa: D102 - as Store
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:  # noqa: D102
        self._db.execute("COMMIT")

    def rollback(self) -> None:  # noqa: D102
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def close(self) -> None:  # noqa: D102
        if self._mover is not None:
            self._mover.stop()
        self._db.close()

    def alive(self, until_ms: int) -> None:  # noqa: D102
        self._db.execute("INSERT OR REPLACE INTO gateways VALUES (?, ?)", (self._gateway, until_ms))

    def leave(self, now_ms: int, linger_ms: int) -> None:  # noqa: D102
        self._db.execute("UPDATE presence SET until_ms = ? WHERE gateway = ? AND until_ms IS NULL", (now_ms + linger_ms, self._gateway))
        self._db.execute("DELETE FROM gateways WHERE gateway = ?", (self._gateway,))

    def cancelled(self, command_id: str, user_id: str, now_ms: int, keep_until_ms: int) -> bool:  # noqa: D102
        report = Report(user_id, command_id, feedback_pb2.OUTCOME_CANCELLED, now_ms, reason="taken back")
        row = self._db.execute("SELECT user_id, outcome FROM commands WHERE command_id = ?", (command_id,)).fetchone()
        users = frozenset(row[:1]) if row else self._deferred_users(command_id)
        if users and user_id not in users:
            return False
        if row is None:
            self._db.execute(
                "INSERT INTO commands VALUES (?, ?, ?, '', ?, ?, ?)",
                (command_id, user_id, self._gateway, report.outcome, to_feedback(report), keep_until_ms),
            )
        elif self.withdraw(command_id) is not None or row[1] is None:
            self._db.execute(
                "UPDATE commands SET outcome = ?, report = ? WHERE command_id = ?", (report.outcome, to_feedback(report), command_id)
            )
        elif row[1] != report.outcome:
            return False
        self._db.execute("DELETE FROM deferred WHERE command_id = ? AND user_id = ?", (command_id, user_id))
        return True

    def append(self, entry: StreamEntry, settled: Report | None, keep: int, *, sent: bool) -> Appended:  # noqa: D102
        return self.append_all([Addition(entry, settled, keep, sent)])[0]

    def append_all(self, additions: Sequence[Addition]) -> list[Appended]:  # noqa: D102
        with self._transaction():
            answers = self._add(additions)
            self.settle_all([each.settled for each in additions if each.settled is not None])
        return answers

    def changed(self) -> bool:  # noqa: D102
        before, self._version = self._version, self._data_version()
        return before != self._version

    def connect(self, user_id: str, device: str) -> None:  # noqa: D102
        self._db.execute("INSERT OR REPLACE INTO presence VALUES (?, ?, ?, NULL)", (user_id, device, self._gateway))

    def disconnect(self, user_id: str, device: str, until_ms: int) -> None:  # noqa: D102
        self._db.execute(
            "UPDATE presence SET until_ms = ? WHERE user_id = ? AND device_id = ? AND gateway = ?",
            (until_ms, user_id, device, self._gateway),
        )

    def put_devices(  # noqa: D102
        self, user_id: str, devices: Iterable[Target], at_ms: int, *, all_of_them: bool, most: int, also: Sequence[str] = ()
    ) -> None:
        if all_of_them:
            self._db.execute("DELETE FROM devices WHERE user_id = ? AND at_ms < ? AND NOT retired", (user_id, at_ms))
        for device in devices:
            address = address_id(device)
            if address and not self._takes(address, (user_id, *also), at_ms):
                continue
            # A token that was retired comes back only by another word than the one that was retired.
            self._db.execute(
                """INSERT INTO devices (user_id, device_id, channel, address, at_ms, address_id) VALUES (?, ?, ?, ?, ?, ?)
                   ON CONFLICT (user_id, device_id, channel) DO UPDATE SET address = excluded.address, at_ms = excluded.at_ms,
                   address_id = excluded.address_id, retired = retired AND address = excluded.address
                   WHERE excluded.at_ms >= at_ms""",
                (user_id, device_id(device), device.channel, device.SerializeToString(deterministic=True), at_ms, address),
            )
        self._db.execute(
            """DELETE FROM devices WHERE (user_id, device_id, channel) IN
               (SELECT user_id, device_id, channel FROM devices WHERE user_id = ? ORDER BY at_ms DESC LIMIT -1 OFFSET ?)""",
            (user_id, most),
        )

    def _takes(self, address: str, user_ids: Sequence[str], at_ms: int) -> bool:
        """Whether nobody else has registered this address later. Then nobody else has it any more."""
        others = f"FROM devices WHERE address_id = ? AND address_id <> '' AND user_id NOT IN ({','.join('?' * len(user_ids))})"
        if self._db.execute(f"SELECT 1 {others} AND at_ms > ?", (address, *user_ids, at_ms)).fetchone():
            return False
        self._db.execute(f"DELETE {others}", (address, *user_ids))
        return True

    def holds(self, user_id: str, device: Target) -> bool:  # noqa: D102
        wanted = (user_id, device_id(device), device.channel, address_id(device))
        found = "SELECT 1 FROM devices WHERE user_id = ? AND device_id = ? AND channel = ? AND address_id = ? AND NOT retired"
        return self._db.execute(found, wanted).fetchone() is not None

    def retire_device(self, user_id: str, device: Target, at_ms: int) -> bool:  # noqa: D102
        done = self._db.execute(
            "UPDATE devices SET retired = 1, at_ms = max(at_ms, ?) WHERE user_id = ? AND device_id = ? AND channel = ? AND address = ?",
            (at_ms, user_id, device_id(device), device.channel, device.SerializeToString(deterministic=True)),
        )
        return done.rowcount > 0

    def forget_device(self, user_id: str, device: str) -> bool:  # noqa: D102
        return self._db.execute("DELETE FROM devices WHERE user_id = ? AND device_id = ?", (user_id, device)).rowcount > 0

    def forget_user(self, user_id: str) -> None:  # noqa: D102
        for table in ("devices", "presence", "cursors", "stream", "deferred"):
            self._db.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))
        self._db.execute("UPDATE commands SET user_id = '', report = NULL WHERE user_id = ?", (user_id,))

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
        self._db.execute("DELETE FROM cursors WHERE at_ms <= ?", (now_ms - CURSOR_MS,))

    def _data_version(self) -> int:
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return version
