"""One push in words: what the table, the plain lines and the JSON lines show."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from kairos.consume.consumer import ReceivedPush
from kairos.v1 import push_pb2
from kairos.words import trigger_words

WAITED_FROM_MS = 1_000


@dataclass(frozen=True, slots=True)
class PushView:
    """``latency_ms``: from the event that caused it to its receipt here; ``None`` if it was lying in the topic when we came, or if the
    event's time is not known, or still to come (signals may be dated ahead). ``waited_ms``: how long the decision was put off on
    purpose; 0 if it was not.
    """

    command_id: str
    at_ms: int
    user: str
    items: tuple[str, ...]
    title: str
    score: float
    reason: str
    latency_ms: int | None
    waited_ms: int
    expired: bool

    @property
    def what(self) -> str:
        """Title, or else the item; how many more there are."""
        name = self.title or (self.items[0] if self.items else "")
        return f"{name} (+{len(self.items) - 1})" if len(self.items) > 1 else name

    def time(self, zone: tzinfo | None = None) -> str:
        """Clock time of the receipt, in this machine's zone unless another is given."""
        return datetime.fromtimestamp(self.at_ms / 1000, UTC).astimezone(zone).strftime("%H:%M:%S")

    def as_json(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "command_id": self.command_id,
            "received_at_ms": self.at_ms,
            "user_id": self.user,
            "item_ids": list(self.items),
            "title": self.title,
            "score": round(self.score, 6),
            "reason": self.reason,
            "latency_ms": self.latency_ms,
            "waited_ms": self.waited_ms,
            "expired": self.expired,
        }


def view_of(push: ReceivedPush, started_at_ms: int) -> PushView:
    """``started_at_ms``: what was written before then has been lying about, and says nothing on latency."""
    command = push.command
    # A decision bears the time it was taken *for*: the event's own, or the moment that was waited for.
    put_off_ms = command.decided_at_ms - command.caused_at_ms if command.caused_at_ms else 0
    fresh = 0 < command.caused_at_ms <= push.received_at_ms and push.written_at_ms >= started_at_ms
    return PushView(
        command_id=command.command_id,
        at_ms=push.received_at_ms,
        user=command.user_id,
        items=tuple(command.item_ids),
        title=_text(command.content),
        score=command.decision.score,
        reason=command.reason or trigger_words(command.trigger),
        latency_ms=push.received_at_ms - command.caused_at_ms if fresh else None,
        waited_ms=put_off_ms if put_off_ms >= WAITED_FROM_MS else 0,
        expired=0 < command.expires_at_ms <= push.received_at_ms,
    )


def _text(content: push_pb2.Content) -> str:
    """The title; with the body where a template may have put the item's name there."""
    return f"{content.title}: {content.body}" if content.template_id and content.body else content.title


def duration_words(milliseconds: float) -> str:
    """``4.2`` -> ``4 ms``; the two largest units: ``2 h 3 min``.

    >>> [duration_words(ms) for ms in (4.2, 1500, 65_000, 7_380_000)]
    ['4 ms', '1.5 s', '1 min 5 s', '2 h 3 min']
    """
    seconds = milliseconds / 1000
    if abs(milliseconds) < 1000:
        return f"{milliseconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
