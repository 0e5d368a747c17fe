"""A world on Kafka: offers its catalogue, lives in real time, reads the pushes and reacts.

*Contract*: raises ``KairosError`` when the brokers do not answer or refuse records. Not for several threads. The world itself stays
as deterministic as it is; what the clock and the pushes say is not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from google.protobuf.message import DecodeError
from kafka import TopicPartition
from kafka.errors import KafkaError

from kairos.contract.clients import open_consumer
from kairos.errors import KairosError
from kairos.logs.pacing import Clock
from kairos.logs.producer import RecordProducer
from kairos.world.codec import WorldCodec, read_push
from kairos.world.tally import Tally
from kairos.world.values import ItemChange, Push, WorldEvent
from kairos.world.world import World

_STEP_MS = 25
_CATALOGUE_BATCH = 500


class PushReader:
    """All pushes from now on, of all partitions. No group: every world reads everything and commits nothing."""

    def __init__(self, bootstrap_servers: str, topic: str, properties: Mapping[str, str]) -> None:
        self.unreadable = 0
        self._servers = bootstrap_servers
        self._consumer = open_consumer(
            bootstrap_servers,
            properties,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            fetch_max_wait_ms=100,
        )
        partitions = [TopicPartition(topic, number) for number in self._consumer.partitions_for_topic(topic) or ()]
        if not partitions:
            self._consumer.close()
            raise KairosError(f"There is no topic {topic} at {bootstrap_servers}.", "Run `kairos topics create`, or give another --prefix.")
        self._consumer.assign(partitions)
        self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            self._consumer.position(partition)  # now, not at the first poll: no push of ours may fall in between

    def poll(self) -> Iterator[Push]:
        """Those that have arrived; does not wait."""
        try:
            batches: dict[TopicPartition, list[Any]] = self._consumer.poll(timeout_ms=0)
        except KafkaError as error:
            raise KairosError(f"The pushes cannot be read from {self._servers} any more ({error}).", "Check the brokers.") from error
        for records in batches.values():
            for record in records:
                try:
                    yield read_push(record.value or b"")
                except DecodeError:
                    self.unreadable += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._consumer.close()


class LiveWorld:
    """One world and its connections. ``watch``, which may be set, is called with the tally after every step."""

    def __init__(
        self,
        world: World,
        codec: WorldCodec,
        producer: RecordProducer,
        pushes: PushReader,
        topic: Callable[[str], str],
        clock: Clock,
    ) -> None:
        self.watch: Callable[[Tally], None] = _nobody_watches
        self.tally = Tally(world.settings.start_ms)
        self._world, self._codec, self._producer, self._pushes = world, codec, producer, pushes
        self._topic, self._clock = topic, clock

    def offer(self) -> int:
        """Writes the catalogue and waits until the brokers have it; returns how many items it is."""
        items = self._world.catalogue()
        for begin in range(0, len(items), _CATALOGUE_BATCH):
            self._send(items[begin : begin + _CATALOGUE_BATCH])
        self._producer.flush()
        return len(items)

    def run(self, duration_ms: int | None = None) -> None:
        """Lives until the duration is over, or for ever."""
        self.tally.started_ms = started_ms = self._clock.now_ms()
        # While the catalogue was written the world lived on. Told now, that would look like slow events; new items are told.
        self._send(event for event in self._world.step(started_ms) if isinstance(event, ItemChange))
        while duration_ms is None or self._clock.now_ms() < started_ms + duration_ms:
            now_ms = self._clock.now_ms()
            self._react(now_ms)
            events = self._world.step(now_ms)
            self._send(events)
            self.tally.happened(events)
            self.watch(self.tally)
            self._clock.sleep_ms(max(0, now_ms + _STEP_MS - self._clock.now_ms()))
        self._producer.flush()

    def _react(self, now_ms: int) -> None:
        for push in self._pushes.poll():
            self.tally.delivered(self._world.deliver(push, now_ms))
        self.tally.unreadable = self._pushes.unreadable

    def _send(self, events: Iterable[WorldEvent]) -> None:
        by_topic: dict[str, list[tuple[bytes, bytes]]] = {}
        for event in events:
            topic, key, value = self._codec.record(event)
            by_topic.setdefault(topic, []).append((key, value))
        for topic, records in by_topic.items():
            self._producer.send(self._topic(topic), records)


def _nobody_watches(tally: Tally) -> None:
    """Until somebody is set to."""
