"""A Kafka producer for asyncio whose `send` returns when every in-sync replica has the records, and whose buffer is bounded.

    producer = AcknowledgedProducer(options, settings)
    await producer.send(topic, [(key, value), …])

*Contract*: belongs to one event loop. `send` raises `BufferFull` before the first record is taken, or `NotAcknowledged` when some of the records
were given up or the wait was too long: those may or may not be in Kafka, so the sender must be told to send again, with the same ids. Whatever
`send` returned from is in Kafka. What is in the buffer counts until the Kafka client has spoken, however long the sender waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from gateway.common.settings import ProducerSettings

_IDLE_POLL_S = 0.5
"""How often the client's errors are looked at when nothing is in the buffer."""
_PROBE_TIMEOUT_S = 2.0
_FLUSH_STEP_S = 0.05

Record = tuple[bytes, bytes]
"""Key and value."""


class BufferFull(Exception):
    """No room: nothing was taken."""


class NotAcknowledged(Exception):
    """At least one of the records is not known to be in Kafka."""


class AcknowledgedProducer:
    """`options`: librdkafka's. `on_fatal` is called when the client can do no more and the process should be started again."""

    def __init__(self, options: dict[str, Any], settings: ProducerSettings, on_fatal: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        self._on_fatal = on_fatal
        self._log = structlog.get_logger("kafka")
        self._producer = Producer({**options, "error_cb": self._error})
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_is_idle = True
        self.records = 0
        """Records in the buffer."""
        self.bytes = 0
        """Bytes in the buffer, keys and values."""
        self.fatal = False

    def start(self) -> None:
        """Begins to look for acknowledgements, in the loop this is called in."""
        self._loop = asyncio.get_running_loop()
        self._schedule()

    async def send(self, topic: str, records: Sequence[Record]) -> None:
        """Returns when all are acknowledged. Raises BufferFull, NotAcknowledged."""
        if not records:
            return
        size = sum(len(key) + len(value) for key, value in records)
        if self.fatal or self.records + len(records) > self._settings.max_records or self.bytes + size > self._settings.max_bytes:
            raise BufferFull
        batch = _Batch(self, len(records), size)
        self.records += len(records)
        self.bytes += size
        messages: list[Any] = [{"key": key, "value": value} for key, value in records]
        try:
            taken = self._producer.produce_batch(topic, messages, on_delivery=batch.report)
        except (BufferError, KafkaException) as error:
            self._log.error("records not taken", topic=topic, reason=str(error))
            taken = 0
        for _ in range(len(records) - taken):
            batch.refuse()
        if self._timer_is_idle:
            self._schedule()
        try:
            await asyncio.wait_for(asyncio.shield(batch.done), self._settings.reply_timeout_ms / 1000)
        except TimeoutError:
            raise NotAcknowledged from None
        if batch.failed:
            raise NotAcknowledged

    async def probe(self, topics: Sequence[str]) -> str:
        """What stands in the way of writing to the topics; empty: nothing. Asks the brokers."""
        loop = asyncio.get_running_loop()
        if self.fatal:
            return "the Kafka client has failed for good"
        try:
            found = await loop.run_in_executor(None, lambda: self._producer.list_topics(timeout=_PROBE_TIMEOUT_S).topics)
        except KafkaException as error:
            return f"no broker answers ({error.args[0].str()})"
        missing = [topic for topic in topics if topic not in found]
        return f"topics are missing: {', '.join(missing)}" if missing else ""

    async def close(self, timeout_s: float) -> int:
        """Waits until the buffer is empty; the number of records that were still in it after `timeout_s`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        left: int = self._producer.flush(0)
        while left and loop.time() < deadline:
            await asyncio.sleep(_FLUSH_STEP_S)
            left = self._producer.flush(0)
        if self._timer is not None:
            self._timer.cancel()
        return left

    def _schedule(self) -> None:
        if self._loop is None:
            raise RuntimeError("start() comes first")
        if self._timer is not None:
            self._timer.cancel()
        self._timer_is_idle = self.records == 0
        wait_s = _IDLE_POLL_S if self._timer_is_idle else self._settings.poll_interval_ms / 1000
        self._timer = self._loop.call_later(wait_s, self._tick)

    def _tick(self) -> None:
        try:
            self._producer.poll(0)  # calls the batches' report for whatever is acknowledged
        finally:  # whatever goes wrong there: who waits would wait for ever
            self._schedule()

    def _finished(self, batch: _Batch) -> None:
        self.records -= batch.count
        self.bytes -= batch.size
        if batch.error is not None:
            self._log.warning("records given up", records=batch.failed, code=batch.error.name(), reason=batch.error.str())

    def _error(self, error: KafkaError) -> None:
        self._log.debug("kafka client", code=error.name(), reason=error.str())  # it tries again by itself, and whoever probes is told
        if error.fatal() and not self.fatal:
            self._log.error("kafka client failed for good", code=error.name(), reason=error.str())
            self.fatal = True
            self._on_fatal()


class _Batch:
    """Records that are answered for together."""

    __slots__ = ("_owner", "_waiting", "count", "done", "error", "failed", "size")

    def __init__(self, owner: AcknowledgedProducer, count: int, size: int) -> None:
        self._owner = owner
        self._waiting = count
        self.count = count
        self.size = size
        self.failed = 0
        self.error: KafkaError | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def report(self, error: KafkaError | None, _message: Message) -> None:
        """Called by the client once for each record."""
        if error is not None:
            self.failed += 1
            self.error = error
        self._count_down()

    def refuse(self) -> None:
        """One record was not even taken."""
        self.failed += 1
        self._count_down()

    def _count_down(self) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            self._owner._finished(self)
            if not self.done.done():
                self.done.set_result(None)
