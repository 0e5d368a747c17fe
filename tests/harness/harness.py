"""Runs the real user operator without Flink: rows in, rows out, a clock that stands still unless told, snapshots of bytes."""

import copy
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # it has none
from pyflink.common import Row

from flink_job import user_operator
from flink_job.settings import EngineSettings
from flink_job.user_operator import UserOperator
from kairos.v1 import dead_letter_pb2, decision_pb2, push_pb2
from tests.core.person import MONDAY_0930
from tests.harness.flink_fakes import FakeBroadcastContext, FakeKeyedContext, FakeRuntimeContext, FakeTask

PUSHES, DECISIONS, DEAD_LETTERS, ITEMS = "kairos.pushes", "kairos.decisions", "kairos.dead-letters", "kairos.items"
USER_STATE, CATALOGUE_STATE = "user-v1", "catalogue-v1"

Sent = tuple[str, str | None, bytes]
"""(topic, key, value)"""


@dataclass(frozen=True)
class Snapshot:
    """What a savepoint holds: bytes, timers, and the moment."""

    states: dict[str, dict[str, bytes]]
    broadcast: dict[str, dict[str, bytes]]
    timers: frozenset[tuple[int, str]]
    now_ms: int


class OperatorHarness:
    """One instance of the user operator, opened. `monkeypatch` is pytest's: the operator's clock becomes this one's."""

    def __init__(self, settings: EngineSettings, monkeypatch: Any, snapshot: Snapshot | None = None, *, native_ttl: bool = True) -> None:
        self.task = FakeTask()
        self.task.now_ms = MONDAY_0930
        if snapshot is not None:
            self.task.states = copy.deepcopy(snapshot.states)
            self.task.broadcast = copy.deepcopy(snapshot.broadcast)
            self.task.timers = set(snapshot.timers)
            self.task.now_ms = snapshot.now_ms
        self._offsets: dict[str, int] = {}
        monkeypatch.setattr(user_operator, "_wall_ms", lambda: self.task.now_ms)
        # As it travels to a TaskManager.
        self.operator: UserOperator = cloudpickle.loads(cloudpickle.dumps(UserOperator(settings, native_ttl=native_ttl)))
        self.operator.open(FakeRuntimeContext(self.task))

    def signal(self, user_id: str, payload: bytes | None, origin: str = "") -> list[Sent]:
        """A record of a user topic, now."""
        self.task.key = user_id
        value = Row(user_id, payload, origin or self._origin("kairos.interactions"))
        try:
            return self._rows(self.operator.process_element(value, FakeKeyedContext(self.task)))
        finally:
            self.task.key = None

    def shared(self, key: str | None, payload: bytes | None, origin: str = "") -> list[Sent]:
        """A record of the catalogue (or, by its origin, of the knowledge), now."""
        answer = self.operator.process_broadcast_element(Row(key, payload, origin or self._origin(ITEMS)), FakeBroadcastContext(self.task))
        assert inspect.isgenerator(answer), "Flink iterates over it to run it"
        return self._rows(answer)

    def advance_to(self, now_ms: int) -> list[Sent]:
        """Let time pass; timers fire at their moment, in order."""
        sent: list[Sent] = []
        while self.task.timers and min(self.task.timers)[0] <= now_ms:
            at_ms, key = min(self.task.timers)
            self.task.timers.remove((at_ms, key))
            self.task.now_ms = max(self.task.now_ms, at_ms)
            self.task.key = key
            sent += self._rows(self.operator.on_timer(at_ms, FakeKeyedContext(self.task)))
            self.task.key = None
        self.task.now_ms = now_ms
        return sent

    def snapshot(self) -> Snapshot:
        """A savepoint."""
        task = self.task
        return Snapshot(copy.deepcopy(task.states), copy.deepcopy(task.broadcast), frozenset(task.timers), task.now_ms)

    def blob(self, user_id: str) -> bytes | None:
        """The state of a user as Flink holds it."""
        return self.task.states[USER_STATE].get(user_id)

    def metric(self, name: str) -> int:
        """A metric as it stands."""
        return self.operator._engine.metrics.values()[name]

    def reported(self, name: str) -> int:
        """A metric as Flink would report it; Flink is told now and then."""
        return self.task.counters[f"kairos.{name}"].get_count()

    def _origin(self, topic: str) -> str:
        offset = self._offsets.get(topic, 0)
        self._offsets[topic] = offset + 1
        return f"{topic}/0/{offset}/{self.task.now_ms}"

    @staticmethod
    def _rows(answer: Iterable[Row]) -> list[Sent]:
        assert not isinstance(answer, bytes | str), "Flink would iterate over its characters"
        rows = [tuple(row) for row in answer]
        for topic, key, value in rows:
            assert type(topic) is str
            assert key is None or type(key) is str
            assert type(value) is bytes
        return rows


def pushes(sent: list[Sent]) -> list[push_pb2.PushCommand]:
    """The push commands among what was sent; their key is their user."""
    found = [(key, push_pb2.PushCommand.FromString(value)) for topic, key, value in sent if topic == PUSHES]
    assert all(key == push.user_id for key, push in found)
    return [push for _, push in found]


def decisions(sent: list[Sent]) -> list[decision_pb2.Decision]:
    """The records of the decision log."""
    return [decision_pb2.Decision.FromString(value) for topic, _, value in sent if topic == DECISIONS]


def dead_letters(sent: list[Sent]) -> list[dead_letter_pb2.DeadLetter]:
    """The dead letters; their key is their place."""
    found = [(key, dead_letter_pb2.DeadLetter.FromString(value)) for topic, key, value in sent if topic == DEAD_LETTERS]
    assert all(key == f"{letter.source_topic}/{letter.source_partition}/{letter.source_offset}" for key, letter in found)
    return [letter for _, letter in found]
