"""In words: why this push, why now, why not the runner-up, and what became of it.

*Contract*: pure.
"""

from collections.abc import Iterator

from kairos.consume.view import duration_words
from kairos.explain.choice import Choice, Considered, Factor, RunnerUp
from kairos.explain.clock import Clock
from kairos.explain.explain import Sent, Told
from kairos.explain.why_nothing import dropped_words, hours_words
from kairos.words import outcome_words, percent_words, reason_words, rule_words, trigger_words

_TERMS = {
    "p_open": "how likely it is to be opened",
    "opening_value": "what an opening of it is worth",
    "diversity": "how unlike the last pushes it is",
    "score": "its score",
}


def why_this(decision: Told, push: Sent) -> Iterator[str]:
    """The occasion, the item, and what it is worth."""
    yield f"The occasion: {trigger_words(decision.trigger_number)}." + (f" The user reads: “{push.reason}”." if push.reason else "")
    choice = push.choice
    if choice is None:
        yield "What else could have been sent is not in the record."
        return
    item = choice.chosen
    place = "the best" if choice.place == 1 else f"number {choice.place}"
    found = (
        f" of {sum(decision.found_by_source.values()):,} finds by {len(decision.found_by_source)} sources"
        if decision.found_by_source
        else ""
    )
    yield f"{item.item_id} was {place} of {len(choice.candidates)} listed{found}; found by {', '.join(item.sources) or 'no source'}."
    if item.utility is not None and item.p_open is not None and item.p_convert is not None:
        costs = sum(choice.costs.values())
        likely = f"{percent_words(item.p_open, 1)} open it, {percent_words(item.p_convert, 1)} of those convert"
        expected = f"{item.utility + costs:.4f} expected ({likely})"
        yield f"Worth {item.utility:.4f} conversions: {expected} less {costs:.4f} for tiring or losing the user and the budget."
    else:
        yield f"Its score is {item.score:.3f}: {item.interest:.3f} for interest, {item.affinity:.3f} for what they did with it before."
    if decision.planned_item_id and decision.planned_item_id != item.item_id:
        why = f"meanwhile {rule_words(decision.planned_dropped_by)}" if decision.planned_dropped_by else "by now this one is better"
        yield f"When it was put off it would have been {decision.planned_item_id}; {why}."
    if decision.dropped_by_rule:
        yield f"Better ones that may not be sent: {dropped_words(decision)}."


def why_now(decision: Told, push: Sent, clock: Clock) -> Iterator[str]:
    """How long it waited for what, and the hours that were weighed."""
    moment = push.moment
    for each in moment.put_off:
        yield f"Put off on {clock.moment(each.decided_at_ms)} until {clock.moment(each.wake_at_ms)}: {reason_words(each.reason)}."
    if moment.how == "hour":
        yield "An hour chosen ahead, when nothing else waited. What was weighed then is not in the log."
    elif moment.how == "at_once":
        yield f"At once, {duration_words(moment.decided_at_ms - moment.caused_at_ms)} after what caused it."
    elif not moment.put_off:
        waited = duration_words(moment.decided_at_ms - moment.caused_at_ms)
        yield f"It waited {waited}, since {clock.moment(moment.caused_at_ms)}. Why is not in the log, of which only a share is kept."
    if moment.hours is not None:
        yield from hours_words(moment.hours, clock)
    elif moment.how != "hour":
        yield "No other hours were weighed: the occasion is answered at once, or its moment had been chosen before."
    if decision.gates:
        yield f"All {len(decision.gates)} gates were open."


def why_not(choice: Choice | None) -> Iterator[str]:
    """The runner-up, and the term that made the difference."""
    runner_up = choice.runner_up if choice else None
    if choice is None or runner_up is None:
        yield "There was no other candidate that may be sent."
        return
    other = runner_up.item
    worth = f"worth {other.utility:.4f} against {choice.chosen.utility:.4f}" if other.utility is not None else f"score {other.score:.3f}"
    if runner_up.how == "unfit":
        yield f"{other.item_id} ({worth}) could not be sent: its score or its worth is below what the policy asks for."
    elif runner_up.how == "drawn":
        yield (
            f"{other.item_id} is the better one ({worth}), but one in some is tried out: "
            f"it had the probability {other.propensity:.3f}, the one that was drawn {choice.chosen.propensity:.3f}."
        )
    elif choice.chosen.propensity < 1:
        yield f"{other.item_id}: {worth}; drawn with probability {other.propensity:.3f} against {choice.chosen.propensity:.3f}."
    else:
        yield f"{other.item_id}: {worth}; the best is always taken."
    yield from _difference(runner_up, choice.chosen)


def _difference(runner_up: RunnerUp, chosen: Considered) -> Iterator[str]:
    decided = next(each for each in runner_up.factors if each.term == runner_up.decided_by)
    if abs(decided.ratio - 1) < 1e-9:
        yield "They are equal in every term."
        return
    yield f"What made the difference: {_TERMS[decided.term]}, {_both(decided)}."
    against = [each for each in runner_up.factors if each is not decided and (each.ratio - 1) * (decided.ratio - 1) < -1e-9]
    if against:
        yield f"What spoke for the other one: {'; '.join(f'{_TERMS[each.term]}, {_both(each)}' for each in against)}."
    if decided.term == "p_open":
        yield f"The scores are {chosen.score:.3f} and {runner_up.item.score:.3f}; the rest is the items' rates, their age and what is unfinished."


def _both(factor: Factor) -> str:
    if factor.term == "p_open":
        return f"{percent_words(factor.chosen, 2)} against {percent_words(factor.other, 2)}"
    return f"{factor.chosen:.3g} against {factor.other:.3g}"


def what_became(push: Sent, clock: Clock) -> Iterator[str]:
    """What was heard of it."""
    if not push.outcomes:
        yield "Nothing was heard of it, as far as the log at hand goes."
    for each in push.outcomes:
        value = f", worth {each.value:g}" if each.value else ""
        yield f"{clock.moment(each.at_ms)}  {outcome_words(each.outcome_number)}{value}"
