"""What goes into a store and comes out of it."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from gateway.delivery.outcomes import Report
from kairos.v1.push_pb2 import Target

CURSOR_MS = 90 * 86_400_000
"""How far a device came is forgotten after a quarter of a year: no entry lives that long."""


class Standing(Enum):
    """How a command stands when it is read from Kafka."""

    MINE = "mine"
    """Nobody had it before, or it was this gateway's already: deliver it."""
    TAKEN_OVER = "taken over"
    """A gateway that had it is dead. Whether it got through is not known: deliver it, perhaps for the second time."""
    HELD = "held"
    """Another gateway that lives has it: look again later."""
    SETTLED = "settled"
    """What became of it is known."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Answer to ``Store.claim``."""

    standing: Standing
    settled: Report | None = None
    same_record: bool = False
    """With SETTLED: it was this very record of the topic that was read before, not a second one with the same id."""
    connected: bool = False
    """Some device of the user is connected to some gateway, or was until a moment ago."""
    devices: tuple[Target, ...] = ()
    """The user's addresses, the ones seen last first."""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """A push in the stream of a user."""

    stream_id: int
    user_id: str
    command_id: str
    payload: str
    """JSON, as clients get it."""
    collapse_key: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A push that was taken back after it may have been shown."""

    command_id: str


@dataclass(frozen=True, slots=True)
class Appended:
    """Answer to ``Store.append``: the new entry, and those that made room for it (replaced, or too old)."""

    entry: StreamEntry
    is_new: bool = True
    """False: it was there already, and devices have it or will get it when they resume."""
    replaced: tuple[StreamEntry, ...] = ()
    overflowed: tuple[StreamEntry, ...] = ()


class Wanted(NamedTuple):
    """What ``Store.claim`` is given."""

    command_id: str
    user_id: str
    origin: str
    now_ms: int
    keep_until_ms: int


class Deferred(NamedTuple):
    """A command that waits for its moment. ``origin``: topic/partition/offset of its record; ``record``: its bytes, as they were read."""

    command_id: str
    user_id: str
    origin: str
    due_ms: int
    record: bytes

    @property
    def written_at_ms(self) -> int:
        """How long a push takes is counted from its moment."""
        return self.due_ms


class Addition(NamedTuple):
    """What ``Store.append`` is given. ``keep``: unacknowledged entries of the user; ``sent``: it goes to a connection at once."""

    entry: StreamEntry
    settled: Report | None
    keep: int
    sent: bool


class Acknowledgement(NamedTuple):
    """What ``Store.acknowledge`` is given."""

    user_id: str
    device_id: str
    up_to_id: int
    now_ms: int
