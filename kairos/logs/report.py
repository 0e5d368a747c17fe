"""What a replay did: filled while it runs, so that it can be shown however it ends."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kairos.logs.skipped import SkippedRows


@dataclass(slots=True)
class Report:
    """Times in milliseconds since the epoch, of the log unless ``wall`` says otherwise; None where there was nothing."""

    log: str
    expected_rows: int | None = None
    events: int = 0
    items: int = 0
    items_refreshed: int = 0
    learned_visits: int = 0
    learned_until_ms: int | None = None
    first_ms: int | None = None
    last_ms: int | None = None
    started_wall_ms: int | None = None
    ended_wall_ms: int | None = None
    skipped: SkippedRows = field(default_factory=SkippedRows)
    unreadable: SkippedRows = field(default_factory=SkippedRows)

    def expect(self, rows: int | None, limit: int | None) -> None:
        """How far it is to the end, for a progress bar: rows to read or events to send, whichever is fewer; None if unknown."""
        known = [each for each in (rows, limit) if each is not None]
        self.expected_rows = min(known) if known else None

    def sent(self, events: int, first_ms: int, last_ms: int, wall_ms: int) -> None:
        """Events that went out at ``wall_ms``, of which the first and last were at ``first_ms`` and ``last_ms`` in the log."""
        self.events += events
        self.first_ms = first_ms if self.first_ms is None else self.first_ms
        self.last_ms = last_ms
        self.started_wall_ms = wall_ms if self.started_wall_ms is None else self.started_wall_ms
        self.ended_wall_ms = wall_ms

    @property
    def seconds(self) -> float:
        """From the first event to the last."""
        if self.started_wall_ms is None or self.ended_wall_ms is None:
            return 0.0
        return (self.ended_wall_ms - self.started_wall_ms) / 1000

    @property
    def events_per_second(self) -> float:
        """Over the whole of ``seconds``."""
        return self.events / self.seconds if self.seconds else 0.0

    @property
    def skipped_by_reason(self) -> dict[str, int]:
        """Rows left out, the most frequent reason first."""
        return dict((self.skipped.counts + self.unreadable.counts).most_common())

    def as_json(self) -> dict[str, Any]:
        """Everything, times as ISO 8601 in UTC."""
        examples = [*self.unreadable.examples, *self.skipped.examples]
        return {
            "log": self.log,
            "events": self.events,
            "items": self.items,
            "items_refreshed": self.items_refreshed,
            "features_learned_from_visits": self.learned_visits,
            "features_learned_before": iso(self.learned_until_ms),
            "first_event": iso(self.first_ms),
            "last_event": iso(self.last_ms),
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.events_per_second, 1),
            "skipped": self.skipped_by_reason,
            "skipped_examples": [{"row": each.row, "reason": each.reason, "values": each.values} for each in examples],
        }


def iso(at_ms: int | None) -> str | None:
    """In UTC, to the second."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
