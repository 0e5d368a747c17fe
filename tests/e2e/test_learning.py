"""Both operators on a real cluster: who waits for an item gets a push when it becomes cheaper, and visits come back as knowledge."""

import time
from pathlib import Path

import pytest

from flink_job.codec.item_signals import encode_item_signal
from flink_job.core.ids import share_of
from flink_job.core.learning.signals import ItemSignal, Visit, item_key
from kairos.local.cluster import FlinkCluster
from kairos.local.kafka import EmbeddedKafka
from kairos.v1 import interaction_pb2, item_pb2, knowledge_pb2, signal_pb2
from tests.e2e.support.job import JobUnderTest, look, pushes_of
from tests.e2e.support.log import Sent, make_items
from tests.e2e.support.topics import Outgoing, publish

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(300)]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_favourite_that_becomes_cheaper_is_pushed_and_visits_become_knowledge(
    cluster: FlinkCluster, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    overlay = {
        "job": {"parts": ["decide", "learn"]},
        "learning": {"telling": {"enabled": True}},
        "policy": {"send": {"min_score": -1.0}, "triggers": {"favourite": None}},
    }
    job = JobUnderTest(tmp_path, kafka.bootstrap_servers, topic_prefix, overlay)
    items = make_items(40, now_ms())
    job.publish_items([("item-7", priced("item-7", items, 100.0, now_ms())), *(item for item in items if item[0] != "item-7")])
    gates = job.config.policy.gates
    fan = next(name for name in (f"fan-{number}" for number in range(99)) if share_of(name, gates.holdout_salt) >= gates.holdout_share)
    with job.on(cluster), job.reader("pushes") as pushes, job.reader("nudges") as nudges, job.reader("knowledge") as knowledge:
        job.await_canaries(pushes)
        at_ms = now_ms()
        names = ["item-7", "item-8"]
        keys = tuple(item_key(name) for name in names)
        visit = ItemSignal("visit-1", keys, at_ms, "DE", Visit(names, [1.0, 2.0], [at_ms, at_ms], [0.0, 0.0]))
        tell(job, visit)
        job.publish_log([favours(fan, "item-7", at_ms)])
        knowledge.read_until(lambda: len(knowledge.records) >= 2, "both items told what they know", deadline_s=60)
        told = {record.key: knowledge_pb2.Knowledge.FromString(record.value or b"").item for record in knowledge.records}
        assert [neighbour.item_id for neighbour in told[b"item/item-8"].neighbours] == ["item-7"]
        assert told[b"item/item-8"].popularity_by_segment["DE"] == pytest.approx(2.0, rel=0.01)

        job.publish_items([("item-7", priced("item-7", items, 80.0, now_ms()))])
        nudges.read_until(lambda: bool(nudges.records), "the fan was nudged", deadline_s=60)
        nudge = signal_pb2.Signal.FromString(nudges.records[0].value or b"").nudge
        assert (nudge.user_id, nudge.price_before, nudge.price_after) == (fan, 100.0, 80.0)
        pushes.read_until(lambda: any(push.user_id == fan for push in pushes_of(pushes)), "the fan got a push", deadline_s=60)
        (push,) = [push for push in pushes_of(pushes) if push.user_id == fan]
        assert (push.cause_id, push.trigger) == (nudge.nudge_id, signal_pb2.TRIGGER_PRICE_DROP)


def priced(item_id: str, items: list[tuple[str, bytes]], price: float, at_ms: int) -> bytes:
    """The item's record with another price, as of now."""
    item = item_pb2.Item.FromString(dict(items)[item_id])
    item.price, item.updated_at_ms = price, at_ms
    return item.SerializeToString()


def favours(user_id: str, item_id: str, at_ms: int) -> Sent:
    """The user puts it on the wish list."""
    sent = look(user_id, item_id, at_ms, event="favourite")
    signal = signal_pb2.Signal.FromString(sent.payload)
    signal.interaction.type = interaction_pb2.INTERACTION_TYPE_FAVOURITE
    return Sent(sent.topic, sent.user_id, signal.SerializeToString())


def tell(job: JobUnderTest, *signals: ItemSignal) -> None:
    """What the user operator writes of a visit, when it is over."""
    records = [encode_item_signal(signal) for signal in signals]
    publish(job.bootstrap_servers, [Outgoing(job.config.topic("item-signals"), key.encode(), value) for key, value in records])
