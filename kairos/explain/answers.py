"""The answers in words: a question, and some sentences.

*Contract*: pure; one list for people and programs alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kairos.explain.clock import Clock
from kairos.explain.days import Count, Day
from kairos.explain.explain import Explanation
from kairos.explain.why_nothing import why_nothing
from kairos.explain.why_sent import what_became, why_not, why_now, why_this
from kairos.words import never_by_itself_words, reason_words

_MOST_REASONS = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """``about``: the part of the explanation that it tells, which a program or a table may go by."""

    about: str
    question: str
    lines: tuple[str, ...]


def answers(explanation: Explanation, clock: Clock) -> tuple[Answer, ...]:
    """In the order in which one would ask."""
    return tuple(Answer(about, question, tuple(lines)) for about, question, lines in _asked(explanation, clock))


def _asked(explanation: Explanation, clock: Clock) -> Iterator[tuple[str, str, Iterator[str]]]:
    decision, push = explanation.decision, explanation.push
    if push is not None:
        yield "choice", "Why this push", why_this(decision, push)
        yield "moment", "Why now", why_now(decision, push, clock)
        yield "runner_up", "Why not the runner-up", why_not(push.choice)
        yield "outcomes", "What became of it", what_became(push, clock)
    else:
        yield "decision", "Why not now" if decision.verdict == "deferred" else "Why nothing", why_nothing(decision, clock)
    if explanation.since is not None:
        yield "since", "Why nothing since", why_nothing(explanation.since, clock)
    if len(explanation.days) > 1:
        yield "yesterday", _yesterday_question(explanation.days[1]), _yesterday(explanation.days[1], clock, explanation.log_rate)
    yield "chance", "When the next chance is", _next_chance(explanation, clock)


def _yesterday_question(day: Day) -> str:
    return "What came the day before" if day.sent else "Why nothing the day before"


def _yesterday(day: Day, clock: Clock, log_rate: float) -> Iterator[str]:
    name = clock.day_words(day.day)
    sent = "no push" if not day.sent else "one push" if day.sent == 1 else f"{day.sent} pushes"
    held_back = day.held_back_by
    if not held_back:
        sampled = f" Of decisions against a push {log_rate:.2g} are logged: there may have been some." if log_rate < 1 else ""
        yield f"{name}: {sent}, and no other decision in the log.{sampled}"
        return
    yield f"{name}: {sent}. What held {'more' if day.sent else 'one'} back:"
    for each in held_back[:_MOST_REASONS]:
        yield f"{count_words(each)}  {reason_words(each.reason)}"


def count_words(count: Count) -> str:
    """``12``, or, where only a share is logged, ``about 300 (3 logged)``."""
    return f"{count.logged:,}" if round(count.about) == count.logged else f"about {count.about:,.0f} ({count.logged:,} logged)"


def _next_chance(explanation: Explanation, clock: Clock) -> Iterator[str]:
    chance = explanation.chance
    if chance.how == "wake_up" and chance.at_ms is not None:
        yield f"{clock.moment(chance.at_ms)}, when it is decided again. What it waits for: {reason_words(chance.reason)}."
    elif chance.how == "gate" and chance.at_ms is not None:
        yield f"With the first thing they do after {clock.moment(chance.at_ms)}, when {chance.reason} opens."
    elif chance.how == "after_push":
        least = (
            f", not before {clock.moment(chance.at_ms)}, the least time between two pushes (new users wait longer)"
            if chance.at_ms is not None
            else ""
        )
        yield f"With the next thing they do that leads to a decision{least}."
    elif chance.how == "never":
        yield f"Not by itself: {reason_words(chance.reason)}. It ends {never_by_itself_words(chance.reason)}."
    else:
        yield "With the next thing they do that leads to a decision."
    if chance.ahead_ms is not None:
        yield f"Else on {clock.moment(chance.ahead_ms)}, an hour that was chosen ahead, in case nothing else comes before it."
    if explanation.then is not None:
        then = explanation.then
        what = "a push" if then.verdict == "sent" else reason_words(then.reason)
        yield f"What came next in the log, {clock.moment(then.decided_at_ms)}: {what}."
    if explanation.log_rate < 1:
        yield f"Of decisions against a push {explanation.log_rate:.2g} are logged: others may have been taken in between."
