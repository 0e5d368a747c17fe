"""What gateways agree on through a store: two of them on one, as two processes would; whatever the store is."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.delivery.outcomes import Report
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import Deferred, Standing, StreamEntry
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target
from tests.gateway.delivery.stores import LEASE_MS, LINGER_MS, PostgresqlSchema, SqliteFile, Stores

NOW = 1_800_000_000_000
DAY_MS = 86_400_000
ACCEPTED = Report("ada", "c1", feedback_pb2.OUTCOME_ACCEPTED, NOW)


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    if request.param == "sqlite":
        return SqliteFile(tmp_path / "store.db")
    return PostgresqlSchema(request.getfixturevalue("postgresql"))


@pytest.fixture
def one(stores: Stores) -> Iterator[Store]:
    with closing(stores.open("one")) as store:
        store.alive(NOW + LEASE_MS)
        yield store


@pytest.fixture
def two(stores: Stores, one: Store) -> Iterator[Store]:
    with closing(stores.open("two")) as store:
        store.alive(NOW + LEASE_MS)
        yield store


def claim(store: Store, origin: str = "pushes/0/1", now_ms: int = NOW) -> Standing:
    return store.claim("c1", "ada", origin, now_ms, NOW + DAY_MS).standing


def entry(command_id: str, collapse_key: str = "", expires_at_ms: int = NOW + DAY_MS) -> StreamEntry:
    return StreamEntry(0, "ada", command_id, "{}", collapse_key, expires_at_ms)


def append(store: Store, *command_ids: str, keep: int = 50, collapse_key: str = "") -> list[int]:
    return [store.append(entry(each, collapse_key), None, keep, sent=False).entry.stream_id for each in command_ids]


def test_a_command_is_one_gateways_until_that_is_dead(one: Store, two: Store) -> None:
    assert claim(one) is Standing.MINE
    assert claim(two) is Standing.HELD
    assert claim(two, now_ms=NOW + 10_001) is Standing.TAKEN_OVER
    assert claim(one, now_ms=NOW + 10_001) is Standing.TAKEN_OVER  # "two" is silent by then as well
    assert claim(one, now_ms=NOW + 10_001) is Standing.MINE


def test_a_gateway_that_left_holds_nothing(one: Store, two: Store) -> None:
    claim(one)
    one.leave(NOW, LINGER_MS)

    assert claim(two) is Standing.TAKEN_OVER


def test_the_first_word_about_a_command_stands_and_everybody_knows_it(one: Store, two: Store) -> None:
    claim(one)
    one.settle(ACCEPTED)
    two.settle(Report("ada", "c1", feedback_pb2.OUTCOME_FAILED, NOW))

    again = two.claim("c1", "ada", "pushes/0/1", NOW, NOW + DAY_MS)
    assert (again.standing, again.settled, again.same_record) == (Standing.SETTLED, ACCEPTED, True)
    assert not two.claim("c1", "ada", "pushes/0/2", NOW, NOW + DAY_MS).same_record


def test_a_command_is_forgotten_after_its_end_and_not_before(one: Store) -> None:
    claim(one)
    one.settle(ACCEPTED)
    one.sweep(NOW + DAY_MS - 1)
    assert claim(one) is Standing.SETTLED
    one.sweep(NOW + DAY_MS)
    assert claim(one) is Standing.MINE


def deferred(command_id: str, offset: int, due_ms: int, user_id: str = "ada") -> Deferred:
    return Deferred(command_id, user_id, f"pushes/0/{offset}", due_ms, b"\x00its bytes")


def test_a_command_is_taken_at_its_moment_once_in_the_order_of_moments_and_of_reading(one: Store, two: Store) -> None:
    first, ninth, tenth, last = (
        deferred("c1", 11, NOW),
        deferred("c2", 9, NOW + 1),
        deferred("c3", 10, NOW + 1),
        deferred("c4", 1, NOW + 9),
    )
    one.defer([last, tenth, ninth])
    two.defer([first, ninth])  # whoever reads a record again defers it again

    assert one.take_due(NOW - 1, 10) == ([], NOW)
    assert two.take_due(NOW + 1, 2) == ([first, ninth], NOW + 1)
    assert one.take_due(NOW + 1, 10) == ([tenth], NOW + 9)
    assert two.take_due(NOW + 1, 10) == ([], NOW + 9)


def test_what_a_dead_gateway_took_another_takes_unless_it_was_done(stores: Stores, one: Store, two: Store) -> None:
    done, begun = deferred("c1", 1, NOW), deferred("c2", 2, NOW)
    one.defer([done, begun])
    one.take_due(NOW, 10)
    one.done_deferred([done])

    assert two.take_due(NOW + LEASE_MS - 1, 10) == ([], None)
    assert two.take_due(NOW + LEASE_MS, 10) == ([begun], None)
    two.done_deferred([begun])
    assert stores.rows("deferred") == []


def test_a_gateway_that_left_has_taken_nothing(one: Store, two: Store) -> None:
    one.defer([deferred("c1", 1, NOW)])
    one.take_due(NOW, 10)
    one.leave(NOW, LINGER_MS)

    assert two.take_due(NOW, 10) == ([deferred("c1", 1, NOW)], None)


def cancelled(store: Store, user_id: str = "ada") -> bool:
    return store.cancelled("c1", user_id, NOW, NOW + DAY_MS)


def test_what_waits_for_its_moment_is_taken_back_for_good(stores: Stores, one: Store) -> None:
    one.defer([deferred("c1", 1, NOW), deferred("c1", 2, NOW)])

    assert cancelled(one)
    assert stores.rows("deferred") == []
    settled = one.claim("c1", "ada", "pushes/0/1", NOW, NOW + DAY_MS).settled
    assert settled is not None
    assert settled.outcome == feedback_pb2.OUTCOME_CANCELLED


def test_what_was_taken_back_is_so_whenever_it_is_asked_again(one: Store, two: Store) -> None:
    assert cancelled(one)
    assert cancelled(two)  # whoever comes after a gateway that died before it told


def test_what_was_settled_otherwise_is_not_taken_back(one: Store) -> None:
    claim(one)
    one.settle(ACCEPTED)

    assert not cancelled(one)


def test_what_is_another_users_is_not_taken_back(stores: Stores, one: Store) -> None:
    one.defer([deferred("c1", 1, NOW)])
    assert not cancelled(one, "mallory")
    assert one.take_due(NOW, 10) == ([deferred("c1", 1, NOW)], None)
    assert claim(one) is Standing.MINE
    append(one, "c1")

    assert not cancelled(one, "mallory")
    assert claim(one) is Standing.MINE
    assert one.withdraw("c1") is not None


def test_a_device_resumes_after_what_it_has(one: Store) -> None:
    first, second, third = append(one, "c1", "c2", "c3")

    assert [found.stream_id for found in one.after("ada", "phone", None, NOW)] == [first, second, third]
    one.acknowledge("ada", "phone", first, NOW)
    assert [found.stream_id for found in one.after("ada", "phone", None, NOW)] == [second, third]
    assert [found.stream_id for found in one.after("ada", "phone", second, NOW)] == [third]
    assert [found.stream_id for found in one.after("ada", "a new tablet", None, NOW)] == [second, third]
    assert one.after("lin", "phone", 0, NOW) == []


def test_what_a_device_acknowledged_never_comes_again_even_if_it_forgot(one: Store) -> None:
    first, second = append(one, "c1", "c2")
    one.acknowledge("ada", "phone", second, NOW)

    assert one.after("ada", "phone", first, NOW) == []
    assert one.after("ada", "phone", None, NOW) == []


def test_what_is_over_is_not_resumed(one: Store) -> None:
    one.append(entry("c1", expires_at_ms=NOW), None, 50, sent=False)

    assert one.after("ada", "phone", None, NOW) == []
    assert [(found.command_id, sent) for found, sent in one.expired(NOW, 10)] == [("c1", False)]


def test_a_newer_push_replaces_an_older_of_its_key(one: Store) -> None:
    append(one, "c1", collapse_key="mug-7")
    appended = one.append(entry("c2", "mug-7"), None, 50, sent=False)

    assert [old.command_id for old in appended.replaced] == ["c1"]
    assert [found.command_id for found in one.after("ada", "phone", None, NOW)] == ["c2"]


def test_a_stream_keeps_so_many_and_the_oldest_go(one: Store) -> None:
    append(one, "c1", "c2")
    appended = one.append(entry("c3"), None, 2, sent=False)

    assert [old.command_id for old in appended.overflowed] == ["c1"]
    assert [found.command_id for found in one.after("ada", "phone", None, NOW)] == ["c2", "c3"]


def test_appending_again_gives_the_same_entry(one: Store, two: Store) -> None:
    assert append(one, "c1") == append(two, "c1")


def test_a_push_is_withdrawn_unless_some_device_has_it(one: Store) -> None:
    first, _ = append(one, "c1", "c2")
    one.acknowledge("ada", "phone", first, NOW)

    assert one.withdraw("c1") is None
    assert one.withdraw("c2") is not None
    assert one.withdraw("c2") is None


def test_gateways_see_what_others_wrote(one: Store, two: Store) -> None:
    one.changed()
    assert not one.changed()
    (stream_id,) = append(two, "c1")

    assert one.changed()
    assert [found.stream_id for found in one.written_by_others(0)] == [stream_id]
    assert two.written_by_others(0) == []
    one.acknowledge("ada", "phone", stream_id, NOW)
    assert two.acknowledged([stream_id, stream_id + 1]) == [stream_id, stream_id + 1]


def test_gateways_see_what_others_wrote_to_some_users_and_say_that_it_is_sent(one: Store, two: Store) -> None:
    (first,) = append(two, "c1")
    two.append(StreamEntry(0, "lin", "c2", "{}", "", NOW + DAY_MS), None, 50, sent=False)
    append(one, "c3")
    (last,) = append(two, "c4")

    assert [found.stream_id for found in one.written_to(["ada", "eve"], 0)] == [first, last]
    assert [found.stream_id for found in one.written_to(["ada"], first)] == [last]
    assert one.written_to([], 0) == []
    one.mark_sent([last, last + 1])
    assert {found.command_id: sent for found, sent in one.expired(NOW + DAY_MS, 10)} == {"c1": False, "c2": False, "c3": False, "c4": True}


def test_a_user_is_connected_while_their_gateway_lives_and_a_little_after(one: Store, two: Store) -> None:
    def connected(now_ms: int) -> bool:
        two.sweep(now_ms)
        return two.claim(f"c{now_ms}", "ada", "", now_ms, NOW + DAY_MS).connected

    assert not connected(NOW)
    one.connect("ada", "phone")
    assert connected(NOW + 1)
    one.disconnect("ada", "phone", NOW + LINGER_MS)
    assert connected(NOW + 2)
    assert not connected(NOW + LINGER_MS)
    one.connect("ada", "phone")
    assert connected(NOW + 10_000 + LINGER_MS - 1)  # its lease, and the time to come back
    assert not connected(NOW + 10_000 + LINGER_MS + 1)


def test_a_dead_token_stays_dead_until_there_is_a_new_one(one: Store) -> None:
    def known() -> list[str]:
        return [target.token for target in one.claim(f"c{known_count.pop()}", "ada", "", NOW, NOW + DAY_MS).devices]

    known_count = list(range(10))
    phone = Target(channel=feedback_pb2.CHANNEL_FCM, token="old", device_id="phone")
    one.put_devices("ada", [phone], NOW, all_of_them=False, most=20)
    assert known() == ["old"]
    assert one.retire_device("ada", phone, NOW + 1)
    one.put_devices("ada", [phone], NOW + 2, all_of_them=False, most=20)
    assert known() == []
    one.put_devices("ada", [Target(channel=feedback_pb2.CHANNEL_FCM, token="new", device_id="phone")], NOW + 3, all_of_them=False, most=20)
    assert known() == ["new"]


def test_an_older_list_of_devices_does_not_undo_a_newer(one: Store) -> None:
    newer = Target(channel=feedback_pb2.CHANNEL_FCM, token="newer", device_id="phone")
    older = Target(channel=feedback_pb2.CHANNEL_FCM, token="older", device_id="phone")
    one.put_devices("ada", [newer], NOW, all_of_them=True, most=20)
    one.put_devices("ada", [older], NOW - 1, all_of_them=True, most=20)

    assert one.claim("c1", "ada", "", NOW, NOW + DAY_MS).devices == (newer,)


def tokens(store: Store, user_id: str) -> list[str]:
    return [device.token or device.app_id for device in store.claim(f"of-{user_id}", user_id, "", NOW, NOW + DAY_MS).devices]


def test_an_address_is_whose_who_registered_it_last_on_whatever_device(one: Store, two: Store) -> None:
    hers = Target(channel=feedback_pb2.CHANNEL_FCM, token="t", device_id="hers", locale="de")
    his = Target(channel=feedback_pb2.CHANNEL_FCM, token="t", device_id="his")
    one.put_devices("ada", [hers], NOW, all_of_them=False, most=20)
    two.put_devices("lin", [his], NOW + 1, all_of_them=False, most=20)
    one.put_devices("ada", [hers], NOW, all_of_them=True, most=20)  # old word, read again

    assert tokens(one, "ada") == []
    assert tokens(one, "lin") == ["t"]
    one.put_devices("ada", [hers], NOW + 2, all_of_them=False, most=20)
    assert tokens(one, "ada") == ["t"]
    assert tokens(one, "lin") == []


def test_the_other_ids_of_a_user_keep_their_address_and_so_do_those_who_share_one(one: Store) -> None:
    phone = Target(channel=feedback_pb2.CHANNEL_APNS, token="t", device_id="phone")
    endpoint = Target(channel=feedback_pb2.CHANNEL_WEBHOOK, app_id="shop", device_id="desk")
    one.put_devices("~k1~ada", [phone, endpoint], NOW, all_of_them=False, most=20)
    one.put_devices("~k2~ada", [phone, endpoint], NOW + 1, all_of_them=False, most=20, also=["~k1~ada"])

    assert sorted(tokens(one, "~k1~ada")) == sorted(tokens(one, "~k2~ada")) == ["shop", "t"]


def test_a_token_of_one_channel_is_none_of_another(one: Store) -> None:
    for number, (user, channel) in enumerate((("ada", feedback_pb2.CHANNEL_FCM), ("lin", feedback_pb2.CHANNEL_APNS))):
        one.put_devices(user, [Target(channel=channel, token="t", device_id="phone")], NOW + number, all_of_them=False, most=20)

    assert tokens(one, "ada") == tokens(one, "lin") == ["t"]


def test_of_too_many_devices_the_ones_seen_last_are_kept(one: Store) -> None:
    for number in range(5):
        device = Target(channel=feedback_pb2.CHANNEL_FCM, token=f"t{number}", device_id=f"d{number}")
        one.put_devices("ada", [device], NOW + number, all_of_them=False, most=2)

    assert [device.token for device in one.claim("c1", "ada", "", NOW, NOW + DAY_MS).devices] == ["t4", "t3"]


def test_a_forgotten_user_leaves_nothing_but_ids_that_must_not_be_delivered_again(stores: Stores, one: Store) -> None:
    one.put_devices("ada", [Target(channel=feedback_pb2.CHANNEL_FCM, token="t", device_id="phone")], NOW, all_of_them=False, most=20)
    claim(one)
    one.settle(ACCEPTED)
    append(one, "c2")
    one.connect("ada", "phone")
    one.acknowledge("ada", "phone", 1, NOW)
    one.defer([deferred("c3", 1, NOW)])
    one.forget_user("ada")

    for table in ("devices", "presence", "cursors", "stream", "commands", "deferred"):
        assert not any("ada" in str(row) for row in stores.rows(table)), table
    assert claim(one) is Standing.SETTLED


def test_a_store_is_still_there_when_it_is_opened_again(stores: Stores, one: Store) -> None:
    claim(one)
    one.settle(ACCEPTED)
    append(one, "c1")
    one.close()

    with closing(stores.open("later")) as reopened:
        assert claim(reopened) is Standing.SETTLED
        assert [found.command_id for found in reopened.after("ada", "phone", None, NOW)] == ["c1"]
