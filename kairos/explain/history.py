"""What the log has of one user: decisions in the order they were taken, pushes, and what became of them.

*Contract*: records that come twice, as at-least-once writes them, count once. Records that are no such message are passed over and counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import DecodeError

from flink_job.core.reasons import AFTER_SCORING, Reason
from kairos.v1.decision_pb2 import VERDICT_DEFERRED, VERDICT_EXPOSED, VERDICT_SENT, Decision
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.push_pb2 import PushCommand
from kairos.v1.signal_pb2 import Signal
from kairos.words import ECHOES, NOT_HELD_BACK, reason_of

M = TypeVar("M", Decision, PushCommand, Signal)


@dataclass(frozen=True, slots=True)
class History:
    """``decisions``: the oldest first, those that only note an exposure left out. ``pushes``: by command id. ``feedback``: the oldest first."""

    user_id: str
    decisions: tuple[Decision, ...]
    pushes: Mapping[str, PushCommand]
    feedback: tuple[Feedback, ...]
    malformed: int = 0

    @property
    def is_sampled(self) -> bool:
        """Decisions against a push are missing, as the policy wants it."""
        return any(0 < each.log_rate < 1 for each in self.decisions)

    def last_push(self, until_ms: int) -> Decision | None:
        """The newest decision to send at or before this moment."""
        return _last(each for each in self.decisions if each.verdict == VERDICT_SENT and each.decided_at_ms <= until_ms)

    def in_force(self, at_ms: int) -> Decision | None:
        """What counted at this moment: the last word on a push to this user, and not one that only points at another decision."""
        every = [each for each in self.decisions if each.decided_at_ms <= at_ms]
        before = [each for each in every if reason_of(each.reason) not in NOT_HELD_BACK] or every
        if not before:
            return None
        last = before[-1]
        if reason_of(last.reason) is Reason.PENDING:
            waits = self.waiting(last.decided_at_ms)
            return waits if waits is not None and waits.verdict == VERDICT_DEFERRED else last
        if reason_of(last.reason) is Reason.SCORED_LATELY:
            return _last(each for each in before if reason_of(each.reason) in AFTER_SCORING) or last
        return last

    def waiting(self, at_ms: int) -> Decision | None:
        """What set the wake-up after ``at_ms``, as far as the log tells; one waits per user, the one that was set last.

        A decision that was put off waits itself. With any other an hour was chosen ahead, because nothing waited.
        """
        last = _last(each for each in self.decisions if each.decided_at_ms <= at_ms and each.wake_at_ms)
        return last if last is not None and last.wake_at_ms > at_ms else None

    def after(self, at_ms: int) -> Decision | None:
        """The next one that sends, or puts off, or looks at what there is."""
        for each in self.decisions:
            if each.decided_at_ms > at_ms and reason_of(each.reason) not in NOT_HELD_BACK | ECHOES:
                return each
        return None

    def outcomes(self, command_id: str) -> tuple[Feedback, ...]:
        """What was heard of a push."""
        return tuple(each for each in self.feedback if each.command_id == command_id)


def history_of(user_id: str, decisions: Iterable[bytes], pushes: Iterable[bytes], signals: Iterable[tuple[bytes, int]]) -> History:
    """From records of the three topics, whoever they are about; a signal comes with when it was written, for one that tells no time."""
    malformed = 0
    taken: dict[str, Decision] = {}
    sent: dict[str, PushCommand] = {}
    told: dict[str, Feedback] = {}
    for payload in decisions:
        decision = _parsed(Decision(), payload)
        if decision is None:
            malformed += 1
        elif decision.user_id == user_id and decision.verdict != VERDICT_EXPOSED:
            taken.setdefault(decision.decision_id, decision)
    for payload in pushes:
        push = _parsed(PushCommand(), payload)
        if push is None:
            malformed += 1
        elif push.user_id == user_id:
            sent.setdefault(push.command_id, push)
    for payload, written_ms in signals:
        signal = _parsed(Signal(), payload)
        if signal is None:
            malformed += 1
        elif signal.feedback.user_id == user_id:
            signal.feedback.occurred_at_ms = signal.feedback.occurred_at_ms or written_ms
            told.setdefault(signal.feedback.feedback_id, signal.feedback)
    ordered = sorted(taken.values(), key=lambda each: (each.decided_at_ms, each.decision_number))
    heard = sorted(told.values(), key=lambda each: each.occurred_at_ms)
    return History(user_id, tuple(ordered), sent, tuple(heard), malformed)


def _parsed(message: M, payload: bytes) -> M | None:
    try:
        message.ParseFromString(payload)
    except DecodeError:
        return None
    return message


def _last(decisions: Iterable[Decision]) -> Decision | None:
    last = None
    for last in decisions:  # noqa: B007  # the last one is what is asked for
        pass
    return last
