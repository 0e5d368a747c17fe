"""Push commands from Kafka, as a member of a group: committed is only what the gateway has said is done.

The consumer lives in a thread of its own, because librdkafka's calls block; the event loop gets batches and hands back places. When
more is under way than allowed, partitions are paused and the thread goes on polling, so that the group keeps its member.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from gateway.common.kafka import client_options
from gateway.delivery.offsets import OffsetTracker
from gateway.delivery.settings import SourceSettings
from kairos.contract.connection import Connection


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record was read. ``tracker``: of this assignment; after a rebalance it is another one, and the word comes to nothing."""

    topic: str
    partition: int
    offset: int
    tracker: OffsetTracker

    @property
    def origin(self) -> str:
        """The place as a text, the same for every reader."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the topic of pushes."""

    place: Place
    key: bytes | None
    value: bytes | None
    written_at_ms: int

    @property
    def origin(self) -> str:
        """Where it was read, as a text."""
        return self.place.origin


class PushSource:
    """``failed`` is called in the event loop when the consumer cannot go on, whatever the reason, or records cannot be handed out."""

    def __init__(
        self,
        connection: Connection,
        settings: SourceSettings,
        most_under_way: int,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._options = client_options(connection, "kairos-gateway")
        self._topic = connection.topic("pushes")
        self._prefix = settings.user_prefix.encode()
        self._settings = settings
        self._most = most_under_way
        self._deliver: Callable[[list[Record]], None] = _nobody
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._trackers: dict[int, OffsetTracker] = {}
        self._done: deque[Place] = deque()
        self._under_way = 0
        self._paused: set[int] = set()
        """Partitions that are."""
        self._stopping = threading.Event()
        self._draining = threading.Event()
        self.assigned = threading.Event()
        """Set once the group has given this member its partitions, however few."""
        self._thread = threading.Thread(target=self._work, name="pushes", daemon=True)

    def start(self, deliver: Callable[[list[Record]], None]) -> None:
        """Join the group; ``deliver`` is called in the event loop with each batch."""
        self._deliver = deliver
        self._thread.start()

    def done(self, place: Place) -> None:
        """What became of this record is known and told. From any thread."""
        self._done.append(place)

    def drain(self) -> None:
        """Hand out nothing more; go on noting what is done."""
        self._draining.set()

    async def stop(self) -> None:
        """Commit what is done and leave the group, so that others take over at once."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    @property
    def under_way(self) -> int:
        """Records handed out and not done."""
        return self._under_way

    def _work(self) -> None:
        try:
            consumer = self._consumer()
            try:
                self._read(consumer)
            finally:
                consumer.close()
        except Exception as error:  # noqa: BLE001 - the gateway ends with it, where a thread would die unseen
            self._loop.call_soon_threadsafe(self._failed, error)

    def _consumer(self) -> Consumer:
        settings = self._settings
        return Consumer(
            {
                **self._options,
                "group.id": settings.group_id,
                "auto.offset.reset": settings.start_from,
                "enable.auto.offset.store": False,  # stored is what is done
                "enable.auto.commit": True,  # of what is stored; also when partitions are taken away, and at the end
                "auto.commit.interval.ms": settings.commit_ms,
                "session.timeout.ms": settings.session_ms,
                "heartbeat.interval.ms": settings.session_ms // 3,
                "isolation.level": "read_committed",
                "partition.assignment.strategy": "cooperative-sticky",
                "allow.auto.create.topics": False,
                "fetch.wait.max.ms": 10,
            }
        )

    def _read(self, consumer: Consumer) -> None:
        settings = self._settings
        consumer.subscribe([self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
        while not self._stopping.is_set():
            self._note_done(consumer)
            self._pause_or_resume(consumer)
            messages = consumer.consume(1, settings.poll_ms / 1000)
            if messages and settings.batch > 1:  # what is read together is delivered together, and costs less
                messages += consumer.consume(settings.batch - 1, settings.gather_ms / 1000)
            records = self._records(messages)
            if records:
                self._loop.call_soon_threadsafe(self._hand_out, records)
        self._note_done(consumer)

    def _hand_out(self, records: list[Record]) -> None:
        """In the event loop, which would log an error and go on without these records."""
        try:
            self._deliver(records)
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error)

    def _records(self, messages: list[Message]) -> list[Record]:
        records = []
        for message in messages:
            error = message.error()
            if error is not None:
                if error.fatal() or error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED):
                    raise KafkaException(error)
                continue  # the brokers are away, or the topic is not there yet: librdkafka tries again
            tracker = self._trackers.setdefault(message.partition(), OffsetTracker())
            tracker.begin(message.offset())
            self._under_way += 1
            place = Place(message.topic(), message.partition(), message.offset(), tracker)
            key = message.key()
            if key is not None and not key.startswith(self._prefix):
                self._done.append(place)
                continue
            records.append(Record(place, key, message.value(), message.timestamp()[1]))
        return records

    def _note_done(self, consumer: Consumer) -> None:
        moved = set()
        while self._done:
            place = self._done.popleft()
            self._under_way -= 1
            place.tracker.finish(place.offset)
            if self._trackers.get(place.partition) is place.tracker:
                moved.add(place.partition)
        if moved:
            positions = [TopicPartition(self._topic, number, self._trackers[number].position) for number in moved]
            try:
                consumer.store_offsets(offsets=positions)
            except KafkaException as error:
                if error.args[0].code() != KafkaError._STATE:  # taken away meanwhile: the next owner reads them again, and drops them
                    raise

    def _pause_or_resume(self, consumer: Consumer) -> None:
        """Partitions that have delivered nothing yet are not paused: librdkafka may never begin with one that is paused and resumed while it
        still asks for its offset. So after a rebalance a batch more than the most may be under way.
        """
        if self._draining.is_set() or self._under_way >= self._most:
            begun = [number for number, tracker in self._trackers.items() if tracker.position is not None and number not in self._paused]
            if begun:
                consumer.pause([TopicPartition(self._topic, number) for number in begun])
                self._paused.update(begun)
        elif self._paused and self._under_way <= self._most // 2:
            consumer.resume([TopicPartition(self._topic, number) for number in self._paused])
            self._paused.clear()

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self._trackers[partition.partition] = OffsetTracker()
            self._paused.discard(partition.partition)
        self.assigned.set()

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Wait a little for what is under way there: what is done now, nobody reads again."""
        numbers = [partition.partition for partition in partitions]
        deadline = time.monotonic() + self._settings.revoke_wait_ms / 1000
        while time.monotonic() < deadline and any(self._trackers[number].under_way for number in numbers if number in self._trackers):
            time.sleep(0.01)
            self._note_done(consumer)
        self._note_done(consumer)
        self._forget(consumer, numbers)

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._forget(consumer, [partition.partition for partition in partitions])

    def _forget(self, consumer: Consumer, numbers: list[int]) -> None:
        """Resumed before they go: librdkafka remembers that a partition was paused, also when it comes back."""
        paused = [TopicPartition(self._topic, number) for number in numbers if number in self._paused]
        if paused:
            consumer.resume(paused)
        self._paused.difference_update(numbers)
        for number in numbers:
            self._trackers.pop(number, None)


def _nobody(_records: list[Record]) -> None:
    raise RuntimeError("start() comes first")
