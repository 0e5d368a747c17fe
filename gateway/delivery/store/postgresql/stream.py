"""The streams of the users: ids ascend over all of them, in the order in which entries become visible."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gateway.delivery.store.postgresql.keys import key
from gateway.delivery.store.postgresql.session import Session
from gateway.delivery.store.values import Appended, StreamEntry

_ENTRY = "s.stream_id, s.user_id, s.command_id, s.payload, s.collapse_key, s.expires_at_ms"

# Of each entry that is to be appended: itself, if it is there already; what it replaces; and of the others that wait for the user, the
# oldest that are too many beside it.
_IN_THE_WAY = f"""
WITH asked AS (
  SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) WITH ORDINALITY
           AS a (command_id, user_id, collapse_key, keep, number)
), waiting AS (
  SELECT a.number, a.keep, a.collapse_key <> '' AND s.collapse_key = a.collapse_key AS replaced, s.*
  FROM asked a JOIN stream s USING (user_id) WHERE s.acknowledged_at_ms IS NULL
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY number, replaced ORDER BY stream_id DESC) AS place FROM waiting
)
SELECT a.number, 'there', {_ENTRY} FROM asked a JOIN stream s USING (command_id)
UNION ALL
SELECT s.number, CASE WHEN s.replaced THEN 'replaced' ELSE 'overflowed' END, {_ENTRY} FROM ranked s WHERE s.replaced OR s.place >= s.keep
ORDER BY 1, 3
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
WITH had AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[]) AS h (user_id, device_id, stream_id, at_ms)),
acknowledged AS (
  UPDATE stream s SET acknowledged_at_ms = h.at_ms
  FROM (SELECT user_id, max(stream_id) AS stream_id, min(at_ms) AS at_ms FROM had GROUP BY user_id) h
  WHERE s.user_id = h.user_id AND s.stream_id <= h.stream_id AND s.acknowledged_at_ms IS NULL
)
INSERT INTO cursors AS c SELECT * FROM had
ON CONFLICT (user_id, device_id) DO UPDATE SET stream_id = greatest(c.stream_id, excluded.stream_id), at_ms = excluded.at_ms
"""


class Addition(NamedTuple):
    """What ``append`` is given."""

    entry: StreamEntry
    keep: int
    sent: bool


class Acknowledgement(NamedTuple):
    """What ``acknowledge`` is given."""

    user_id: str
    device_id: str
    up_to_id: int
    now_ms: int


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

    def append(self, asked: Sequence[Addition]) -> list[Appended]:
        """As if one after the other; of each, what it was given and what made room for it."""
        done: dict[int, Appended] = {}
        with self._session.turn():
            for numbers in _rounds(asked):
                done.update(zip(numbers, self._append_to_different([asked[number] for number in numbers]), strict=True))
        return [done[number] for number in range(len(asked))]

    def withdraw(self, command_id: str) -> StreamEntry | None:  # noqa: D102 - as Store
        with self._session.turn():
            query = f"DELETE FROM stream s WHERE command_id = %s AND acknowledged_at_ms IS NULL RETURNING {_ENTRY}"
            rows = self._session.rows(query, (key(command_id),))
        return StreamEntry(*rows[0]) if rows else None

    def after(self, user_id: str, device: str, last_id: int | None, now_ms: int) -> Sequence[StreamEntry]:  # noqa: D102
        with self._session.turn() as turn:
            values = {"user_id": key(user_id), "device_id": key(device), "last_id": last_id, "now_ms": now_ms, "newest_id": turn.newest_id}
            return [StreamEntry(*row) for row in self._session.rows(_AFTER, values)]

    def unacknowledged(self, asked: Sequence[tuple[str, int]]) -> list[list[StreamEntry]]:
        """Of each of these (user, up to which id)."""
        found: list[list[StreamEntry]] = [[] for _ in asked]
        query = f"""SELECT a.number, {_ENTRY} FROM unnest(%s::text[], %s::bigint[]) WITH ORDINALITY AS a (user_id, up_to_id, number)
                    JOIN stream s ON s.user_id = a.user_id AND s.stream_id <= a.up_to_id AND s.acknowledged_at_ms IS NULL
                    ORDER BY a.number, s.stream_id"""
        for number, *entry in self._session.rows(query, ([key(user_id) for user_id, _ in asked], [up_to_id for _, up_to_id in asked])):
            found[number - 1].append(StreamEntry(*entry))
        return found

    def acknowledge(self, told: Sequence[Acknowledgement]) -> None:
        """Each of these devices has everything up to its id, as far as that exists."""
        furthest: dict[tuple[str, str], Acknowledgement] = {}
        with self._session.turn() as turn:
            for each in told:
                whose = key(each.user_id), key(each.device_id)
                before = furthest.get(whose)
                up_to_id = max(min(each.up_to_id, turn.newest_id), before.up_to_id if before else 0)
                furthest[whose] = Acknowledgement(*whose, up_to_id, each.now_ms)
            self._session.count(_ACKNOWLEDGE, _columns(list(furthest.values())))

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
        return [StreamEntry(*row) for row in self._session.rows(query, (after_id, self.newest_id(), self._gateway))]

    def newest_id(self) -> int:  # noqa: D102
        if self._session.held:
            return self._session.held.newest_id
        if self._newest is None or not self._session.inside:
            ((newest_id,),) = self._session.rows("SELECT newest_id FROM turn WHERE one")
            self._newest = newest_id
        return self._newest

    def expired(self, now_ms: int, most: int) -> Sequence[tuple[StreamEntry, bool]]:  # noqa: D102
        query = f"SELECT {_ENTRY}, s.sent OR s.acknowledged_at_ms IS NOT NULL FROM stream s WHERE expires_at_ms <= %s LIMIT %s"
        return [(StreamEntry(*row[:-1]), row[-1]) for row in self._session.rows(query, (now_ms, most))]

    def remove(self, stream_ids: Sequence[int]) -> None:  # noqa: D102
        with self._session.turn():
            self._session.count("DELETE FROM stream WHERE stream_id = ANY(%s::bigint[])", (list(stream_ids),))

    def sweep(self, cursors_before_ms: int) -> None:
        """Forget how far devices came that were not heard of since then."""
        with self._session.turn():
            self._session.count("DELETE FROM cursors WHERE at_ms <= %s", (cursors_before_ms,))

    def _append_to_different(self, asked: Sequence[Addition]) -> list[Appended]:
        """No user and no command is there twice."""
        entries = [each.entry for each in asked]
        commands, users, keys = (
            [key(entry.command_id) for entry in entries],
            [key(entry.user_id) for entry in entries],
            [key(entry.collapse_key) for entry in entries],
        )
        found: list[dict[str, list[StreamEntry]]] = [{"there": [], "replaced": [], "overflowed": []} for _ in asked]
        for number, why, *old in self._session.rows(_IN_THE_WAY, (commands, users, keys, [each.keep for each in asked])):
            found[number - 1][why].append(StreamEntry(*old))
        appended: list[Appended] = []
        new: list[tuple[object, ...]] = []
        with self._session.turn() as turn:
            for number, (each, of) in enumerate(zip(asked, found, strict=True)):
                if of["there"]:
                    appended.append(Appended(of["there"][0], is_new=False))
                    continue
                entry = StreamEntry(turn.next_id(), *_all_but_the_id(each.entry))
                appended.append(Appended(entry, replaced=tuple(of["replaced"]), overflowed=tuple(of["overflowed"])))
                new.append((entry.stream_id, users[number], commands[number], entry.payload, keys[number], entry.expires_at_ms, each.sent))
            if going := [old.stream_id for each in appended for old in (*each.replaced, *each.overflowed)]:
                self.remove(going)
            if new:
                self._session.count(_APPEND, (self._gateway, *_columns(new)))
        return appended


def _rounds(asked: Sequence[Addition]) -> Iterator[list[int]]:
    """The numbers of the additions, in parts that hold no user and no command twice, and keep the order of those that share one."""
    rounds: list[list[int]] = []
    of: dict[tuple[str, str], int] = {}
    for number, each in enumerate(asked):
        names = (("user", each.entry.user_id), ("command", each.entry.command_id))
        place = max(of.get(name, -1) for name in names) + 1
        of.update(dict.fromkeys(names, place))
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(number)
    return iter(rounds)


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _all_but_the_id(entry: StreamEntry) -> tuple[str, str, str, str, int]:
    return entry.user_id, entry.command_id, entry.payload, entry.collapse_key, entry.expires_at_ms
