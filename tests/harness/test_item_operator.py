"""The item operator without Flink: state, timers and records, and that a restart in between makes no difference."""

import copy
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # it has none
import pytest
from pyflink.common import Row

from flink_job import item_operator
from flink_job.codec.item_signals import encode_item_signal
from flink_job.core.learning.signals import ItemSignal, Visit, Watch, WatchReason, creator_key, item_key
from flink_job.item_operator import ItemOperator
from kairos.v1 import dead_letter_pb2, knowledge_pb2, signal_pb2
from tests.codec.messages import item_record
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, MINUTE
from tests.harness.conftest import harness_settings
from tests.harness.flink_fakes import FakeKeyedContext, FakeRuntimeContext, FakeTask

AT = MONDAY_0930
MUG = item_key("mug")
Records = list[tuple[str, str, bytes]]


class Operator:
    """One instance, opened; a restart makes another one over the same states and timers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.task = FakeTask()
        self.task.now_ms = AT
        monkeypatch.setattr(item_operator, "_wall_ms", lambda: self.task.now_ms)
        self._open()

    def restart(self) -> None:
        """As after a crash: what Flink holds is there, and nothing else."""
        held, self.task = self.task, FakeTask()
        self.task.states, self.task.timers, self.task.now_ms = copy.deepcopy(held.states), set(held.timers), held.now_ms
        self._open()

    def hears(self, key: str, payload: bytes | None, topic: str = "kairos.item-signals") -> Records:
        return self._run(key, lambda: self.operator.process_element(Row(key, payload, f"{topic}/0/0/{self.task.now_ms}"), self._context()))

    def hears_signal(self, key: str, signal: ItemSignal) -> Records:
        return self.hears(key, encode_item_signal(signal)[1])

    def advance_to(self, now_ms: int) -> Records:
        said: Records = []
        while self.task.timers and min(self.task.timers)[0] <= now_ms:
            at_ms, key = min(self.task.timers)
            self.task.timers.remove((at_ms, key))
            self.task.now_ms = at_ms
            said += self._run(key, lambda at_ms=at_ms: self.operator.on_timer(at_ms, self._context()))  # type: ignore[misc]
        self.task.now_ms = now_ms
        return said

    def _open(self) -> None:
        self.operator: ItemOperator = cloudpickle.loads(cloudpickle.dumps(ItemOperator(harness_settings(), native_ttl=True)))
        self.operator.open(FakeRuntimeContext(self.task))

    def _context(self) -> FakeKeyedContext:
        return FakeKeyedContext(self.task)

    def _run(self, key: str, call: Any) -> Records:
        self.task.key = key
        try:
            return [tuple(row) for row in call()]  # type: ignore[misc]
        finally:
            self.task.key = None


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(monkeypatch)


def visit(name: str, at_ms: int = AT) -> ItemSignal:
    return ItemSignal(name, (MUG,), at_ms, "DE", Visit(["mug", "cup"], [1.0, 1.0], [at_ms, at_ms], [0.0, 0.0]))


def test_a_release_waits_in_a_timer_and_survives_a_restart(operator: Operator) -> None:
    assert [topic for topic, _, _ in operator.hears_signal(MUG, visit("a"))] == ["kairos.knowledge"]
    assert operator.hears_signal(MUG, visit("b")) == []
    assert operator.task.timers == {(AT + MINUTE, MUG)}
    operator.restart()
    assert operator.hears_signal(MUG, visit("b")) == []  # read again after the restart, learned from before
    ((topic, key, value),) = operator.advance_to(AT + MINUTE)
    assert (topic, key) == ("kairos.knowledge", MUG)
    knowledge = knowledge_pb2.Knowledge.FromString(value)
    assert knowledge.made_at_ms == AT + MINUTE
    assert knowledge.item.popularity == pytest.approx(2.0, rel=1e-3)
    assert operator.advance_to(AT + DAY) == []


def test_watchers_survive_a_restart_and_are_nudged(operator: Operator) -> None:
    operator.hears_signal(MUG, ItemSignal("w", (MUG,), AT, "", Watch("ann", "mug", "", (WatchReason.CART,))))
    operator.hears(MUG, item_record("mug", stock=0), "kairos.items")
    operator.restart()
    ((topic, key, value),) = operator.hears(MUG, item_record("mug", stock=2, updated_at_ms=AT + 1), "kairos.items")
    assert (topic, key) == ("kairos.nudges", "ann")
    assert signal_pb2.Signal.FromString(value).nudge.trigger == signal_pb2.TRIGGER_BACK_IN_STOCK


def test_what_is_published_reaches_followers_by_way_of_the_topic(operator: Operator) -> None:
    potter = creator_key("potter")
    operator.hears_signal(potter, ItemSignal("f", (potter,), AT, "", Watch("ann", "", "potter", (WatchReason.FOLLOWED,))))
    ((topic, key, value),) = operator.hears(MUG, item_record("mug", creator_id="potter", published_at_ms=AT - 1), "kairos.items")
    assert (topic, key) == ("kairos.item-signals", potter)
    ((topic, key, value),) = operator.hears(potter, value)
    assert (topic, key) == ("kairos.nudges", "ann")


@pytest.mark.parametrize("key", [MUG, "\0003/17", "mug"])
def test_bad_records_are_dead_letters_and_keep_no_state(operator: Operator, key: str) -> None:
    ((topic, _, value),) = operator.hears(key, b"\xff")
    assert topic == "kairos.dead-letters"
    assert dead_letter_pb2.DeadLetter.FromString(value).source_topic == "kairos.item-signals"
    assert operator.task.states["item-v1"] == {}


def test_a_bad_catalogue_record_is_left_to_the_user_operator(operator: Operator) -> None:
    assert operator.hears(MUG, b"\xff", "kairos.items") == []
    assert operator.hears(MUG, item_record("cup"), "kairos.items") == []
    assert operator.task.states["item-v1"] == {}
