"""Transactions that are lost, connections that break, a server that goes away: what was asked for is done all the same, and once."""

import asyncio
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.errors import TransactionLostError
from gateway.delivery.store.postgresql.store import PostgresqlStore
from gateway.delivery.store.store import Store
from tests.gateway.delivery.postgresql import Line, Postgresql
from tests.gateway.delivery.stores import DAY_MS, LEASE_MS, LINGER_MS, NOW, PostgresqlSchema, entry


def end_connections(schema: PostgresqlSchema, gateway: str) -> None:
    """As the server's administrator would."""
    with schema.server.connect() as administrator:
        administrator.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", (gateway,))


def in_one(store: Store, operation: Callable[[Store], object]) -> object:
    """As AsyncStore does it, for one operation."""
    while True:
        try:
            store.begin()
            found = operation(store)
            store.commit()
        except TransactionLostError:
            store.rollback()
        else:
            return found


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_transaction_whose_commit_is_not_answered_takes_place_once(postgresql: Postgresql, cut: str) -> None:
    with closing(Line(postgresql.port)) as line:
        schema = PostgresqlSchema(postgresql, line.port)

        async def scenario() -> tuple[bool, bool, list[str]]:
            store = AsyncStore(lambda: schema.open("one"))
            await store.open()
            await store.run(lambda opened: opened.append(entry("c1"), None, 1, sent=False))
            line.cut = cut
            # Were it run a second time after it took place, nothing would be new, and nothing would have made room.
            appended = await store.run(lambda opened: opened.append(entry("c2"), None, 1, sent=False))
            was_cut = line.cut == ""
            await store.close(10)
            return was_cut, appended.is_new, [old.command_id for old in appended.overflowed]

        assert asyncio.run(scenario()) == (True, True, ["c1"])
        assert [row[:3] for row in schema.rows("stream")] == [(2, "ada", "c2")]


def test_what_is_asked_of_a_server_that_is_away_is_done_when_it_is_back() -> None:
    with Postgresql() as own:
        schema = PostgresqlSchema(own)

        async def scenario() -> list[str]:
            store = AsyncStore(lambda: schema.open("one"))
            await store.open()
            await store.run(lambda opened: opened.append(entry("c1"), None, 50, sent=False))
            await asyncio.to_thread(own.crash)
            waiting = [
                asyncio.ensure_future(store.run(lambda opened, each=each: opened.append(entry(each), None, 50, sent=False)))  # type: ignore[misc]
                for each in ("c2", "c3")
            ]
            done, _ = await asyncio.wait(waiting, timeout=0.5)
            assert not done
            await asyncio.to_thread(own.start)
            await asyncio.gather(*waiting)
            found = await store.run(lambda opened: opened.after("ada", "phone", None, NOW))
            await store.close(10)
            return [each.command_id for each in found]

        assert asyncio.run(scenario()) == ["c1", "c2", "c3"]


def test_a_gateway_that_could_not_renew_its_lease_is_there_again_with_its_users(schema: PostgresqlSchema, one: PostgresqlStore) -> None:
    one.connect("ada", "phone")
    with closing(schema.open("two")) as two:
        two.sweep(NOW + LEASE_MS + LINGER_MS)  # "one" was silent for so long that it is taken for dead
        assert schema.rows("presence") == []
        end_connections(schema, "one")
        in_one(one, lambda store: store.changed())
        assert schema.rows("presence") == [("ada", "phone", "one", None)]
        assert [gateway for gateway, _ in schema.rows("gateways")] == ["one"]
        assert two.claim("c1", "ada", "", NOW, NOW + DAY_MS).connected


def test_what_was_seen_in_a_transaction_that_was_lost_is_seen_again(schema: PostgresqlSchema, one: PostgresqlStore) -> None:
    with closing(schema.open("two")) as two:
        two.append(entry("c1"), None, 50, sent=False)
        one.begin()
        assert one.changed()
        end_connections(schema, "one")
        with pytest.raises(TransactionLostError):
            one.written_by_others(0)
        one.rollback()
        assert in_one(one, lambda store: store.changed() and [found.command_id for found in store.written_by_others(0)]) == ["c1"]


def test_a_gateway_that_sleeps_in_its_turn_does_not_stop_the_others_for_long(schema: PostgresqlSchema, one: PostgresqlStore) -> None:
    one.begin()
    one.append(entry("c1"), None, 50, sent=False)  # and nothing more is heard of it, until the server ends its connection
    with closing(schema.open("two")) as two:
        in_one(two, lambda store: store.append(entry("c2"), None, 50, sent=False))
        with pytest.raises(TransactionLostError):
            one.commit()
        one.rollback()
        assert [found.command_id for found in two.after("ada", "phone", None, NOW)] == ["c2"]


def test_a_statement_that_fails_fails_its_whole_transaction(one: PostgresqlStore) -> None:
    one.begin()
    one.append(entry("c1"), None, 50, sent=False)
    with pytest.raises(psycopg.DataError):
        one.claim("c2", "ada", "", NOW, 1 << 63)  # no bigint
    with pytest.raises(RuntimeError, match="so all of it did"):
        one.commit()
    one.rollback()
    assert one.after("ada", "phone", None, NOW) == []


def test_a_server_that_takes_no_writes_is_waited_for(schema: PostgresqlSchema, one: PostgresqlStore) -> None:
    """As one does that has become another's replica."""
    role = schema.other_user()
    with schema.server.connect() as administrator:

        async def scenario() -> int:
            store = AsyncStore(lambda: schema.open("two"))
            await store.open()
            administrator.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on".encode())
            end_connections(schema, "two")
            waiting = asyncio.ensure_future(store.run(lambda opened: opened.append(entry("c1"), None, 50, sent=False)))
            done, _ = await asyncio.wait((waiting,), timeout=0.5)
            assert not done
            administrator.execute(f"ALTER ROLE {role} RESET default_transaction_read_only".encode())
            stream_id = (await waiting).entry.stream_id
            await store.close(10)
            return stream_id

        assert asyncio.run(scenario()) == one.newest_id() == 1
