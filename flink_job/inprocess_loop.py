"""The whole loop without Flink: user operator, item operator, and the topics between them with a delay. On the clock of the log.

What offline evaluation runs: decisions teach, and what was taught decides.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from flink_job.core.learning.signals import KEY_SEPARATOR, item_key
from flink_job.core.policy import PushPolicy
from flink_job.engine import Answer, MakePolicy, OutRecord
from flink_job.inprocess import InProcessRunner
from flink_job.item_engine import ItemEngine
from flink_job.settings import EngineSettings


class LearningRunner(InProcessRunner):
    """The whole loop: what the user operator tells reaches the item operator after `delay_ms`, and what that says comes back after another.

    A delay of 0 would let a decision see what it teaches; the job's own is some tens of milliseconds and the length of its batches.
    """

    def __init__(self, settings: EngineSettings, delay_ms: int, make_policy: MakePolicy = PushPolicy) -> None:
        """Raises ValueError for a delay that is not above 0."""
        if delay_ms <= 0:
            raise ValueError(f"delay_ms is {delay_ms}, it must be greater than 0")
        super().__init__(settings, make_policy)
        self.item_engine = ItemEngine(settings)
        self.item_states: dict[str, bytes] = {}
        self._settings = settings
        self._between = frozenset({settings.item_signals_topic, settings.knowledge_topic, settings.nudges_topic})
        self._delay_ms = delay_ms
        self._under_way: list[tuple[int, int, str, str, bytes | None]] = []  # heap of (due, number, topic, key, value)
        self._releases: list[tuple[int, str]] = []
        self._numbers = 0

    def load(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Take in the catalogue that is there at the start, (item id, kairos.v1.Item bytes)."""
        listed = list(items)
        super().load(listed)
        for item_id, payload in listed:
            self._carry_out_learning(
                item_key(item_id), self.item_engine.on_record(item_key(item_id), payload, f"{self.engine.items_topic}/0/0/0", None, 0), 0
            )

    def publish(self, items: Iterable[tuple[str, bytes]], at_ms: int) -> Iterator[OutRecord]:
        """The catalogue feed writes records at this moment: both operators read them."""
        yield from self.advance(at_ms)
        for item_id, payload in items:
            self.engine.on_shared(item_id, payload, f"{self.engine.items_topic}/0/0/{at_ms}", at_ms)
            yield from self._learn(item_key(item_id), payload, f"{self.engine.items_topic}/0/0/{at_ms}", at_ms)

    def tell(self, record: OutRecord, at_ms: int) -> None:
        """A record of `item-signals` is written at this moment."""
        self._send([record], at_ms)

    def advance(self, until_ms: int) -> Iterator[OutRecord]:
        """Let happen what is due before `until_ms`: wake-ups, releases, and what is under way between the operators."""
        while True:
            due = min(
                self._wakes[0][0] if self._wakes else until_ms,
                self._releases[0][0] if self._releases else until_ms,
                self._under_way[0][0] if self._under_way else until_ms,
            )
            if due >= until_ms:
                return
            if self._under_way and self._under_way[0][0] == due:
                _, _, topic, key, value = heapq.heappop(self._under_way)
                yield from self._arrive(topic, key, value, due)
            elif self._releases and self._releases[0][0] == due:
                _, key = heapq.heappop(self._releases)
                yield from self._carry_out_learning(key, self.item_engine.on_release(key, due, self.item_states.get(key), due), due)
            else:
                yield from super().advance(due + 1)

    def _arrive(self, topic: str, key: str, value: bytes | None, at_ms: int) -> Iterator[OutRecord]:
        origin = f"{topic}/0/{self._numbers}/{at_ms}"
        settings = self._settings
        if topic == settings.item_signals_topic:
            for each in key.split(KEY_SEPARATOR):
                yield from self._learn(each, value, origin, at_ms)
        elif topic == settings.knowledge_topic:
            _, dead_letter = self.engine.on_shared(key, value, origin, at_ms)
            yield from () if dead_letter is None else (dead_letter,)
        elif topic == settings.nudges_topic:
            answer = self.engine.on_signal(key, value, origin, self.states.get(key), at_ms)
            yield from self._carry_out(key, answer, at_ms)

    def _learn(self, key: str, value: bytes | None, origin: str, at_ms: int) -> Iterator[OutRecord]:
        answer = self.item_engine.on_record(key, value, origin, self.item_states.get(key), at_ms)
        yield from self._carry_out_learning(key, answer, at_ms)

    def _carry_out(self, user_id: str, answer: Answer, at_ms: int) -> list[OutRecord]:
        records = super()._carry_out(user_id, answer, at_ms)
        self._send(records, at_ms)
        return records

    def _carry_out_learning(self, key: str, answer: Answer, at_ms: int) -> list[OutRecord]:
        if answer.state is not None:
            self.item_states[key] = answer.state
        for due_ms in answer.wakes:
            heapq.heappush(self._releases, (due_ms, key))
        self._send(answer.records, at_ms)
        return answer.records

    def _send(self, records: list[OutRecord], at_ms: int) -> None:
        for topic, key, value in records:
            if topic in self._between:
                self._numbers += 1
                heapq.heappush(self._under_way, (at_ms + self._delay_ms, self._numbers, topic, key, value))
