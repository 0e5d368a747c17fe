"""From the topic of pushes to the topic of feedback, with a real broker: every command has an outcome, once, whatever happens."""

import pytest

from kairos.v1 import feedback_pb2
from kairos.v1.dead_letter_pb2 import DeadLetter
from kairos.v1.push_pb2 import Content, Privacy, PushCommand
from tests.gateway.delivery.conftest import Start
from tests.gateway.delivery.processes import Topics, command, eventually, now_ms

pytestmark = pytest.mark.kafka


def test_each_command_has_an_outcome_and_only_then_its_offset_is_committed(start: Start, topics: Topics) -> None:
    topics.push(
        command("nowhere-to-go"),
        command("too-late", ttl_ms=-1),
        command("quiet", quiet_from_ms=now_ms() - 1),
        command("minor", privacy=Privacy(minor=True)),
    )
    topics.write("pushes", b"ada", b"\xff\xff no push")
    gateway = start()

    eventually(lambda: topics.committed(f"{topics.prefix}gateway") == 5, "all five are done")

    assert topics.outcomes("nowhere-to-go") == ["NO_DEVICE"]
    assert topics.outcomes("too-late") == ["EXPIRED"]
    assert topics.outcomes("quiet") == ["EXPIRED"]
    assert topics.outcomes("minor") == ["REJECTED"]
    letters = [DeadLetter.FromString(value) for _, value in topics.records("dead-letters")]
    assert [letter.payload for letter in letters] == [b"\xff\xff no push"]
    assert gateway.stop() == 0


def test_pushes_to_other_users_than_those_of_its_prefix_are_passed_over_and_committed(start: Start, topics: Topics) -> None:
    topics.push(command("another's", user="user-1"), command("ours", user="demo-ada"))
    start(source={"user_prefix": "demo-"})

    eventually(lambda: topics.committed(f"{topics.prefix}gateway") == 2, "both are done")

    assert topics.outcomes("ours") == ["NO_DEVICE"]
    assert topics.outcomes("another's") == []


def test_a_second_record_with_the_same_id_is_a_duplicate_and_says_so(start: Start, topics: Topics) -> None:
    start()
    topics.push(command("once"))
    eventually(lambda: topics.outcomes("once"), "the first")

    topics.push(command("once"), command("once"))

    eventually(lambda: len(topics.outcomes("once")) == 3, "both of the others")
    assert topics.outcomes("once") == ["NO_DEVICE", "DUPLICATE", "DUPLICATE"]


def test_a_restarted_gateway_knows_what_it_has_settled(start: Start, topics: Topics) -> None:
    first = start()
    topics.push(command("once"))
    eventually(lambda: topics.outcomes("once"), "the outcome")
    first.stop()

    start()
    topics.push(command("once"), command("afterwards"))

    eventually(lambda: topics.outcomes("afterwards"), "the next one")
    assert topics.outcomes("once") == ["NO_DEVICE", "DUPLICATE"]


def test_what_is_taken_back_is_not_delivered_even_if_it_comes_after(start: Start, topics: Topics) -> None:
    start()
    topics.push(PushCommand(command_id="take-back", user_id="ada", cancels_command_id="unwanted", expires_at_ms=now_ms() + 60_000))
    topics.push(command("unwanted"), command("last"))

    eventually(lambda: topics.outcomes("last"), "all three")
    assert topics.outcomes("unwanted") == ["CANCELLED"]
    assert topics.outcomes("take-back") == []


def test_what_waits_for_its_moment_can_still_be_taken_back(start: Start, topics: Topics) -> None:
    start()
    topics.push(command("later", not_before_ms=now_ms() + 600_000))
    topics.push(command("instead", cancels_command_id="later", content=Content(title="Green mug")))

    eventually(lambda: topics.outcomes("instead"), "the other one")
    assert topics.outcomes("later") == ["CANCELLED"]


def test_feedback_is_keyed_by_user_and_names_the_item(start: Start, topics: Topics) -> None:
    start()
    topics.push(command("mine", "lin"))

    told = eventually(topics.feedback, "feedback")[0]
    assert (told.user_id, told.command_id, told.item_id, told.outcome) == ("lin", "mine", "mug-7", feedback_pb2.OUTCOME_NO_DEVICE)
