"""Many operations of a store at once are the single ones one after the other, whatever they are about and however they are cut."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.outcomes import Report
from gateway.delivery.settings import StoreLogSettings
from gateway.delivery.store.sqlite import SqliteStore
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import Acknowledgement, Addition, Standing, StreamEntry, Wanted
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target
from tests.gateway.delivery.processes import eventually
from tests.gateway.delivery.stores import DAY_MS, LINGER_MS, NOW, ONE_OF

TABLES = ("commands", "stream", "cursors", "presence", "gateways", "sqlite_sequence")

# Few of everything, so that operations meet: the same command twice, a user with several entries, one key.
users = st.sampled_from(["ada", "lin", "a\0b", ""])
commands = st.sampled_from([f"c{number}" for number in range(6)])
times = st.sampled_from([NOW, NOW + 5_000, NOW + 20_000, NOW + LINGER_MS + 10_001])
outcomes = st.sampled_from([feedback_pb2.OUTCOME_ACCEPTED, feedback_pb2.OUTCOME_EXPIRED])
reports = st.builds(Report, users, commands, outcomes, st.just(NOW))
wanted = st.builds(Wanted, commands, users, st.sampled_from(["p/0/1", "p/0/2"]), times, st.just(NOW + DAY_MS))
entries = st.builds(StreamEntry, st.just(0), users, commands, st.just("{}"), st.sampled_from(["", "mug", "tea"]), st.just(NOW + DAY_MS))
additions = st.builds(Addition, entries, st.none() | reports, st.integers(1, 3), st.booleans())
acknowledgements = st.builds(Acknowledgement, users, st.sampled_from(["phone", "pad"]), st.integers(0, 9), times)
asked = st.tuples(users, st.integers(0, 9))
steps = st.one_of(
    st.tuples(st.just("claim"), st.lists(wanted, max_size=5)),
    st.tuples(st.just("settle"), st.lists(reports, max_size=5)),
    st.tuples(st.just("append"), st.lists(additions, max_size=5)),
    st.tuples(st.just("unacknowledged"), st.lists(asked, max_size=5)),
    st.tuples(st.just("acknowledge"), st.lists(acknowledgements, max_size=5)),
)


def together(store: Store, name: str, several: Sequence[Any]) -> list[Any]:
    return getattr(store, f"{name}_all")(several) or [None] * len(several)


@contextmanager
def opened() -> Iterator[SqliteStore]:
    with closing(SqliteStore(Path(":memory:"), "one", synchronous="normal", busy_ms=1000, linger_ms=LINGER_MS)) as store:
        store.alive(NOW + 10_000)
        # Commands that other gateways have, of which one lives, and users who are, were and may be connected.
        for command, gateway, until_ms in (("c0", "alive", NOW + 10_000), ("c1", "dead", NOW - 1)):
            store._db.execute("INSERT INTO gateways VALUES (?, ?)", (gateway, until_ms))
            store._db.execute("INSERT INTO commands VALUES (?, 'ada', ?, 'p/0/1', NULL, NULL, ?)", (command, gateway, NOW + DAY_MS))
            store._db.execute("INSERT INTO presence VALUES ('lin', ?, ?, NULL)", (command, gateway))
        store.connect("ada", "phone")
        store.disconnect("ada", "phone", NOW + 10_000)
        store.put_devices(
            "lin",
            [Target(channel=feedback_pb2.CHANNEL_FCM, token=f"t{number}", device_id=f"d{number}") for number in range(2)],
            NOW,
            all_of_them=True,
            most=5,
        )
        yield store


def contents(store: SqliteStore) -> dict[str, list[Any]]:
    return {table: sorted(store._db.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES}


@given(st.lists(steps, max_size=8))
def test_many_at_once_answer_and_leave_what_one_after_the_other_do(history: list[tuple[str, list[Any]]]) -> None:
    with opened() as batched, opened() as single:
        for name, several in history:
            assert together(batched, name, several) == [ONE_OF[name](single, each) for each in several], name
            assert contents(batched) == contents(single), name


@given(st.lists(additions, max_size=10), st.data())
def test_where_a_batch_is_cut_makes_no_difference(several: list[Addition], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(several)))
    with opened() as whole, opened() as parts:
        assert whole.append_all(several) == [*parts.append_all(several[:cut]), *parts.append_all(several[cut:])]
        assert contents(whole) == contents(parts)


@given(st.lists(steps, max_size=6))
def test_a_store_without_operations_for_many_has_them_as_loops(history: list[tuple[str, list[Any]]]) -> None:
    with opened() as own, opened() as loops:
        for name, several in history:
            assert together(own, name, several) == (getattr(Store, f"{name}_all")(loops, several) or [None] * len(several))
            assert contents(own) == contents(loops)


def test_a_batch_larger_than_a_statement_takes_all(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store.db", "one", synchronous="normal", busy_ms=1000, linger_ms=LINGER_MS)) as store:
        many = [Wanted(f"c{number}", f"user-{number}", "p/0/1", NOW, NOW + DAY_MS) for number in range(1300)]
        assert {claim.standing for claim in store.claim_all(many)} == {Standing.MINE}
        kept = [StreamEntry(0, each.user_id, each.command_id, "{}", "", NOW + DAY_MS) for each in many]
        ids = [appended.entry.stream_id for appended in store.append_all([Addition(entry, None, 50, sent=True) for entry in kept])]
        assert ids == list(range(1, 1301))
        assert [entry.stream_id for (entry,) in store.unacknowledged_all([(each.user_id, 2000) for each in many])] == ids


@pytest.mark.parametrize("name", ["claim", "append"])
def test_a_batch_that_breaks_leaves_nothing_of_itself(name: str, tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store.db", "one", synchronous="normal", busy_ms=1000, linger_ms=LINGER_MS)) as store:
        before = contents(store)
        good = {
            "claim": Wanted("c1", "ada", "p/0/1", NOW, NOW + DAY_MS),
            "append": Addition(StreamEntry(0, "ada", "c1", "{}", "", NOW + DAY_MS), None, 50, sent=True),
        }[name]
        bad = {
            "claim": Wanted("c2", "ada", "p/0/2", NOW, 1 << 80),
            "append": Addition(StreamEntry(0, "ada", "c2", "{}", "", 1 << 80), None, 50, sent=True),
        }[name]
        with pytest.raises(OverflowError):
            together(store, name, [good, bad])
        assert contents(store) == before


def test_the_log_is_moved_into_the_file_while_the_store_goes_on_and_nothing_is_lost(tmp_path: Path) -> None:
    path, rounds, round_bytes = tmp_path / "store.db", 10, 100_000
    log = StoreLogSettings(move_ms=5, most_bytes=16_384)
    with closing(SqliteStore(path, "one", synchronous="normal", busy_ms=10_000, linger_ms=LINGER_MS, log=log)) as store:
        store._db.execute("PRAGMA wal_autocheckpoint = 0")  # nobody moves it but the thread
        for number in range(rounds):
            before = path.stat().st_size
            entries = [StreamEntry(0, "ada", f"c{number}-{each}", "x" * 1_000, "", NOW + DAY_MS) for each in range(round_bytes // 1_000)]
            store.append_all([Addition(entry, None, 10_000, sent=True) for entry in entries])
            eventually(lambda before=before: path.stat().st_size > before, "what was written is in the file")
        # Had the log never begun anew, it would hold every round.
        assert (tmp_path / "store.db-wal").stat().st_size < rounds * round_bytes
    with closing(SqliteStore(path, "two", synchronous="normal", busy_ms=30_000, linger_ms=LINGER_MS)) as store:
        assert len(store.unacknowledged("ada", 1 << 60)) == rounds * round_bytes // 1_000
