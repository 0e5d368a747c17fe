"""What a running world has done so far, counted."""

from collections import Counter, OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Any

from flink_job.core.signals import Outcome
from kairos.world.values import Delivery, Feedback, Interaction, WorldEvent

_ACTIVE_MS = 300_000


@dataclass(slots=True)
class Tally:
    """Counts since the start. ``refused``: pushes for users or items of no concern here, and dry runs."""

    started_ms: int
    interactions: int = 0
    feedback: int = 0
    item_changes: int = 0
    pushes: int = 0
    duplicates: int = 0
    refused: int = 0
    unreadable: int = 0
    value: float = 0.0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    _seen_ms: OrderedDict[str, int] = field(default_factory=OrderedDict)  # user: last interaction, longest ago first

    def happened(self, events: list[WorldEvent]) -> None:
        """Counts what came out of a step."""
        for event in events:
            if isinstance(event, Interaction):
                self.interactions += 1
                self._seen_ms[event.profile.user_id] = event.occurred_at_ms
                self._seen_ms.move_to_end(event.profile.user_id)
            elif isinstance(event, Feedback):
                self.feedback += 1
                self.outcomes[event.outcome] += 1
                if event.outcome is Outcome.CONVERTED:
                    self.value += event.value
            else:
                self.item_changes += 1

    def delivered(self, delivery: Delivery) -> None:
        """Counts a push that was received."""
        self.pushes += 1
        self.duplicates += delivery is Delivery.DUPLICATE
        self.refused += delivery is Delivery.REFUSED

    def active(self, now_ms: int) -> int:
        """Users who did something in the last five minutes."""
        while self._seen_ms and next(iter(self._seen_ms.values())) < now_ms - _ACTIVE_MS:
            self._seen_ms.popitem(last=False)
        return len(self._seen_ms)

    def as_json(self, now_ms: int) -> dict[str, Any]:
        """Everything, with names for scripts."""
        seconds = max(now_ms - self.started_ms, 1) / 1000
        counts = {name: value for name, value in asdict(self).items() if isinstance(value, int | float) and name != "started_ms"}
        outcomes = {outcome.name.lower(): self.outcomes[outcome] for outcome in Outcome if self.outcomes[outcome]}
        return {
            "seconds": round(seconds, 1),
            "interactions_per_second": round(self.interactions / seconds, 1),
            "users_active": self.active(now_ms),
            **counts,
            "value": round(self.value, 2),
            "outcomes": outcomes,
        }
