"""Feedback into Kafka: a report is told when all in-sync replicas have it. What many tasks tell goes out together.

*Contract*: ``tell`` returns when the brokers have the record and raises nothing: while they are away it waits, and what waits for it
(a command's offset, a client's answer) waits too.
"""

import asyncio
from collections import Counter as Counts
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache

import structlog
from prometheus_client import Counter

from gateway.common.producer import AcknowledgedProducer, BufferFull, NotAcknowledged
from gateway.delivery.metrics import OUTCOMES
from gateway.delivery.outcomes import Report
from gateway.delivery.store.records import to_signal
from gateway.delivery.tasks import Tasks
from kairos.contract.connection import Connection
from kairos.v1 import feedback_pb2

_AGAIN_S = 0.5
_ENOUGH_AT_ONCE = 500
_SENDERS = 4
"""Batches that may be with the brokers at the same time."""

_Waiting = tuple[str, list[tuple[bytes, bytes]], "asyncio.Future[None]"]
"""Topic, records, and what is set when the brokers have them."""


class FeedbackWriter:
    """Belongs to one event loop, from ``start`` to ``stop``. ``failed`` is called with what ends it and must never happen."""

    def __init__(self, producer: AcknowledgedProducer, connection: Connection, failed: Callable[[BaseException], None]) -> None:
        self._producer = producer
        self._feedback = connection.topic("feedback")
        self._dead_letters = connection.topic("dead-letters")
        self._log = structlog.get_logger("feedback")
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._senders = Tasks(failed)

    def start(self) -> None:
        """Begin to send."""
        self._producer.start()
        for _ in range(_SENDERS):
            self._senders.start(self._send())

    async def tell(self, report: Report) -> None:
        """Returns when the brokers have it."""
        await self.tell_all([report])

    async def tell_all(self, reports: Sequence[Report]) -> None:
        """Returns when the brokers have them all."""
        if not reports:
            return
        for (outcome, channel), number in Counts((report.outcome, report.channel) for report in reports).items():
            _counter(outcome, channel).inc(number)
        records = [(report.user_id.encode(), to_signal(report)) for report in reports]
        await self._write(self._feedback, records)

    async def dead_letter(self, key: bytes, value: bytes) -> None:
        """A record that could not be used; returns when the brokers have it."""
        await self._write(self._dead_letters, [(key, value)])

    async def stop(self, timeout_s: float) -> None:
        """Give what is under way so long to be written."""
        await self._senders.finish(0)
        await self._producer.close(timeout_s)

    async def _write(self, topic: str, records: list[tuple[bytes, bytes]]) -> None:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((topic, records, written))
        self._wake.set()
        await written

    async def _send(self) -> None:
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            by_topic: dict[str, list[_Waiting]] = {}
            taken = 0
            while self._waiting and taken < _ENOUGH_AT_ONCE:
                waiting = self._waiting.popleft()
                taken += len(waiting[1])
                by_topic.setdefault(waiting[0], []).append(waiting)
            for topic, batch in by_topic.items():
                await self._send_batch(topic, batch)

    async def _send_batch(self, topic: str, batch: Sequence[_Waiting]) -> None:
        records = [record for _, several, _ in batch for record in several]
        while True:
            try:
                await self._producer.send(topic, records)
            except (BufferFull, NotAcknowledged) as error:
                # Again, with the same ids: the job knows a report that it has seen.
                self._log.warning("feedback not acknowledged", records=len(records), reason=type(error).__name__)
                await asyncio.sleep(_AGAIN_S)
            else:
                break
        for _, _, written in batch:
            if not written.done():
                written.set_result(None)


@cache
def _counter(outcome: int, channel: int) -> Counter:
    return OUTCOMES.labels(
        feedback_pb2.Outcome.Name(outcome).removeprefix("OUTCOME_").lower(),
        feedback_pb2.Channel.Name(channel).removeprefix("CHANNEL_").lower(),
    )
