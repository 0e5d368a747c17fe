"""The example consumer against a real broker: nothing lost, nothing twice, whatever happens between reading and committing."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition
from typer.testing import CliRunner

from kairos.cli.app import build
from kairos.consume.consumer import PushConsumer, ReceivedPush
from kairos.consume.seen import SeenIds
from kairos.contract.clients import open_producer
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.errors import KairosError
from kairos.local.kafka import EmbeddedKafka
from kairos.v1.push_pb2 import DecisionSummary, PushCommand

pytestmark = pytest.mark.kafka

DEADLINE_S = 20.0
Publish = Callable[..., None]


@pytest.fixture
def topic(kafka: EmbeddedKafka, topic_prefix: str) -> str:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=2, topics=[TOPICS["pushes"]])
    return TOPICS["pushes"].name(topic_prefix)


@pytest.fixture
def producer(kafka: EmbeddedKafka) -> Iterator[KafkaProducer]:
    with open_producer(kafka.bootstrap_servers) as opened:
        yield opened


@pytest.fixture
def publish(producer: KafkaProducer, topic: str) -> Publish:
    """Writes one push for each of the ids, all of one user, so that they are in one partition and in order."""

    def write(*command_ids: str, user: str = "ada") -> None:
        for command_id in command_ids:
            producer.send(topic, key=user.encode(), value=command(command_id, user).SerializeToString())
        producer.flush()

    return write


def command(command_id: str, user: str = "ada") -> PushCommand:
    now_ms = time.time_ns() // 1_000_000
    return PushCommand(
        command_id=command_id,
        user_id=user,
        item_ids=["mug-7"],
        caused_at_ms=now_ms,
        decided_at_ms=now_ms,
        decision=DecisionSummary(score=1.25),
        reason="because you looked at mugs",
    )


def consumer(kafka: EmbeddedKafka, topic: str, **options: Any) -> PushConsumer:
    return PushConsumer(kafka.bootstrap_servers, topic, **{"group": f"{topic}-g", "from_beginning": True, **options})


def take(pushes: PushConsumer, count: int) -> list[ReceivedPush]:
    """The next ``count``, each handled, none committed."""
    taken: list[ReceivedPush] = []
    deadline = time.monotonic() + DEADLINE_S
    while len(taken) < count:
        assert time.monotonic() < deadline, f"only {len(taken)} of {count} pushes came"
        for push in pushes.poll():
            pushes.handled(push)
            taken.append(push)
            if len(taken) == count:
                break
    return taken


def ids(taken: list[ReceivedPush]) -> list[str]:
    return [push.command.command_id for push in taken]


def drain(pushes: PushConsumer, until: Callable[[], bool]) -> list[str]:
    """Everything that comes until ``until()`` holds."""
    taken: list[str] = []
    deadline = time.monotonic() + DEADLINE_S
    while not until():
        assert time.monotonic() < deadline
        for push in pushes.poll():
            pushes.handled(push)
            taken.append(push.command.command_id)
    return taken


def test_pushes_come_in_order_with_their_place_and_time(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a", "b", "c")
    with consumer(kafka, topic) as pushes:
        taken = take(pushes, 3)
    assert ids(taken) == ["a", "b", "c"]
    assert [push.offset for push in taken] == [0, 1, 2]
    assert taken[0].command.user_id == "ada"
    assert 0 <= taken[0].received_at_ms - taken[0].command.caused_at_ms < 60_000


def test_what_the_job_wrote_twice_is_handled_once(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a", "b", "a", "a", "c", "b", "end")
    with consumer(kafka, topic) as pushes:
        assert ids(take(pushes, 4)) == ["a", "b", "c", "end"]
        assert pushes.duplicates == 3


def test_after_the_memory_is_full_the_oldest_id_is_forgotten(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a", "b", "c", "a", "c")
    with consumer(kafka, topic, seen=SeenIds(2)) as pushes:
        assert ids(take(pushes, 4)) == ["a", "b", "c", "a"]


def test_bad_records_are_counted_and_passed_and_not_read_again(
    kafka: EmbeddedKafka, topic: str, producer: KafkaProducer, publish: Publish
) -> None:
    publish("a")
    for value in (b"\xff\xff not protobuf", None, b"", PushCommand(user_id="ada").SerializeToString()):
        producer.send(topic, key=b"ada", value=value)
    publish("b")
    with consumer(kafka, topic) as pushes:
        assert ids(take(pushes, 2)) == ["a", "b"]
        assert pushes.malformed == 4
        pushes.commit()
    publish("c")
    with consumer(kafka, topic, from_beginning=False) as pushes:
        assert ids(take(pushes, 1)) == ["c"]
        assert pushes.malformed == 0


def test_what_was_handled_but_not_committed_comes_again_after_a_crash(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a", "b", "c")
    first = consumer(kafka, topic)
    assert ids(take(first, 1)) == ["a"]
    first.commit()
    assert ids(take(first, 1)) == ["b"]
    first._consumer.close(autocommit=False)  # a crash: the process is gone, and its memory with it
    with consumer(kafka, topic, from_beginning=False) as second:
        assert ids(take(second, 2)) == ["b", "c"]


def test_what_was_read_but_not_handled_is_not_committed(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a", "b", "c")
    with consumer(kafka, topic) as pushes:
        assert ids(take(pushes, 1)) == ["a"]  # the batch it came in also held b and c
    with consumer(kafka, topic, from_beginning=False) as pushes:
        assert ids(take(pushes, 2)) == ["b", "c"]


def test_a_new_group_begins_with_the_next_push_unless_told_otherwise(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("before")
    with consumer(kafka, topic, from_beginning=False) as pushes:
        drain(pushes, lambda: len(positions(pushes)) == 2)
        publish("after")
        assert ids(take(pushes, 1)) == ["after"]


def test_from_the_beginning_means_so_although_the_group_had_committed(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a", "b")
    with consumer(kafka, topic) as pushes:
        take(pushes, 2)
    with consumer(kafka, topic) as pushes:
        assert ids(take(pushes, 2)) == ["a", "b"]


def test_two_members_share_the_users_and_lose_nothing_when_one_leaves(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    users = [f"user-{number}" for number in range(20)]
    with consumer(kafka, topic) as stays:
        drain(stays, lambda: len(positions(stays)) == 2)
        with consumer(kafka, topic) as leaves:
            deadline = time.monotonic() + DEADLINE_S
            while not (len(positions(stays)) == len(positions(leaves)) == 1):
                assert time.monotonic() < deadline
                for member in (stays, leaves):
                    list(member.poll(50))
            for user in users:
                publish(f"first-{user}", user=user)
            first: set[str] = set()
            second: set[str] = set()
            drain_both(stays, leaves, first, second, until=lambda: len(first) + len(second) == len(users))
        assert first
        assert second
        assert not first & second
        for user in users:
            publish(f"then-{user}", user=user)
        assert sorted(ids(take(stays, len(users)))) == sorted(f"then-{user}" for user in users)


def drain_both(one: PushConsumer, other: PushConsumer, into_one: set[str], into_other: set[str], *, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not until():
        assert time.monotonic() < deadline
        for member, into in ((one, into_one), (other, into_other)):
            for push in member.poll(50):
                member.handled(push)
                into.add(push.command.command_id)
            member.commit()


def positions(pushes: PushConsumer) -> dict[TopicPartition, int]:
    """Of the partitions this member has and knows its place in."""
    owned = pushes._consumer.assignment()
    return {partition: pushes._consumer.position(partition, timeout_ms=5_000) for partition in owned}


def test_pushes_of_an_aborted_transaction_are_never_seen(kafka: EmbeddedKafka, topic: str) -> None:
    with open_producer(kafka.bootstrap_servers, transactional_id=f"{topic}-tx") as writer:
        writer.init_transactions()
        for command_id, commit in (("a", True), ("lost", False), ("b", True)):
            writer.begin_transaction()
            writer.send(topic, key=b"ada", value=command(command_id).SerializeToString())
            writer.flush()
            writer.commit_transaction() if commit else writer.abort_transaction()
    with consumer(kafka, topic) as pushes:
        assert ids(take(pushes, 2)) == ["a", "b"]
    with consumer(kafka, topic, group=f"{topic}-dirty", read_committed=False) as pushes:
        assert ids(take(pushes, 3)) == ["a", "lost", "b"]


def test_a_topic_that_is_not_there_is_an_error_that_says_how_to_make_it(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    with pytest.raises(KairosError, match=f"no topic {topic_prefix}pushes") as refused:
        PushConsumer(kafka.bootstrap_servers, f"{topic_prefix}pushes", group="g")
    assert "kairos topics create" in refused.value.hint


def run(kafka: EmbeddedKafka, topic: str, *options: str) -> tuple[int, str, str]:
    arguments = ["consume", "-b", kafka.bootstrap_servers, "--prefix", topic.removesuffix("pushes"), "--group", topic, *options]
    result = CliRunner().invoke(build(), arguments)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_one_json_object_a_push_and_ends_at_the_limit(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a", "a", "b", "c")
    code, out, err = run(kafka, topic, "--from-beginning", "--json", "--limit", "2", "--timeout", "20")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0, err
    assert [line["command_id"] for line in lines] == ["a", "b"]
    assert lines[0] | {"received_at_ms": 0} == {
        "command_id": "a",
        "received_at_ms": 0,
        "user_id": "ada",
        "item_ids": ["mug-7"],
        "title": "",
        "score": 1.25,
        "reason": "because you looked at mugs",
        "latency_ms": None,
        "waited_ms": 0,
        "expired": False,
    }
    assert "2 pushes · 1 duplicates dropped" in err


def test_a_second_run_of_the_command_goes_on_where_the_first_ended(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a", "b", "c")
    assert run(kafka, topic, "--from-beginning", "--json", "--limit", "2", "--timeout", "20")[0] == 0
    code, out, _ = run(kafka, topic, "--json", "--limit", "1", "--timeout", "20")
    assert code == 0
    assert json.loads(out)["command_id"] == "c"


def test_a_limit_that_is_not_reached_in_time_is_a_failure(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a")
    code, out, err = run(kafka, topic, "--from-beginning", "--limit", "2", "--timeout", "2")
    assert code == 1
    assert "mug-7" in out
    assert "1 pushes" in err


def test_ctrl_c_ends_it_with_the_totals_and_what_was_shown_is_committed(kafka: EmbeddedKafka, topic: str, publish: Publish) -> None:
    publish("a")
    arguments = ["consume", "-b", kafka.bootstrap_servers, "--prefix", topic.removesuffix("pushes"), "--group", topic]
    command_line = [sys.executable, "-m", "kairos.cli.app", *arguments, "--from-beginning", "--json"]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["command_id"] == "a"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "1 pushes" in err
    assert "Traceback" not in err
    publish("b")
    with consumer(kafka, topic, group=topic, from_beginning=False) as pushes:
        assert ids(take(pushes, 1)) == ["b"]
