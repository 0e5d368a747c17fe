"""Of the SQLite store: the streams of the users, and how far each device came."""

from collections.abc import Collection, Iterable, Sequence

from gateway.delivery.store.adding import add
from gateway.delivery.store.sqlite_part import SqlitePart
from gateway.delivery.store.values import Acknowledgement, Addition, Appended, StreamEntry

_ENTRY = "stream_id, user_id, command_id, payload, collapse_key, expires_at_ms"
_THERE = f"SELECT {_ENTRY} FROM stream WHERE command_id IN ({{keys}})"
_WAITING = f"SELECT {_ENTRY} FROM stream WHERE user_id IN ({{keys}}) AND acknowledged_at_ms IS NULL ORDER BY stream_id"
_WRITTEN_TO = f"SELECT {_ENTRY} FROM stream WHERE user_id IN ({{keys}}) AND stream_id > ? AND gateway <> ?"
_INSERT = """INSERT INTO stream (stream_id, user_id, command_id, payload, collapse_key, expires_at_ms, gateway, sent)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


class SqliteStream(SqlitePart):
    """See ``Store``."""

    def _add(self, additions: Sequence[Addition]) -> list[Appended]:
        """As ``append_all``, but nothing is settled."""
        there = {entry.command_id: entry for entry in self._about_entries(_THERE, [each.entry.command_id for each in additions])}
        new_users = {each.entry.user_id for each in additions if each.entry.command_id not in there}
        waiting: dict[str, list[StreamEntry]] = {}
        for entry in self._about_entries(_WAITING, new_users):
            waiting.setdefault(entry.user_id, []).append(entry)
        added = add(additions, there, waiting, self.newest_id())
        self.remove(added.removed)
        self._db.executemany(
            _INSERT,
            [
                (
                    *(entry.stream_id, entry.user_id, entry.command_id, entry.payload, entry.collapse_key, entry.expires_at_ms),
                    self._gateway,
                    int(sent),
                )
                for entry, sent in added.inserted.values()
            ],
        )
        return added.answers

    def withdraw(self, command_id: str) -> StreamEntry | None:  # noqa: D102 - as Store
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
        self.mark_sent([entry.stream_id for entry in found])
        return found

    def unacknowledged(self, user_id: str, up_to_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        return self.unacknowledged_all([(user_id, up_to_id)])[0]

    def unacknowledged_all(self, asked: Sequence[tuple[str, int]]) -> list[Sequence[StreamEntry]]:  # noqa: D102
        waiting: dict[str, list[StreamEntry]] = {}
        for entry in self._about_entries(_WAITING, [user_id for user_id, _ in asked]):
            waiting.setdefault(entry.user_id, []).append(entry)
        return [[entry for entry in waiting.get(user_id, ()) if entry.stream_id <= up_to_id] for user_id, up_to_id in asked]

    def acknowledge(self, user_id: str, device: str, up_to_id: int, now_ms: int) -> None:  # noqa: D102
        self.acknowledge_all([Acknowledgement(user_id, device, up_to_id, now_ms)])

    def acknowledge_all(self, told: Sequence[Acknowledgement]) -> None:  # noqa: D102
        with self._transaction():
            newest_id = self.newest_id()  # no client may say that it has what does not exist yet
            up_to = [(each.user_id, each.device_id, min(each.up_to_id, newest_id), each.now_ms) for each in told]
            self._db.executemany(
                "UPDATE stream SET acknowledged_at_ms = ? WHERE user_id = ? AND stream_id <= ? AND acknowledged_at_ms IS NULL",
                [(now_ms, user_id, up_to_id) for user_id, _, up_to_id, now_ms in up_to],
            )
            self._db.executemany(
                """INSERT INTO cursors VALUES (?, ?, ?, ?) ON CONFLICT (user_id, device_id)
                   DO UPDATE SET stream_id = max(stream_id, excluded.stream_id), at_ms = excluded.at_ms""",
                up_to,
            )

    def acknowledged(self, stream_ids: Sequence[int]) -> Sequence[int]:  # noqa: D102
        return [
            stream_id for stream_id in stream_ids if not self._entries("WHERE stream_id = ? AND acknowledged_at_ms IS NULL", (stream_id,))
        ]

    def written_by_others(self, after_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        return self._entries("WHERE stream_id > ? AND gateway != ? ORDER BY stream_id", (after_id, self._gateway))

    def written_to(self, user_ids: Collection[str], after_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        return sorted(self._about_entries(_WRITTEN_TO, user_ids, after_id, self._gateway), key=lambda entry: entry.stream_id)

    def mark_sent(self, stream_ids: Sequence[int]) -> None:  # noqa: D102
        self._db.executemany("UPDATE stream SET sent = 1 WHERE stream_id = ? AND NOT sent", [(stream_id,) for stream_id in stream_ids])

    def newest_id(self) -> int:  # noqa: D102
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'stream'").fetchone()
        return row[0] if row else 0

    def expired(self, now_ms: int, most: int) -> Sequence[tuple[StreamEntry, bool]]:  # noqa: D102
        rows = self._db.execute(
            f"SELECT {_ENTRY}, sent OR acknowledged_at_ms IS NOT NULL FROM stream WHERE expires_at_ms <= ? LIMIT ?", (now_ms, most)
        )
        return [(StreamEntry(*row[:-1]), bool(row[-1])) for row in rows]

    def remove(self, stream_ids: Sequence[int]) -> None:  # noqa: D102
        self._db.executemany("DELETE FROM stream WHERE stream_id = ?", [(stream_id,) for stream_id in stream_ids])

    def _entries(self, where: str, values: tuple[object, ...]) -> list[StreamEntry]:
        return [StreamEntry(*row) for row in self._db.execute(f"SELECT {_ENTRY} FROM stream {where}", values)]

    def _about_entries(self, query: str, keys: Iterable[str], *values: object) -> list[StreamEntry]:
        return [StreamEntry(*row) for row in self._about(query, keys, *values)]
