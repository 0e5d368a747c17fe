"""Where the records of one user come from: the topics of a running job, or files of JSON lines.

Of a topic no more is read than the one partition the user's key belongs to, from the moment on that is of interest. Records are written when, or
after, what they tell has happened; a little earlier by their own clock at most (``limits.max_future_ms``).

*Contract*: raises ``KairosError`` that names the file and line, or the topic.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kairos.contract.connection import Connection
from kairos.contract.json_lines import read_json_lines
from kairos.contract.reading import read_key
from kairos.explain.history import History, history_of
from kairos.v1.decision_pb2 import Decision
from kairos.v1.push_pb2 import PushCommand
from kairos.v1.signal_pb2 import Signal

HEARD_FOR_MS = 7 * 86_400_000
"""What becomes of a push later than this is not looked for; a week is how long the topic is kept."""

_AHEAD_MS = 60_000
_BEHIND_MS = 600_000
"""So long after what it tells has happened an event is looked for: apps send in batches."""


class Source(Protocol):
    """Something that holds the log."""

    @property
    def name(self) -> str:
        """Of the decision log, for people."""

    def history(self, user_id: str, from_ms: int, until_ms: int | None) -> History:
        """What was written of the user from ``from_ms`` on and before ``until_ms`` (None: now), more where more costs nothing."""

    def said_around(self, user_id: str, at_ms: int) -> Iterator[bytes]:
        """What the user's app said of them around this moment, as signals; nothing where that is not kept."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Those of a job."""

    there: Connection

    def said_around(self, user_id: str, at_ms: int) -> Iterator[bytes]:
        """See Source."""
        around = at_ms - _AHEAD_MS, at_ms + _BEHIND_MS
        return (record.value or b"" for record in read_key(self.there, "interactions", user_id, *around))

    @property
    def name(self) -> str:
        """The decision log's."""
        return self.there.topic("decisions")

    def history(self, user_id: str, from_ms: int, until_ms: int | None) -> History:
        """See Source."""
        heard_ms = None if until_ms is None else until_ms + HEARD_FOR_MS
        since_ms = from_ms - _AHEAD_MS
        return history_of(
            user_id,
            (record.value or b"" for record in read_key(self.there, "decisions", user_id, since_ms, until_ms)),
            (record.value or b"" for record in read_key(self.there, "pushes", user_id, since_ms, until_ms)),
            ((record.value or b"", record.timestamp) for record in read_key(self.there, "feedback", user_id, since_ms, heard_ms)),
        )


@dataclass(frozen=True, slots=True)
class Files:
    """All but the first may be missing: then the message, what became of it, and the user's zone are not told."""

    decisions: Path
    pushes: Path | None = None
    feedback: Path | None = None
    interactions: Path | None = None

    @property
    def name(self) -> str:
        """The decision log's."""
        return str(self.decisions)

    def history(self, user_id: str, from_ms: int, until_ms: int | None) -> History:  # noqa: ARG002  # a file is read to its end anyway
        """See Source."""
        pushes: Iterator[bytes] = read_json_lines(self.pushes, PushCommand(), user_id) if self.pushes else iter(())
        feedback: Iterator[bytes] = read_json_lines(self.feedback, Signal(), user_id) if self.feedback else iter(())
        decisions = read_json_lines(self.decisions, Decision(), user_id)
        return history_of(user_id, decisions, pushes, ((payload, 0) for payload in feedback))

    def said_around(self, user_id: str, at_ms: int) -> Iterator[bytes]:  # noqa: ARG002  # as above
        """See Source."""
        return read_json_lines(self.interactions, Signal(), user_id) if self.interactions else iter(())
