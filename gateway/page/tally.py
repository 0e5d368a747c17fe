"""What all topics tell operators: how much comes by, what became of pushes, reasons, arms, and the newest dead letters.

>>> tally = Tally(lambda: 60_000)
>>> tally.pushed(PushCommand(), written_ms=59_000)
>>> tally.pushed(PushCommand(), written_ms=60_000)
>>> tally.as_json()["rates"]["pushes"][-1]
1
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from kairos.v1.dead_letter_pb2 import DeadLetter, DeadLetterReason
from kairos.v1.decision_pb2 import VERDICT_EXPOSED, VERDICT_SENT, Decision
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.push_pb2 import PushCommand
from kairos.words import outcome_words, reason_words, trigger_words

BUCKET_MS = 5_000
_BUCKETS = 60
_LETTERS = 20
_SHOWN_BYTES = 120


class Tally:
    """Of all that the page has read; rates of the last five minutes in steps of five seconds."""

    def __init__(self, clock_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._rates = {name: deque([0] * _BUCKETS, maxlen=_BUCKETS) for name in ("decisions", "pushes", "feedback", "dead letters")}
        self._bucket = clock_ms() // BUCKET_MS
        self._verdicts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._occasions: Counter[str] = Counter()
        self._arms: dict[str, Counter[str]] = {}
        self._outcomes: Counter[str] = Counter()
        self._letters: deque[dict[str, Any]] = deque(maxlen=_LETTERS)
        self._letter_reasons: Counter[str] = Counter()

    def decided(self, decision: Decision, written_ms: int) -> None:
        """A record of the decision log, which may stand for more than one."""
        self._count("decisions", written_ms)
        arms = [(layer, arm) for layer, arm in decision.arms.items()]
        if decision.verdict == VERDICT_EXPOSED:
            return
        sent = decision.verdict == VERDICT_SENT
        for layer, arm in arms:
            self._arms.setdefault(layer, Counter())[f"{arm}: {'pushes' if sent else 'no push'}"] += 1
        self._verdicts["sent" if sent else "not sent"] += 1
        if not sent:
            self._reasons[decision.reason] += 1

    def pushed(self, command: PushCommand, written_ms: int) -> None:
        """A push command."""
        self._count("pushes", written_ms)
        self._occasions[trigger_words(command.trigger)] += 1

    def answered(self, feedback: Feedback, written_ms: int) -> None:
        """What became of a push."""
        self._count("feedback", written_ms)
        self._outcomes[outcome_words(feedback.outcome)] += 1

    def refused(self, letter: DeadLetter, written_ms: int) -> None:
        """A record that the job, or delivery, could not use."""
        self._count("dead letters", written_ms)
        reason = DeadLetterReason.Name(letter.reason).removeprefix("DEAD_LETTER_REASON_").lower().replace("_", " ")
        self._letter_reasons[reason] += 1
        self._letters.appendleft(
            {
                "reason": reason,
                "detail": letter.detail[:_SHOWN_BYTES],
                "topic": letter.source_topic,
                "partition": letter.source_partition,
                "offset": str(letter.source_offset),
                "atMs": letter.found_at_ms,
            }
        )

    def as_json(self) -> dict[str, Any]:
        """For the operators' view."""
        self._turn()
        return {
            "bucketMs": BUCKET_MS,
            "rates": {name: list(counts) for name, counts in self._rates.items()},
            "verdicts": dict(self._verdicts),
            "reasons": [{"why": reason_words(name), "count": count} for name, count in self._reasons.most_common(8)],
            "occasions": [{"occasion": name, "count": count} for name, count in self._occasions.most_common(8)],
            "outcomes": [{"outcome": name, "count": count} for name, count in self._outcomes.most_common(10)],
            "arms": {layer: dict(counts) for layer, counts in self._arms.items()},
            "deadLetters": {"counts": dict(self._letter_reasons), "newest": list(self._letters)},
        }

    def _count(self, name: str, written_ms: int) -> None:
        self._turn()
        back = self._bucket - written_ms // BUCKET_MS
        if back < _BUCKETS:
            self._rates[name][-1 - max(0, back)] += 1

    def _turn(self) -> None:
        """The clock may go backwards; the bucket does not."""
        bucket = self._clock_ms() // BUCKET_MS
        for _ in range(min(_BUCKETS, bucket - self._bucket)):
            for counts in self._rates.values():
                counts.append(0)
        self._bucket = max(bucket, self._bucket)
