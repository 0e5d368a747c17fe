"""Commands whose moment has not come: they hold up nobody, and whatever gateways die meanwhile, each is delivered at its moment, once."""

from collections import Counter

import pytest

from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Content, PushCommand
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.customer import SECRET, Customer
from tests.gateway.delivery.processes import Topics, command, eventually, now_ms

pytestmark = [pytest.mark.kafka]
on_both_stores = pytest.mark.parametrize("start", ["sqlite", "postgresql"], indirect=True)

FAR_MS = 600_000
SHOP = {"SHOP_SECRET": SECRET}


def done(topics: Topics) -> int:
    """Records that nobody reads again."""
    return topics.committed(f"{topics.prefix}gateway")


def test_commands_for_later_hold_up_nobody_and_no_offset(start: Start, topics: Topics) -> None:
    start(max_in_flight=2, source={"batch": 1})
    topics.push(*(command(f"later-{number}", not_before_ms=now_ms() + FAR_MS) for number in range(10)), command("now"))

    eventually(lambda: topics.outcomes("now"), "what is for now")
    eventually(lambda: done(topics) == 11, "nothing would be read again")


@on_both_stores
def test_a_command_is_delivered_at_its_moment_by_whoever_lives_then(start: Start, topics: Topics) -> None:
    with Customer() as customer:
        first = start(SHOP, webhook=customer.settings())
        topics.push(command("now"))
        eventually(lambda: topics.outcomes("now"), "it has its partitions")
        not_before_ms = now_ms() + 8_000
        topics.push(command("later", not_before_ms=not_before_ms))
        eventually(lambda: done(topics) == 2, "the store has it")
        first.kill()

        start(SHOP, webhook=customer.settings())

        eventually(lambda: topics.outcomes("later"), "its moment")
        assert topics.outcomes("later") == ["ACCEPTED"]
        assert all(told.occurred_at_ms >= not_before_ms for told in topics.feedback() if told.command_id == "later")
        assert customer.ids == ["now", "later"]


@on_both_stores
def test_of_several_gateways_one_delivers_each_and_what_one_had_begun_that_is_dead_another_does(start: Start, topics: Topics) -> None:
    ids = [f"c{number}" for number in range(60)]
    with Customer() as customer:
        gateways = [start(SHOP, webhook=customer.settings()) for _ in range(2)]
        not_before_ms = now_ms() + 10_000
        topics.push(*(command(each, f"user-{each}", not_before_ms=not_before_ms) for each in ids))
        eventually(lambda: done(topics) == len(ids), "the store has them")
        eventually(lambda: len(customer.ids) >= len(ids) // 3, "their moment")
        gateways[0].kill()

        eventually(lambda: set(customer.ids) == set(ids), "every push arrived")
        ends = eventually(lambda: all_told(topics, len(ids)), "each was told")

    assert set(ends.values()) == {1}
    # Only what was on its way at that moment may have come twice, with the same id.
    assert set(Counter(customer.ids).values()) <= {1, 2}


def all_told(topics: Topics, count: int) -> Counter[str] | None:
    """How often each was told to be accepted, and nothing else."""
    told = [each for each in topics.feedback() if each.outcome != feedback_pb2.OUTCOME_RETRYING]
    accepted = Counter(each.command_id for each in told if each.outcome == feedback_pb2.OUTCOME_ACCEPTED)
    return accepted if len(accepted) == len(told) == count else None


def test_a_command_whose_end_comes_before_its_moment_is_expired_at_its_end(start: Start, topics: Topics) -> None:
    start()
    topics.push(
        command("never", not_before_ms=now_ms() + FAR_MS, ttl_ms=2_000), command("past", not_before_ms=now_ms() + FAR_MS, ttl_ms=-1)
    )

    eventually(lambda: topics.outcomes("never"), "its end")
    assert topics.outcomes("never") == ["EXPIRED"]
    assert topics.outcomes("past") == ["EXPIRED"]
    never = next(told for told in topics.feedback() if told.command_id == "never")
    past = next(told for told in topics.feedback() if told.command_id == "past")
    assert never.occurred_at_ms - past.occurred_at_ms >= 1_000  # it was not told at once


@on_both_stores
def test_a_command_for_later_can_be_taken_back_also_of_a_gateway_that_is_dead(start: Start, topics: Topics) -> None:
    first = start()
    topics.push(command("unwanted", not_before_ms=now_ms() + FAR_MS), command("another", not_before_ms=now_ms() + FAR_MS))
    eventually(lambda: done(topics) == 2, "the store has them")
    first.kill()
    start()
    topics.push(takes_back("unwanted"))

    eventually(lambda: topics.outcomes("unwanted"), "it is taken back")
    assert topics.outcomes("unwanted") == ["CANCELLED"]
    assert topics.outcomes("another") == []


def test_two_records_of_one_id_for_later_are_both_taken_back(start: Start, topics: Topics) -> None:
    start()
    topics.push(*(command("twice", not_before_ms=now_ms() + FAR_MS) for _ in range(2)), takes_back("twice"))

    eventually(lambda: topics.outcomes("twice"), "it is taken back")
    eventually(lambda: done(topics) == 3, "nothing waits")
    assert topics.outcomes("twice") == ["CANCELLED"]


def test_two_records_of_one_id_for_later_are_one_push_and_a_duplicate(start: Start, topics: Topics) -> None:
    start()
    topics.push(*(command("twice", not_before_ms=now_ms() + 3_000) for _ in range(2)))

    eventually(lambda: len(topics.outcomes("twice")) == 2, "both")
    assert topics.outcomes("twice") == ["NO_DEVICE", "DUPLICATE"]


def test_what_takes_back_later_takes_back_later(start: Start, topics: Topics) -> None:
    start()
    topics.push(command("now"))
    eventually(lambda: topics.outcomes("now"), "it has its partitions")
    begin_ms = now_ms()
    topics.push(command("before", not_before_ms=begin_ms + 3_000), takes_back("before", not_before_ms=begin_ms + FAR_MS))
    topics.push(command("after", not_before_ms=begin_ms + FAR_MS), takes_back("after", not_before_ms=begin_ms + 3_000))

    eventually(lambda: topics.outcomes("after"), "the second is taken back")
    assert topics.outcomes("before") == ["NO_DEVICE"]
    assert topics.outcomes("after") == ["CANCELLED"]
    assert all(told.occurred_at_ms >= begin_ms + 3_000 for told in topics.feedback() if told.command_id == "after")


def test_nobody_takes_back_what_is_another_users(start: Start, topics: Topics) -> None:
    start()
    topics.push(command("told", "ada"))
    eventually(lambda: topics.outcomes("told"), "hers is settled")
    topics.push(command("waits", "ada", not_before_ms=now_ms() + 5_000))
    topics.push(takes_back("told", "mallory"), takes_back("waits", "mallory"), command("last", "mallory"))

    eventually(lambda: topics.outcomes("last"), "all that mallory said")
    eventually(lambda: topics.outcomes("waits"), "its moment")
    assert topics.outcomes("told") == ["NO_DEVICE"]
    assert topics.outcomes("waits") == ["NO_DEVICE"]


def takes_back(command_id: str, user: str = "ada", **fields: int) -> PushCommand:
    """Shows nothing itself."""
    return command(f"not-{command_id}", user, cancels_command_id=command_id, content=Content(), item_ids=[], **fields)
