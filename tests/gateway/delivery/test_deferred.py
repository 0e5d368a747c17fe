"""Commands whose moment has not come: they hold up nobody, and whatever gateways die meanwhile, each is delivered at its moment, once."""

import re
from collections import Counter

import httpx
import pytest

from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Content, PushCommand
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.customer import SECRET, Customer
from tests.gateway.delivery.processes import GatewayProcess, Topics, command, eventually, now_ms

pytestmark = [pytest.mark.kafka]
on_both_stores = pytest.mark.parametrize("start", ["sqlite", "postgresql"], indirect=True)

FAR_MS = 600_000
SHOP = {"SHOP_SECRET": SECRET}


def done(topics: Topics) -> int:
    """Records that nobody reads again."""
    return topics.committed(f"{topics.prefix}gateway")


def deferred(gateway: GatewayProcess) -> int:
    """Commands that it has put into the store for later."""
    metrics = httpx.get(f"http://{gateway.address}/metrics", timeout=30).text
    found = re.search(r'^kairos_gateway_commands_total{standing="deferred"} (\d+)', metrics, re.MULTILINE)
    return int(found[1]) if found else 0


def has_its_partitions(topics: Topics) -> None:
    """Until the one gateway that there is reads: what is pushed from now on is not late only because it was about to begin."""
    topics.push(command("now"))
    eventually(lambda: topics.outcomes("now"), "it has its partitions")


def test_commands_for_later_hold_up_nobody_and_no_offset(start: Start, topics: Topics) -> None:
    start(max_in_flight=2, source={"batch": 1})
    topics.push(*(command(f"later-{number}", not_before_ms=now_ms() + FAR_MS) for number in range(10)), command("now"))

    eventually(lambda: topics.outcomes("now"), "what is for now")
    eventually(lambda: done(topics) == 11, "nothing would be read again")


@on_both_stores
def test_a_command_is_delivered_at_its_moment_by_whoever_lives_then(start: Start, topics: Topics) -> None:
    with Customer() as customer:
        first = start(SHOP, webhook=customer.settings())
        has_its_partitions(topics)
        not_before_ms = now_ms() + 20_000
        topics.push(command("later", not_before_ms=not_before_ms))
        eventually(lambda: done(topics) == 2, "the store has it")
        first.kill()
        assert now_ms() < not_before_ms  # the first one has not delivered it

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
        not_before_ms = now_ms() + 20_000
        topics.push(*(command(each, f"user-{each}", not_before_ms=not_before_ms) for each in ids))
        eventually(lambda: done(topics) == len(ids), "the store has them")
        assert now_ms() < not_before_ms
        eventually(lambda: len(customer.ids) >= len(ids) // 3, "their moment")
        settled = eventually(lambda: accepted(topics), "the first is told")
        gateways[0].kill()

        eventually(lambda: set(customer.ids) == set(ids), "every push arrived")
        ends = eventually(lambda: all_told(topics, len(ids)), "each was told")

    assert set(ends.values()) == {1}
    # Only what was on its way at that moment may have come twice, with the same id: nothing that had been settled by then.
    came = Counter(customer.ids)
    assert {came[each] for each in settled} == {1}
    assert set(came.values()) <= {1, 2}


def accepted(topics: Topics) -> Counter[str]:
    """How often each was told to be accepted."""
    return Counter(each.command_id for each in topics.feedback() if each.outcome == feedback_pb2.OUTCOME_ACCEPTED)


def all_told(topics: Topics, count: int) -> Counter[str] | None:
    """How often each was told to be accepted, and nothing else."""
    told = [each for each in topics.feedback() if each.outcome != feedback_pb2.OUTCOME_RETRYING]
    found = Counter(each.command_id for each in told if each.outcome == feedback_pb2.OUTCOME_ACCEPTED)
    return found if len(found) == len(told) == count else None


def test_a_command_whose_end_comes_before_its_moment_is_expired_at_its_end(start: Start, topics: Topics) -> None:
    gateway = start()
    has_its_partitions(topics)
    never = command("never", not_before_ms=now_ms() + FAR_MS, ttl_ms=5_000)
    topics.push(never, command("past", not_before_ms=now_ms() + FAR_MS, ttl_ms=-1))

    eventually(lambda: topics.outcomes("never") and topics.outcomes("past"), "their end")
    assert topics.outcomes("never") == ["EXPIRED"]
    assert topics.outcomes("past") == ["EXPIRED"]
    assert deferred(gateway) == 1  # whose end had come was not put off
    (told,) = (told for told in topics.feedback() if told.command_id == "never")
    assert told.occurred_at_ms >= never.expires_at_ms


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
    gateway = start()
    has_its_partitions(topics)
    topics.push(*(command("twice", not_before_ms=now_ms() + 5_000) for _ in range(2)))

    eventually(lambda: len(topics.outcomes("twice")) == 2, "both")
    assert topics.outcomes("twice") == ["NO_DEVICE", "DUPLICATE"]
    assert deferred(gateway) == 2


def test_what_takes_back_later_takes_back_later(start: Start, topics: Topics) -> None:
    gateway = start()
    has_its_partitions(topics)
    begin_ms = now_ms()
    topics.push(command("before", not_before_ms=begin_ms + 5_000), takes_back("before", not_before_ms=begin_ms + FAR_MS))
    topics.push(command("after", not_before_ms=begin_ms + FAR_MS), takes_back("after", not_before_ms=begin_ms + 5_000))

    eventually(lambda: topics.outcomes("before") and topics.outcomes("after"), "the first is done, the second taken back")
    assert topics.outcomes("before") == ["NO_DEVICE"]
    assert topics.outcomes("after") == ["CANCELLED"]
    assert all(told.occurred_at_ms >= begin_ms + 5_000 for told in topics.feedback() if told.command_id == "after")
    assert deferred(gateway) == 4


def test_nobody_takes_back_what_is_another_users(start: Start, topics: Topics) -> None:
    gateway = start()
    topics.push(command("told", "ada"))
    eventually(lambda: topics.outcomes("told"), "hers is settled")
    topics.push(command("waits", "ada", not_before_ms=now_ms() + 10_000))
    eventually(lambda: deferred(gateway) == 1, "the store has it")
    topics.push(takes_back("told", "mallory"), takes_back("waits", "mallory"), command("last", "mallory"))

    eventually(lambda: topics.outcomes("last"), "all that mallory said")
    assert topics.outcomes("waits") == []
    eventually(lambda: topics.outcomes("waits"), "its moment")
    assert topics.outcomes("told") == ["NO_DEVICE"]
    assert topics.outcomes("waits") == ["NO_DEVICE"]


def takes_back(command_id: str, user: str = "ada", **fields: int) -> PushCommand:
    """Shows nothing itself."""
    return command(f"not-{command_id}", user, cancels_command_id=command_id, content=Content(), item_ids=[], **fields)
