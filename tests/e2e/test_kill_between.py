"""`kill -9` between two steps that belong together: a push sent and what became of it, a wake-up set and its push."""

import itertools
import time
from pathlib import Path

import pytest

from flink_job.core.ids import command_id
from flink_job.core.reasons import Reason
from kairos.local.cluster import FlinkCluster
from kairos.local.kafka import EmbeddedKafka
from kairos.v1 import feedback_pb2, interaction_pb2, push_pb2, signal_pb2
from tests.e2e.support.expected import assert_repeated_alike, assert_same_by_id, in_process
from tests.e2e.support.faults import kill_and_replace
from tests.e2e.support.job import JobUnderTest, await_decisions, decisions_of, left_behind, look, pushes_of
from tests.e2e.support.log import Sent, make_items
from tests.e2e.support.topics import TopicReader

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(500)]

USERS = 40
WAITS_MS = 15_000
"""From what is left behind to its wake-up: longer than it takes to kill a TaskManager, shorter than it takes to have another one."""

ONE_A_DAY = {
    "policy": {
        "gates": {"caps": [{"count": 1, "window_ms": 86_400_000}], "min_gap_ms": 0},
        "triggers": {"favourite": WAITS_MS},
        **left_behind(cart_ms=WAITS_MS),
    },
    "job": {"parallelism": 2},
}
FAILED, DELIVERED = feedback_pb2.OUTCOME_FAILED, feedback_pb2.OUTCOME_DELIVERED
FAVOURITE, CART = interaction_pb2.INTERACTION_TYPE_FAVOURITE, interaction_pb2.INTERACTION_TYPE_CART


def test_what_was_reserved_and_what_was_waited_for_is_kept(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, ONE_A_DAY)
    items = make_items(60, time.time_ns() // 1_000_000)
    job.publish_items(items)
    with job.on(cluster) as job_id, job.reader("pushes") as pushes, job.reader("decisions") as decisions:
        job.await_canaries(pushes)
        held = users(job, "held")  # the checkpoint holds that their push was sent
        again = users(job, "again")  # it does not, so their push is decided once more
        fates = dict(zip(held + again, [FAILED, DELIVERED, None, FAILED] * (USERS // 2), strict=True))

        log = [looks_at(user, 1) for user in held]
        log += [leaves(user, kind) for kind in (FAVOURITE, CART) for user in users(job, f"left-{kind}")]
        job.publish_log(log)
        await_pushes(pushes, held)
        cluster.rest.wait_for_checkpoint(job_id)
        late = [looks_at(user, 1) for user in again]
        job.publish_log(late)
        await_pushes(pushes, again)
        kill_and_replace(cluster, job_id)
        job.await_canaries(pushes)

        answers = [became(user, fate) for user, fate in fates.items() if fate]
        answers += [looks_at(user, 4) for user in fates]
        job.publish_log(answers)
        expected = in_process(job.config, items, log + late + answers)
        await_decisions(decisions, expected)
        job.await_canaries(pushes)
        pushes.read_to_end()
        decisions.read_to_end()

        assert_same_by_id(expected, assert_repeated_alike(pushes_of(pushes)))
        assert decisions_of(decisions).keys() == expected.decisions.keys()
        got = pushed_to(list(expected.pushes.values()))
        assert {user: len(got[user]) for user in fates} == {user: 2 if fate == FAILED else 1 for user, fate in fates.items()}
        capped = {found[1] for found in decisions_of(decisions) if found[3] == Reason.CAP.metric}
        assert capped >= {user for user, fate in fates.items() if fate != FAILED}
        waited = [push for push in expected.pushes.values() if push.user_id.startswith("left-")]
        assert {push.trigger for push in waited} == {signal_pb2.TRIGGER_BEHAVIOUR, signal_pb2.TRIGGER_ABANDONED_CART}
        assert all(push.decided_at_ms == push.caused_at_ms + WAITS_MS for push in waited)


def users(job: JobUnderTest, name: str) -> list[str]:
    return list(itertools.islice(job.not_held_out(f"{name}-{number}" for number in itertools.count()), USERS))


def looks_at(user: str, number: int) -> Sent:
    return look(user, f"item-{number}", now_ms(), event=f"look-{number}")


def leaves(user: str, kind: int) -> Sent:
    """A wish or a cart, and no more."""
    signal = signal_pb2.Signal()
    body = signal.interaction
    body.event_id, body.user_id, body.item_id, body.occurred_at_ms = f"left-{user}", user, "item-2", now_ms()
    body.type = kind  # type: ignore[assignment]
    return Sent("interactions", user, signal.SerializeToString())


def became(user: str, outcome: int) -> Sent:
    """What became of the push for the first look. Between topics there is no order, so it comes the way of what follows it."""
    signal = signal_pb2.Signal()
    body = signal.feedback
    body.feedback_id, body.user_id, body.occurred_at_ms = f"became-{user}", user, now_ms()
    body.command_id, body.outcome = command_id(user, f"look-1-{user}"), outcome  # type: ignore[assignment]
    return Sent("interactions", user, signal.SerializeToString())


def await_pushes(pushes: TopicReader, users: list[str]) -> None:
    waiting = {user.encode() for user in users}
    pushes.read_until(lambda: waiting <= {record.key for record in pushes.records}, "everybody got a push", deadline_s=60)


def pushed_to(pushes: list[push_pb2.PushCommand]) -> dict[str, list[push_pb2.PushCommand]]:
    found: dict[str, list[push_pb2.PushCommand]] = {}
    for push in pushes:
        found.setdefault(push.user_id, []).append(push)
    return found


def now_ms() -> int:
    return time.time_ns() // 1_000_000
