"""The last days at a glance: what was sent, what was put off and what was not sent, by reason.

Of decisions against a push the policy may log a share only: each one that is there stands for `1 / log_rate` of them.

*Contract*: pure.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date

from kairos.explain.clock import Clock
from kairos.explain.history import History
from kairos.v1.decision_pb2 import VERDICT_DEFERRED, VERDICT_SENT, Decision
from kairos.words import ECHOES, NOT_HELD_BACK, reason_of


@dataclass(frozen=True, slots=True)
class Count:
    """How often a reason was given: so many records, which stand for ``about`` so many."""

    reason: str
    logged: int
    about: float


@dataclass(frozen=True, slots=True)
class Day:
    """``deferred`` and ``suppressed``: most frequent first. What no push was to be expected for is left out."""

    day: date
    sent: int
    deferred: tuple[Count, ...]
    suppressed: tuple[Count, ...]

    @property
    def held_back_by(self) -> tuple[Count, ...]:
        """Why nothing more came: the reasons of both kinds, those that only point at another decision left out if there are others."""
        every = sorted((*self.deferred, *self.suppressed), key=lambda count: -count.about)
        telling = tuple(count for count in every if reason_of(count.reason) not in ECHOES)
        return telling or tuple(every)


def days_of(history: History, clock: Clock, until_ms: int, days: int) -> tuple[Day, ...]:
    """The user's day of ``until_ms`` and those before it, newest first; days with nothing too."""
    by_day: dict[date, list[Decision]] = {day: [] for day in clock.days_before(until_ms, days)}
    for each in history.decisions:
        if each.decided_at_ms <= until_ms and (day := by_day.get(clock.day(each.decided_at_ms))) is not None:
            day.append(each)
    return tuple(
        Day(
            day,
            sum(each.verdict == VERDICT_SENT for each in decisions),
            _counted([each for each in decisions if each.verdict == VERDICT_DEFERRED]),
            _counted([each for each in decisions if each.verdict not in (VERDICT_DEFERRED, VERDICT_SENT)]),
        )
        for day, decisions in by_day.items()
    )


def _counted(decisions: list[Decision]) -> tuple[Count, ...]:
    logged: Counter[str] = Counter()
    about: Counter[str] = Counter()
    for each in decisions:
        if reason_of(each.reason) not in NOT_HELD_BACK:
            logged[each.reason] += 1
            about[each.reason] += 1.0 / each.log_rate if each.log_rate > 0 else 1.0  # type: ignore[assignment]  # a Counter adds any numbers
    return tuple(Count(reason, logged[reason], float(weight)) for reason, weight in about.most_common())
