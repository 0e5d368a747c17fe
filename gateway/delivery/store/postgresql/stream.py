"""The streams of the users: ids ascend over all of them, in the order in which entries become visible."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.delivery.store.adding import add
from gateway.delivery.store.postgresql.keys import escaped, key, shown
from gateway.delivery.store.postgresql.session import Session
from gateway.delivery.store.values import Acknowledgement, Addition, Appended, StreamEntry

_ENTRY = "s.stream_id, s.user_id, s.command_id, s.payload, s.collapse_key, s.expires_at_ms"

# Of commands, their entries; and of users, what waits for them, without what it says.
_THERE = f"""
SELECT {_ENTRY}, false FROM stream s WHERE s.command_id = ANY(%s::text[])
UNION ALL
SELECT s.stream_id, s.user_id, s.command_id, '', s.collapse_key, s.expires_at_ms, true
FROM stream s WHERE s.user_id = ANY(%s::text[]) AND s.acknowledged_at_ms IS NULL
ORDER BY 1
"""
_APPEND = """
INSERT INTO stream (stream_id, user_id, command_id, payload, collapse_key, expires_at_ms, gateway, sent)
SELECT s.stream_id, s.user_id, s.command_id, s.payload, s.collapse_key, s.expires_at_ms, %s, s.sent
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::boolean[])
     AS s (stream_id, user_id, command_id, payload, collapse_key, expires_at_ms, sent)
"""
# A device that nobody knows and that names no id gets what no device has; every other one, what is after the last that it has.
_AFTER = f"""
WITH device AS (SELECT max(stream_id) AS had FROM cursors WHERE user_id = %(user_id)s AND device_id = %(device_id)s),
missed AS (
  SELECT s.* FROM stream s, device WHERE s.user_id = %(user_id)s AND s.expires_at_ms > %(now_ms)s
  AND CASE WHEN device.had IS NULL AND %(last_id)s::bigint IS NULL THEN s.acknowledged_at_ms IS NULL
           ELSE s.stream_id > greatest(device.had, least(coalesce(%(last_id)s, 0), %(newest_id)s), 0) END
), marked AS (
  UPDATE stream SET sent = true FROM missed WHERE stream.stream_id = missed.stream_id AND NOT missed.sent
)
SELECT {_ENTRY} FROM missed s ORDER BY s.stream_id
"""
_ACKNOWLEDGE = """
WITH acknowledged AS (
  UPDATE stream s SET acknowledged_at_ms = h.at_ms
  FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) AS h (user_id, after_id, up_to_id, at_ms)
  WHERE s.user_id = h.user_id AND s.stream_id > h.after_id AND s.stream_id <= h.up_to_id AND s.acknowledged_at_ms IS NULL
)
INSERT INTO cursors AS c SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[])
ON CONFLICT (user_id, device_id) DO UPDATE SET stream_id = greatest(c.stream_id, excluded.stream_id), at_ms = excluded.at_ms
"""


class Stream:
    """Of ``Store``, this part."""

    def __init__(self, session: Session, gateway: str) -> None:
        self._session = session
        self._gateway = gateway
        self._newest: int | None = None
        """As this transaction, which has not taken its turn, saw it first."""

    def begin(self) -> None:
        """A transaction starts."""
        self._newest = None

    def append(self, additions: Sequence[Addition]) -> list[Appended]:
        """As ``Store.append_all``, but nothing is settled."""
        commands = list(dict.fromkeys(key(each.entry.command_id) for each in additions))
        users = list(dict.fromkeys(key(each.entry.user_id) for each in additions))
        with self._session.turn() as turn:
            there: dict[str, StreamEntry] = {}
            waiting: dict[str, list[StreamEntry]] = {}
            for *row, waits in self._session.rows(_THERE, (commands, users)):
                entry = _entry(row)
                if waits:
                    waiting.setdefault(entry.user_id, []).append(entry)
                else:
                    there[entry.command_id] = entry
            added = add(additions, there, waiting, turn.newest_id)
            turn.newest_id = added.newest_id
            gone: dict[int, StreamEntry] = {}
            if added.removed:
                query = f"DELETE FROM stream s WHERE stream_id = ANY(%s::bigint[]) RETURNING {_ENTRY}"
                gone = {row[0]: _entry(row) for row in self._session.rows(query, (added.removed,))}
            if added.inserted:
                self._session.count(_APPEND, (self._gateway, *_columns([_row(*new) for new in added.inserted.values()])))
        return [_with_what_they_said(answer, gone) for answer in added.answers] if gone else added.answers

    def withdraw(self, command_id: str) -> StreamEntry | None:  # noqa: D102 - as Store
        with self._session.turn():
            query = f"DELETE FROM stream s WHERE command_id = %s AND acknowledged_at_ms IS NULL RETURNING {_ENTRY}"
            rows = self._session.rows(query, (key(command_id),))
        return _entry(rows[0]) if rows else None

    def after(self, user_id: str, device: str, last_id: int | None, now_ms: int) -> Sequence[StreamEntry]:  # noqa: D102
        with self._session.turn() as turn:
            values = {"user_id": key(user_id), "device_id": key(device), "last_id": last_id, "now_ms": now_ms, "newest_id": turn.newest_id}
            return [_entry(row) for row in self._session.rows(_AFTER, values)]

    def unacknowledged(self, asked: Sequence[tuple[str, int]]) -> list[Sequence[StreamEntry]]:
        """Of each of these (user, up to which id)."""
        found: list[list[StreamEntry]] = [[] for _ in asked]
        query = f"""SELECT a.number, {_ENTRY} FROM unnest(%s::text[], %s::bigint[]) WITH ORDINALITY AS a (user_id, up_to_id, number)
                    JOIN stream s ON s.user_id = a.user_id AND s.stream_id <= a.up_to_id AND s.acknowledged_at_ms IS NULL
                    ORDER BY a.number, s.stream_id"""
        for number, *entry in self._session.rows(query, ([key(user_id) for user_id, _ in asked], [up_to_id for _, up_to_id in asked])):
            found[number - 1].append(_entry(entry))
        return list(found)

    def acknowledge(self, told: Sequence[Acknowledgement]) -> None:
        """Each of these devices has everything up to its id, as far as that exists."""
        spans: list[tuple[str, int, int, int]] = []
        had: dict[str, int] = {}
        devices: dict[tuple[str, str], tuple[int, int]] = {}
        with self._session.turn() as turn:
            for each in told:
                user, device, up_to_id = key(each.user_id), key(each.device_id), min(each.up_to_id, turn.newest_id)
                if up_to_id > had.get(user, 0):  # what an earlier one of them has covered is acknowledged then
                    spans.append((user, had.get(user, 0), up_to_id, each.now_ms))
                    had[user] = up_to_id
                before, _ = devices.get((user, device), (0, 0))
                devices[user, device] = max(before, up_to_id), each.now_ms
            furthest = [(*whose, *how_far) for whose, how_far in devices.items()]
            self._session.count(_ACKNOWLEDGE, (*(_columns(spans) or [[]] * 4), *_columns(furthest)))

    def acknowledged(self, stream_ids: Sequence[int]) -> Sequence[int]:  # noqa: D102
        query = "SELECT stream_id FROM stream WHERE stream_id = ANY(%s::bigint[]) AND acknowledged_at_ms IS NULL"
        waiting = {stream_id for (stream_id,) in self._session.rows(query, (list(stream_ids),))} if stream_ids else set()
        return [stream_id for stream_id in stream_ids if stream_id not in waiting]

    def changed(self) -> bool:  # noqa: D102
        ((number, newest_id),) = self._session.rows("SELECT number, newest_id FROM turn WHERE one")
        before, self._session.seen_number = self._session.seen_number, number
        self._newest = newest_id
        return bool(before != number)

    def written_by_others(self, after_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        # None that is newer than what this transaction says is the newest: that would be asked for once more.
        query = f"SELECT {_ENTRY} FROM stream s WHERE stream_id > %s AND stream_id <= %s AND gateway <> %s ORDER BY stream_id"
        return [_entry(row) for row in self._session.rows(query, (after_id, self.newest_id(), self._gateway))]

    def written_to(self, user_ids: Collection[str], after_id: int) -> Sequence[StreamEntry]:  # noqa: D102
        query = f"""SELECT {_ENTRY} FROM unnest(%s::text[]) AS u (user_id)
                    JOIN stream s ON s.user_id = u.user_id AND s.stream_id > %s AND s.stream_id <= %s AND s.gateway <> %s ORDER BY s.stream_id"""
        users = list({key(user_id) for user_id in user_ids})
        return [_entry(row) for row in self._session.rows(query, (users, after_id, self.newest_id(), self._gateway))] if users else []

    def mark_sent(self, stream_ids: Sequence[int]) -> None:  # noqa: D102
        if stream_ids:
            with self._session.turn():
                self._session.count("UPDATE stream SET sent = true WHERE stream_id = ANY(%s::bigint[]) AND NOT sent", (list(stream_ids),))

    def newest_id(self) -> int:  # noqa: D102
        if self._session.held:
            return self._session.held.newest_id
        if self._newest is None or not self._session.inside:
            ((newest_id,),) = self._session.rows("SELECT newest_id FROM turn WHERE one")
            self._newest = newest_id
        return self._newest

    def expired(self, now_ms: int, most: int) -> Sequence[tuple[StreamEntry, bool]]:  # noqa: D102
        query = f"SELECT {_ENTRY}, s.sent OR s.acknowledged_at_ms IS NOT NULL FROM stream s WHERE expires_at_ms <= %s LIMIT %s"
        return [(_entry(row[:-1]), row[-1]) for row in self._session.rows(query, (now_ms, most))]

    def remove(self, stream_ids: Sequence[int]) -> None:  # noqa: D102
        with self._session.turn():
            self._session.count("DELETE FROM stream WHERE stream_id = ANY(%s::bigint[])", (list(stream_ids),))

    def sweep(self, cursors_before_ms: int) -> None:
        """Forget how far devices came that were not heard of since then."""
        with self._session.turn():
            self._session.count("DELETE FROM cursors WHERE at_ms <= %s", (cursors_before_ms,))


def _entry(row: Sequence[Any]) -> StreamEntry:
    stream_id, user_id, command_id, payload, collapse_key, expires_at_ms = row
    return StreamEntry(stream_id, shown(user_id), shown(command_id), payload, shown(collapse_key), expires_at_ms)


def _row(entry: StreamEntry, sent: bool) -> tuple[object, ...]:
    names = key(entry.user_id), key(entry.command_id)
    return entry.stream_id, *names, entry.payload, escaped(entry.collapse_key), entry.expires_at_ms, sent


def _with_what_they_said(answer: Appended, gone: Mapping[int, StreamEntry]) -> Appended:
    replaced, overflowed = (tuple(gone.get(old.stream_id, old) for old in which) for which in (answer.replaced, answer.overflowed))
    return replace(answer, replaced=replaced, overflowed=overflowed)


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
