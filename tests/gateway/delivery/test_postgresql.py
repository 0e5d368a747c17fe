"""What only a store in a server must be able to do: gateways that write at the same time; tables made and reached as they should be."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from gateway.delivery.outcomes import Report
from gateway.delivery.settings import PostgresqlSettings
from gateway.delivery.store.postgresql.store import PostgresqlStore
from gateway.delivery.store.values import Acknowledgement, Addition, Deferred, Standing, StreamEntry
from kairos.errors import KairosError
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target
from tests.gateway.delivery.postgresql import PASSWORD
from tests.gateway.delivery.processes import eventually
from tests.gateway.delivery.stores import DAY_MS, LEASE_MS, NOW, PostgresqlSchema, entry


def scans(schema: PostgresqlSchema) -> dict[str, int]:
    """How often each of the tables was read from end to end, when no gateway is connected any more."""
    with schema.server.connect() as administrator:
        others = "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        eventually(lambda: not administrator.execute(others).fetchone(), "all connections have ended")
        query = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = %s AND relname <> 'schema_version'"
        return dict(administrator.execute(query, (schema.name,)).fetchall())


def test_gateways_that_claim_the_same_at_the_same_time_get_each_command_once(schema: PostgresqlSchema) -> None:
    ids = [f"c{number}" for number in range(100)]
    start = threading.Barrier(4)

    def claims(gateway: str) -> list[Standing]:
        with closing(schema.open(gateway)) as store:
            store.alive(NOW + LEASE_MS)
            start.wait()
            return [store.claim(each, "ada", "", NOW, NOW + DAY_MS).standing for each in ids]

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(claims, ("one", "two", "three", "four")))
    for of_one_command in zip(*answers, strict=True):
        assert Counter(of_one_command) == {Standing.MINE: 1, Standing.HELD: 3}


def test_who_watches_misses_nothing_of_what_others_append_at_the_same_time(schema: PostgresqlSchema, one: PostgresqlStore) -> None:
    writers, each = 3, 60
    done = threading.Barrier(writers + 1)

    def append(gateway: str) -> None:
        with closing(schema.open(gateway)) as store:
            for number in range(0, each, 3):
                store.begin()
                for one_of_three in range(3):
                    store.append(entry(f"{gateway}-{number + one_of_three}", gateway), None, each, sent=False)
                store.commit()
        done.wait()

    threads = [threading.Thread(target=append, args=(f"writer-{number}",), daemon=True) for number in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[StreamEntry] = []
    last_id, last_look = 0, False
    while not last_look:
        last_look = done.n_waiting == writers
        one.begin()
        if one.changed():
            seen += one.written_by_others(last_id)
            last_id = one.newest_id()
        one.commit()
    done.wait()
    assert [found.stream_id for found in seen] == list(range(1, writers * each + 1))
    assert len({found.command_id for found in seen}) == writers * each


def test_an_entry_is_not_to_be_seen_before_one_with_a_smaller_id(schema: PostgresqlSchema, one: PostgresqlStore) -> None:
    with closing(schema.open("two")) as two, closing(schema.open("three")) as three:
        one.begin()
        first = one.append(entry("c1"), None, 50, sent=False).entry.stream_id
        later = threading.Thread(target=lambda: two.append(entry("c2", "lin"), None, 50, sent=False), daemon=True)
        later.start()
        later.join(0.2)
        assert later.is_alive()  # it waits for its turn
        assert (three.newest_id(), three.written_by_others(0)) == (0, [])
        one.commit()
        later.join()
        assert [found.stream_id for found in three.written_by_others(0)] == [first, first + 1]


def test_names_that_no_index_holds_are_told_apart_all_the_same(one: PostgresqlStore) -> None:
    devices = [Target(channel=feedback_pb2.CHANNEL_FCM, token=f"{'x' * 4000}{end}") for end in ("1", "2", "\0")]
    one.put_devices("a\0da", devices, NOW, all_of_them=True, most=20)
    assert one.retire_device("a\0da", devices[0], NOW)
    left = one.claim("c1", "a\0da", "", NOW, NOW + DAY_MS).devices
    assert {device.token for device in left} == {device.token for device in devices[1:]}
    for route in ("r\0", "r" * 4000):
        one.settle(Report("ada", "c1", feedback_pb2.OUTCOME_ACCEPTED, NOW), route)
    assert one.settled_routes("c1") == {"r\0", "r" * 4000}
    assert one.owner("c\0") is None


def test_everything_is_found_by_an_index(schema: PostgresqlSchema) -> None:
    phone = Target(channel=feedback_pb2.CHANNEL_FCM, token="t", device_id="phone")
    schema.open("zero").close()
    before = scans(schema)
    with closing(schema.open("one")) as one:
        one.alive(NOW + LEASE_MS)
        one.sweep(NOW)  # looks at all cursors, once a day
        for number in range(20):
            user_id, command_id = f"user-{number}", f"c{number}"
            one.put_devices(user_id, [phone], NOW, all_of_them=True, most=20)
            one.defer([Deferred(command_id, user_id, f"pushes/0/{number}", NOW, b"")])
            one.take_due(NOW, 10)
            one.done_deferred([Deferred(command_id, user_id, f"pushes/0/{number}", NOW, b"")])
            one.claim(command_id, user_id, "", NOW, NOW + DAY_MS)
            appended = one.append(
                entry(command_id, user_id), Report(user_id, command_id, feedback_pb2.OUTCOME_ACCEPTED, NOW), 50, sent=False
            )
            one.settle(Report(user_id, command_id, feedback_pb2.OUTCOME_ACCEPTED, NOW), "phone")
            one.settled_routes(command_id)
            one.owner(command_id)
            one.connect(user_id, "phone")
            one.after(user_id, "phone", None, NOW)
            one.unacknowledged(user_id, appended.entry.stream_id)
            one.acknowledge(user_id, "phone", appended.entry.stream_id, NOW)
            one.acknowledged([appended.entry.stream_id])
            one.written_by_others(number)
            one.written_to([user_id], number)
            one.mark_sent([appended.entry.stream_id])
            one.withdraw(command_id)
            one.cancelled(command_id, user_id, NOW, NOW + DAY_MS)
            one.retire_device(user_id, phone, NOW)
            one.disconnect(user_id, "phone", NOW)
            one.expired(NOW + DAY_MS, 10)
            one.sweep(NOW + 1)
            one.forget_device(user_id, "phone")
            one.forget_user(user_id)

    more = {table: number - before[table] for table, number in scans(schema).items() if number > before[table]}
    more.pop("gateways")  # of which there are a handful
    assert more == {"cursors": 1}


def test_gateways_that_start_at_the_same_time_make_the_tables_once(schema: PostgresqlSchema) -> None:
    with ThreadPoolExecutor(4) as threads:
        for store in threads.map(schema.open, ("one", "two", "three", "four")):
            store.close()
    assert schema.rows("schema_version") == [(1,), (2,), (3,)]


def test_tables_of_a_later_version_are_left_alone(schema: PostgresqlSchema, one: PostgresqlStore) -> None:
    with schema.server.connect() as administrator:
        administrator.execute(f"UPDATE {schema.name}.schema_version SET version = 7".encode())
    with pytest.raises(KairosError, match="of version 7"):
        schema.open("two")


def test_who_may_use_the_tables_need_not_be_allowed_to_make_any(schema: PostgresqlSchema, one: PostgresqlStore) -> None:
    schema.other_user()
    with closing(schema.open("two")) as two:
        two.alive(NOW)
        assert two.claim("c1", "ada", "", NOW, NOW + DAY_MS).standing is Standing.MINE


def test_what_is_wrong_from_the_start_is_said_without_the_password(schema: PostgresqlSchema) -> None:
    def refused(**changed: str) -> str:
        schema.settings = PostgresqlSettings(**original | changed)
        with pytest.raises(KairosError) as caught:
            schema.open("one")
        assert PASSWORD not in str(caught.value)
        return str(caught.value)

    original = schema.settings.model_dump()
    server = original["address"].partition("@")[2]
    assert "password" in refused(password="")
    assert "does not exist" in refused(address=f"postgresql://kairos@{server.replace('/postgres', '/none')}")
    assert "127.0.0.1:1/postgres" in refused(address="postgresql://kairos@127.0.0.1:1/postgres")
    assert "cannot be read" in refused(password="file:/none")


def test_of_devices_that_acknowledge_together_the_first_word_about_each_entry_stands(
    schema: PostgresqlSchema, one: PostgresqlStore
) -> None:
    one.append_all([Addition(entry(command_id), None, 50, sent=True) for command_id in ("c1", "c2")])
    told = [("phone", 1, NOW), ("pad", 2, NOW + 1), ("phone", 2, NOW + 2)]
    one.acknowledge_all([Acknowledgement("ada", device, up_to_id, now_ms) for device, up_to_id, now_ms in told])
    assert [row[-1] for row in sorted(schema.rows("stream"))] == [NOW, NOW + 1]
    assert sorted(schema.rows("cursors")) == [("ada", "pad", 2, NOW + 1), ("ada", "phone", 2, NOW + 2)]
