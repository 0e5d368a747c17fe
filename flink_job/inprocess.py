"""The job without Flink: the same engine over dictionaries and a heap of wake-ups, on the clock of the log.

What the Flink job must agree with, command for command, and what tests, back-tests and notebooks run. `flink_job.inprocess_loop` has the item
operator as well.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from flink_job.core.policy import PushPolicy
from flink_job.engine import Answer, Engine, MakePolicy, OutRecord
from flink_job.settings import EngineSettings


class InProcessRunner:
    """Runs signals in the order they are given; wake-ups fire when the time of the next signal has reached them."""

    def __init__(self, settings: EngineSettings, make_policy: MakePolicy = PushPolicy) -> None:
        self.engine = Engine(settings, make_policy)
        self.states: dict[str, bytes] = {}
        self._wakes: list[tuple[int, str]] = []
        self._origins = 0

    def load(self, items: Iterable[tuple[str, bytes]]) -> None:
        """Take in catalogue records, (item id, kairos.v1.Item bytes)."""
        for item_id, payload in items:
            self.engine.on_shared(item_id, payload, f"{self.engine.items_topic}/0/0/0", 0)

    def load_knowledge(self, records: Iterable[tuple[str, bytes | None]], at_ms: int) -> list[OutRecord]:
        """Take in knowledge records, (key, kairos.v1.Knowledge bytes), at this moment; returns the dead letters of the bad ones."""
        answers = [self.engine.on_shared(key, payload, f"in-process-knowledge/0/0/{at_ms}", at_ms) for key, payload in records]
        return [dead_letter for _, dead_letter in answers if dead_letter is not None]

    def run(self, signals: Iterable[tuple[str, bytes, int]]) -> Iterator[OutRecord]:
        """Take in (user id, kairos.v1.Signal bytes, time in ms) and yield what the job would write."""
        for user_id, payload, at_ms in signals:
            yield from self.advance(at_ms)
            origin = f"in-process/0/{self._origins}/{at_ms}"
            self._origins += 1
            answer = self.engine.on_signal(user_id, payload, origin, self.states.get(user_id), at_ms)
            yield from self._carry_out(user_id, answer, at_ms)

    def advance(self, until_ms: int) -> Iterator[OutRecord]:
        """Fire the wake-ups that are due before `until_ms`."""
        while self._wakes and self._wakes[0][0] < until_ms:
            at_ms, user_id = heapq.heappop(self._wakes)
            yield from self._carry_out(user_id, self.engine.on_wake(user_id, at_ms, self.states.get(user_id), at_ms), at_ms)

    def _carry_out(self, user_id: str, answer: Answer, _at_ms: int) -> list[OutRecord]:
        if answer.state is not None:
            self.states[user_id] = answer.state
        elif answer.erased:
            self.states.pop(user_id, None)
        for due_ms in answer.wakes:
            heapq.heappush(self._wakes, (due_ms, user_id))
        return answer.records
