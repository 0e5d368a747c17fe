"""What one topic is to be like, as laid down in ``topics.yaml``.

*Contract*: pure; reads the file and nothing else. Raises ``KairosError`` naming the topic and the field that is wrong.

>>> spec = load_topics()["items"]
>>> spec.name("kairos."), spec.settings["cleanup.policy"]
('kairos.items', 'compact')
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from kairos.errors import KairosError

TOPICS_FILE = Path(__file__).with_name("topics.yaml")
DAY_MS = 24 * 60 * 60 * 1000
LEAST_MAX_RECORD_BYTES = 1_048_576

CleanupPolicy = Literal["delete", "compact"]


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic. ``short_name`` is without the prefix; ``key`` is a field of ``message``, or empty if ``key_format`` tells."""

    short_name: str
    message: str
    key: str
    partitions: int
    cleanup_policy: CleanupPolicy
    max_record_bytes: int
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    why: str
    key_format: str = ""
    retention_days: int = 0
    tombstone_days: int = 0

    def __post_init__(self) -> None:
        _require(self.partitions > 0, self.short_name, "partitions", "must be 1 or more")
        _require(self.cleanup_policy in ("delete", "compact"), self.short_name, "cleanup_policy", "must be delete or compact")
        _require(bool(self.key) != bool(self.key_format), self.short_name, "key", "give either key or key_format")
        _require(self.max_record_bytes >= LEAST_MAX_RECORD_BYTES, self.short_name, "max_record_bytes", "must be 1 MiB or more")
        compacted = self.cleanup_policy == "compact"
        _require((self.tombstone_days > 0) == compacted, self.short_name, "tombstone_days", "is for compacted topics, and only those")
        _require(
            (self.retention_days > 0) != compacted,
            self.short_name,
            "retention_days",
            "is for topics with cleanup_policy delete",
        )

    def name(self, prefix: str) -> str:
        """Name on the broker."""
        return prefix + self.short_name

    @property
    def settings(self) -> dict[str, str]:
        """Kafka's own names and values: exactly what Kairos depends on; the rest is the cluster's business."""
        settings = {
            "cleanup.policy": self.cleanup_policy,
            "max.message.bytes": str(self.max_record_bytes),
            # Where a record has no time of its own, event time is the producer's time stamp, never the broker's.
            "message.timestamp.type": "CreateTime",
            # Kafka deletes and compacts closed segments only; by default one stays open for a week.
            "segment.ms": str(DAY_MS),
        }
        if self.cleanup_policy == "compact":
            settings["delete.retention.ms"] = str(self.tombstone_days * DAY_MS)
            settings["max.compaction.lag.ms"] = str(DAY_MS)
        else:
            settings["retention.ms"] = str(self.retention_days * DAY_MS)
        return settings

    @property
    def key_words(self) -> str:
        """What the key is, in words."""
        return self.key or self.key_format


def load_topics(path: Path = TOPICS_FILE) -> dict[str, TopicSpec]:
    """All topics by short name, in the order of the file."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: _parse(name, entry) for name, entry in document["topics"].items()}


def _parse(name: str, entry: dict[str, Any]) -> TopicSpec:
    known = {each.name for each in fields(TopicSpec)} - {"short_name"}
    for unknown in entry.keys() - known:
        raise _error(name, unknown, f"is no field; the fields are {', '.join(sorted(known))}")
    values = dict(entry)
    for people in ("written_by", "read_by"):
        values[people] = tuple(values.get(people, ()))
    try:
        return TopicSpec(short_name=name, **values)
    except TypeError as error:  # a required field is missing; Python's message names it
        raise _error(name, "", str(error).partition("() ")[2]) from error


def _require(holds: bool, topic: str, name: str, what: str) -> None:
    if not holds:
        raise _error(topic, name, what)


def _error(topic: str, name: str, what: str) -> KairosError:
    place = f"topics.{topic}.{name}" if name else f"topics.{topic}"
    return KairosError(f"{TOPICS_FILE.name}: {place}: {what}.", "Restore the file from git, or correct the field.")
