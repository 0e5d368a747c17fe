"""Whatever two gateways ask of a store, in PostgreSQL many at once, in SQLite one after the other: the answers and what is kept are the same."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.outcomes import Report
from gateway.delivery.store.postgresql.keys import shown
from gateway.delivery.store.sqlite import SqliteStore
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import Acknowledgement, Addition, Deferred, StreamEntry, Wanted
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target
from tests.gateway.delivery.postgresql import Postgresql
from tests.gateway.delivery.stores import LEASE_MS, LINGER_MS, NOW, ONE_OF, PostgresqlSchema

TABLES = ("commands", "routes", "deferred", "stream", "cursors", "presence", "devices", "gateways")

# Few of everything, so that operations meet: the same command twice, a user with several entries, one key.
users = st.sampled_from(["ada", "a\0b\\c"])
commands = st.sampled_from([f"c{number}" for number in range(5)])
devices = st.sampled_from(["phone", "pad"])
times = st.sampled_from([NOW, NOW + 5_000, NOW + LEASE_MS + 1, NOW + LEASE_MS + LINGER_MS + 1])
ids = st.integers(0, 9)
reports = st.builds(Report, users, commands, st.sampled_from([feedback_pb2.OUTCOME_ACCEPTED, feedback_pb2.OUTCOME_EXPIRED]), st.just(NOW))
wanted = st.builds(Wanted, commands, users, st.sampled_from(["p/0/1", "p/0/2"]), times, times)
entries = st.builds(StreamEntry, st.just(0), users, commands, st.sampled_from(["{}", "[]"]), st.sampled_from(["", "mug\\", "tea"]), times)
additions = st.builds(Addition, entries, st.none() | reports, st.integers(1, 3), st.booleans())
acknowledgements = st.builds(Acknowledgement, users, devices, ids, times)
deferred = st.lists(st.builds(Deferred, commands, users, st.sampled_from(["p/0/9", "p/0/10"]), times, st.just(b"\x00")), max_size=3)
targets = st.builds(lambda device, token: Target(channel=feedback_pb2.CHANNEL_FCM, device_id=device, token=token), devices, devices)


def many(name: str, each: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(name), st.lists(each, min_size=1, max_size=6))


ALONE: dict[str, tuple[st.SearchStrategy[Any], Callable[..., Any]]] = {
    "route": (st.tuples(reports, devices), lambda store, report, route: store.settle(report, route)),
    "settled": (st.tuples(commands), lambda store, command: store.settled(command)),
    "settled_routes": (st.tuples(commands), lambda store, command: store.settled_routes(command)),
    "owner": (st.tuples(commands), lambda store, command: store.owner(command)),
    "cancelled": (st.tuples(commands, users, times, times), lambda store, *given: store.cancelled(*given)),
    "defer": (st.tuples(deferred), lambda store, several: store.defer(several)),
    "take_due": (st.tuples(times, st.integers(1, 3)), lambda store, now, most: store.take_due(now, most)),
    "done_deferred": (st.tuples(deferred), lambda store, several: store.done_deferred(several)),
    "withdraw": (st.tuples(commands), lambda store, command: store.withdraw(command)),
    "after": (st.tuples(users, devices, st.none() | ids, times), lambda store, *given: store.after(*given)),
    "acknowledged": (st.tuples(st.lists(ids, max_size=5)), lambda store, several: store.acknowledged(several)),
    "written_by_others": (st.tuples(ids), lambda store, after: (store.written_by_others(after), store.newest_id())),
    "written_to": (st.tuples(st.lists(users, max_size=3), ids), lambda store, *given: store.written_to(*given)),
    "mark_sent": (st.tuples(st.lists(ids, max_size=3)), lambda store, several: store.mark_sent(several)),
    "connect": (st.tuples(users, devices), lambda store, *given: store.connect(*given)),
    "disconnect": (st.tuples(users, devices, times), lambda store, *given: store.disconnect(*given)),
    "put_devices": (
        st.tuples(users, st.lists(targets, max_size=3), times, st.booleans(), st.integers(1, 3), st.lists(users, max_size=1)),
        lambda store, user, several, at, every, most, also: store.put_devices(user, several, at, all_of_them=every, most=most, also=also),
    ),
    "holds": (st.tuples(users, targets), lambda store, *given: store.holds(*given)),
    "retire_device": (st.tuples(users, targets, times), lambda store, *given: store.retire_device(*given)),
    "forget_device": (st.tuples(users, devices), lambda store, *given: store.forget_device(*given)),
    "forget_user": (st.tuples(users), lambda store, user: store.forget_user(user)),
    "expired": (st.tuples(times), lambda store, now: sorted(store.expired(now, 100), key=lambda found: found[0].stream_id)),
    "remove": (st.tuples(st.lists(ids, max_size=3)), lambda store, several: store.remove(several)),
    "sweep": (st.tuples(times), lambda store, now: store.sweep(now)),
    "alive": (st.tuples(times), lambda store, until: store.alive(until)),
    "leave": (st.tuples(times), lambda store, now: store.leave(now, LINGER_MS)),
}
steps = st.one_of(
    many("claim", wanted),
    many("settle", reports),
    many("append", additions),
    many("unacknowledged", st.tuples(users, ids)),
    many("acknowledge", acknowledgements),
    many("claim", wanted),
    many("append", additions),
    *(st.tuples(st.just(name), arguments) for name, (arguments, _) in ALONE.items()),
)


class Pair:
    """Two gateways, each with its view of both stores."""

    def __init__(self, server: Postgresql, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._number = 0
        self.schema = PostgresqlSchema(server)
        self.in_postgresql = [stack.enter_context(closing(self.schema.open(gateway))) for gateway in ("one", "two")]

    def begin(self, stack: ExitStack) -> list[SqliteStore]:
        """With nothing in either."""
        with self.schema.server.connect() as administrator:
            tables = ", ".join(f"{self.schema.name}.{table}" for table in TABLES)
            administrator.execute(f"TRUNCATE {tables}; UPDATE {self.schema.name}.turn SET newest_id = 0".encode())
        self._number += 1
        self.path = self._folder / f"{self._number}.db"
        opened = [SqliteStore(self.path, name, synchronous="off", busy_ms=1000, linger_ms=LINGER_MS) for name in ("one", "two")]
        return [stack.enter_context(closing(store)) for store in opened]


@pytest.fixture(scope="module")
def pair(postgresql: Postgresql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(postgresql, tmp_path_factory.mktemp("alike"), stack)


def asked(store: Store, name: str, given: Any) -> Any:
    """One after the other."""
    if name in ONE_OF:
        return [ONE_OF[name](store, each) for each in given]
    return ALONE[name][1](store, *given)


def asked_at_once(store: Store, name: str, given: Sequence[Any]) -> Any:
    if name in ONE_OF:
        return getattr(store, f"{name}_all")(given) or [None] * len(given)
    return ALONE[name][1](store, *given)


def plain(value: Any) -> Any:
    """What a column of PostgreSQL says in SQLite's."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, bytes) and value in (b"phone", b"pad"):  # a route
        return value.decode()
    return int(value) if isinstance(value, bool) else value


@given(st.lists(st.tuples(st.sampled_from([0, 1]), steps), min_size=15, max_size=40))
def test_both_stores_answer_and_keep_the_same(pair: Pair, history: list[tuple[int, tuple[str, Any]]]) -> None:
    with ExitStack() as stack:
        in_sqlite = pair.begin(stack)
        for gateway, (name, given_) in history:
            answer = asked_at_once(pair.in_postgresql[gateway], name, given_)
            assert list_of(answer) == list_of(asked(in_sqlite[gateway], name, given_)), name
        for table in TABLES:
            in_sqlites = in_sqlite[0]._db.execute(f"SELECT * FROM {table}").fetchall()
            in_postgresqls = [tuple(plain(value) for value in row) for row in pair.schema.rows(table)]
            assert sorted(in_postgresqls, key=repr) == sorted(in_sqlites, key=repr), table


def list_of(answer: Any) -> Any:
    return list(answer) if isinstance(answer, Sequence) and not isinstance(answer, str) else answer
