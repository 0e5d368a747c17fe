"""A downstream consumer of push commands: copy this file to begin your own delivery.

    with PushConsumer("localhost:9092", group="my-delivery") as pushes:
        while True:
            for push in pushes.poll():
                deliver(push.command)
                pushes.handled(push)
            pushes.commit()

Four rules make it right, and the code below is no more than these:

1. **Commit what was handled, never what was read.** Auto-commit is off. If the program dies between handling and committing,
   Kafka hands out the same records again: nothing is lost, something may come twice.
2. **Drop what came twice.** The job, too, may write a push again after a failure, with the *same* ``command_id``. Ids that were
   handled are remembered (``seen.py``); an id counts as seen only once its push was handled, not when it was read.
3. **Never stop at a bad record.** What is no PushCommand is logged with its place, counted and passed.
4. **A push has an end.** After ``expires_at_ms`` it is worthless; after an outage most of a backlog is.

*Contract*: not thread-safe. Raises ``KairosError`` when no broker answers, and kafka-python's errors later. docs/consuming.md
walks through it.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from google.protobuf.message import DecodeError
from kafka import OffsetAndMetadata, TopicPartition
from kafka.errors import CommitFailedError, RebalanceInProgressError

from kairos.consume.seen import SeenIds
from kairos.contract.clients import open_consumer
from kairos.errors import KairosError
from kairos.v1.push_pb2 import PushCommand

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReceivedPush:
    """One push command with where it was and when it came, milliseconds since the epoch."""

    command: PushCommand
    partition: TopicPartition
    offset: int
    written_at_ms: int
    received_at_ms: int


class PushConsumer:
    """Reads push commands as a member of ``group``: members share the partitions, a user's pushes go to one member, in order.

    ``from_beginning``: start at the oldest record there is, whatever the group had committed. ``read_committed``: for a job in
    exactly-once mode, see only what its transactions committed. ``duplicates`` and ``malformed`` count what was passed over.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str = "kairos.pushes",
        *,
        group: str = "kairos-consume",
        from_beginning: bool = False,
        read_committed: bool = True,
        properties: Mapping[str, str] | None = None,
        seen: SeenIds | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.duplicates = 0
        self.malformed = 0
        self._seen = seen if seen is not None else SeenIds()
        self._clock_ms = clock_ms
        self._unread: deque[tuple[TopicPartition, Any]] = deque()
        self._fetched_at_ms = 0
        self._from_beginning = from_beginning
        self._rewound: set[TopicPartition] = set()
        self._to_commit: dict[TopicPartition, OffsetAndMetadata] = {}
        self._consumer = open_consumer(
            bootstrap_servers,
            properties,
            group_id=group,
            enable_auto_commit=False,  # rule 1
            auto_offset_reset="earliest" if from_beginning else "latest",  # where a group begins that never committed
            isolation_level="read_committed" if read_committed else "read_uncommitted",
            allow_auto_create_topics=False,  # a misspelt topic is an error, not a new topic
            fetch_max_wait_ms=100,
        )
        if not self._consumer.partitions_for_topic(topic):
            self._consumer.close(autocommit=False)
            raise KairosError(f"There is no topic {topic} at {bootstrap_servers}.", "Run `kairos topics create`, or give another --prefix.")
        self._consumer.subscribe([topic])

    def poll(self, timeout_ms: int = 200) -> Iterator[ReceivedPush]:
        """The next pushes, each once; waits at most ``timeout_ms`` for the first. Call ``handled`` on each before the next.

        Whoever leaves the loop early gets the rest from the next ``poll``.
        """
        if not self._unread:
            self._fetch(timeout_ms)
        while self._unread:
            partition, record = self._unread.popleft()
            command = _parse(record.value)
            if command is None:
                self.malformed += 1  # rule 3
                log.warning("%s/%s, offset %s: no PushCommand", partition.topic, partition.partition, record.offset)
                self._passed(partition, record.offset)
            elif command.command_id in self._seen:
                self.duplicates += 1  # rule 2
                self._passed(partition, record.offset)
            else:
                yield ReceivedPush(command, partition, record.offset, record.timestamp, self._fetched_at_ms)

    def handled(self, push: ReceivedPush) -> None:
        """The push was delivered, or will never be: do not hand it out again."""
        self._seen.add(push.command.command_id)
        self._passed(push.partition, push.offset)

    def commit(self) -> None:
        """Tells Kafka how far this group has come; call it after every ``poll``, or every few seconds."""
        mine = self._consumer.assignment()
        offsets = {partition: offset for partition, offset in self._to_commit.items() if partition in mine}
        try:
            if offsets:
                self._consumer.commit(offsets)
        except (CommitFailedError, RebalanceInProgressError) as error:
            # The partitions now belong to another member, which reads these records again; rule 2 makes that harmless.
            log.info("offsets not committed, the group is being rebalanced: %s", error)
        self._to_commit = {}

    def close(self) -> None:
        """Commits what was handled, and leaves the group, so that others take over at once."""
        self.commit()
        self._consumer.close(autocommit=False)

    def _fetch(self, timeout_ms: int) -> None:
        batches: dict[TopicPartition, list[Any]] = self._consumer.poll(timeout_ms)
        self._fetched_at_ms = self._clock_ms()
        rewound = self._rewind_new_partitions() if self._from_beginning else set()
        for partition, records in batches.items():
            if partition not in rewound:  # else these come again, and those before them
                self._unread.extend((partition, record) for record in records)

    def _passed(self, partition: TopicPartition, offset: int) -> None:
        self._to_commit[partition] = OffsetAndMetadata(offset + 1)  # what is committed is the next one to read

    def _rewind_new_partitions(self) -> set[TopicPartition]:
        """Each partition once: when it comes back after a rebalance, the committed offset is where to go on."""
        fresh: set[TopicPartition] = self._consumer.assignment() - self._rewound
        if fresh:
            self._consumer.seek_to_beginning(*fresh)
            self._rewound |= fresh
        return fresh

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _parse(value: bytes | None) -> PushCommand | None:
    """``None`` for what is no push command, or one without the id that everything hangs on."""
    try:
        command = PushCommand.FromString(value or b"")
    except DecodeError:
        return None
    return command if command.command_id else None
