"""In words: why nothing was sent, or not yet; with what a decision to send is told by, too.

*Contract*: pure.
"""

from collections.abc import Iterator

from kairos.explain.clock import Clock
from kairos.explain.explain import GateSeen, Told
from kairos.explain.moment import Hours
from kairos.words import percent_words, reason_words, rule_words, trigger_words


def why_nothing(decision: Told, clock: Clock) -> Iterator[str]:
    """The reason, with what it rests on: gates, items, hours."""
    if decision.verdict == "sent":
        yield f"{clock.moment(decision.decided_at_ms)}: a push was sent."
        return
    again = f" It is decided again on {clock.moment(decision.wake_at_ms)}." if decision.verdict == "deferred" else ""
    yield f"{clock.moment(decision.decided_at_ms)}: {reason_words(decision.reason)}.{again}"
    yield f"The occasion: {trigger_words(decision.trigger_number)}."
    yield from _gates(decision.gates, clock)
    if decision.candidates:
        best = decision.candidates[0]
        worth = f", worth {best.utility:.4f} conversions after costs" if best.utility is not None else ""
        yield f"The best there was: {best.item_id}, score {best.score:.3f}{worth}."
    if decision.planned_item_id and decision.planned_dropped_by:
        yield f"It would have been {decision.planned_item_id}: {rule_words(decision.planned_dropped_by)}."
    if decision.dropped_by_rule:
        yield f"Better ones that may not be sent: {dropped_words(decision)}."
    if decision.hours is not None:
        yield from hours_words(decision.hours, clock)


def _gates(gates: tuple[GateSeen, ...], clock: Clock) -> Iterator[str]:
    closed = [each for each in gates if not each.passed]
    if gates and not closed:
        yield f"All {len(gates)} gates were open."
    for each in closed:
        opens = f"; it opens on {clock.moment(each.opens_at_ms)}" if each.opens_at_ms else ""
        passed = f" {len(gates) - 1} before it were open." if len(gates) > 1 else ""
        yield f"The gate {each.name} was closed{opens}.{passed}"


def hours_words(hours: Hours, clock: Clock) -> Iterator[str]:
    """What came of comparing now with later."""
    chosen, best = hours.hours[hours.chosen], hours.hours[hours.best]
    count = len(hours.hours)
    if count == 1:
        yield "No later hour was left to wait for."
        return
    several = f"Of {count} moments up to {clock.moment(hours.hours[-1].at_ms)}"
    asked = f"{percent_words(hours.least_gain)} more" if hours.least_gain is not None else "enough more"
    later = max(hours.hours[1:], key=lambda each: each.value)
    none = f"none is worth {asked} than the first; the best later one, {clock.moment(later.at_ms)}, is worth {_gain(later.value)}"
    if not hours.explored and hours.chosen == 0:
        yield f"{several} {none}."
    elif not hours.explored:
        yield f"{several} this hour is the best: worth {_gain(chosen.value)} than the first, and {asked} was asked for."
    elif hours.best == 0:
        yield f"{several} {none}. But hours are tried out: the draw fell on this one, worth {_gain(chosen.value)}."
    else:
        its = f"worth {_gain(best.value)} than the first"
        yield f"{several} the best is {clock.moment(best.at_ms)}, {its}. But hours are tried out: the draw fell on this one."
    yield f"The probability of this hour was {chosen.propensity:.2f}."


def _gain(value: float) -> str:
    return f"{percent_words(abs(value - 1))} {'more' if value >= 1 else 'less'}"


def dropped_words(decision: Told) -> str:
    """Why items that would have been further up may not be sent."""
    return ", ".join(f"{count} because {rule_words(rule)}" for rule, count in decision.dropped_by_rule.items())
