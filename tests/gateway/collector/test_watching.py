"""Readiness says what is, also after it could not be found out."""

import asyncio
from collections.abc import Iterator
from typing import Any

from gateway.collector.app import Readiness, _watch
from gateway.collector.metrics import CollectorMetrics

DEADLINE_S = 20


class Producer:
    """Asking the brokers answers one thing after the other."""

    def __init__(self, readiness: Readiness, *answers: str | Exception) -> None:
        self._readiness = readiness
        self._answers: Iterator[str | Exception] = iter(answers)
        self.seen: list[str] = []
        self.all_asked = asyncio.Event()

    async def probe(self, _topics: Any) -> str:
        self.seen.append(self._readiness.obstacle)
        answer = next(self._answers, None)
        if answer is None:
            self.all_asked.set()
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return str(answer)


def test_a_question_that_fails_makes_it_not_ready_and_the_next_one_ready_again() -> None:
    async def work() -> list[str]:
        readiness = Readiness()
        producer = Producer(readiness, "", ZeroDivisionError(), "")
        watching = asyncio.create_task(_watch(producer, readiness, CollectorMetrics(), 0.0))  # type: ignore[arg-type]
        await asyncio.wait_for(producer.all_asked.wait(), DEADLINE_S)
        watching.cancel()
        return producer.seen

    assert asyncio.run(work()) == ["starting", "", "the brokers cannot be asked (ZeroDivisionError)", ""]
