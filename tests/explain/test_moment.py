"""Why now: what put it off, and the hours that were weighed."""

import pytest

from kairos.explain.moment import hours_of, moment_of
from kairos.v1.signal_pb2 import Trigger
from tests.core.policies import HOUR, MINUTE
from tests.explain.records import AT, decision, history, slot


def test_at_once_waited_and_chosen_ahead() -> None:
    at_once = decision(AT)
    assert moment_of(history(at_once), at_once, 0.15).how == "at_once"
    first = decision(AT, "min_gap", wake_at_ms=AT + HOUR, cause_id="view")
    then = decision(AT + HOUR, cause_id="view", caused_at_ms=AT)
    found = moment_of(history(first, then), then, 0.15)
    assert (found.how, [(each.reason, each.wake_at_ms) for each in found.put_off]) == ("waited", [("min_gap", AT + HOUR)])
    assert moment_of(history(then), then, 0.15).how == "waited"  # the log is sampled: that it was put off is not in it
    ahead = decision(AT, trigger=Trigger.TRIGGER_BEST_TIME)
    assert moment_of(history(ahead), ahead, 0.15).how == "hour"


def test_none_is_better_by_enough() -> None:
    """One hour later is worth 1.25 · 0.9 = 1.125 of now; 15 % more was asked for."""
    hours = hours_of(decision(AT, slots=[slot(AT, 0.04, propensity=0.8), slot(AT + HOUR, 0.05, discount=0.9, propensity=0.2)]), 0.15)
    assert hours is not None
    assert [round(each.value, 3) for each in hours.hours] == [1.0, 1.125]
    assert (hours.chosen, hours.best, hours.explored) == (0, 0, False)


def test_an_hour_that_the_estimates_would_not_take_was_tried_out() -> None:
    slots = [slot(AT, 0.04), slot(AT + 30 * MINUTE, 0.05), slot(AT + 90 * MINUTE, 0.02)]
    best = hours_of(decision(AT, "better_time", slots=slots, wake_at_ms=AT + 41 * MINUTE), 0.15)
    tried = hours_of(decision(AT, "better_time", slots=slots, wake_at_ms=AT + 95 * MINUTE), 0.15)
    assert best is not None
    assert tried is not None
    assert (best.chosen, best.best, best.explored) == (1, 1, False)  # a place within the hour is that hour
    assert (tried.chosen, tried.best, tried.explored) == (2, 1, True)


def test_the_hours_of_a_push_that_waited_are_those_of_the_decision_to_wait() -> None:
    waits = decision(AT, "better_time", wake_at_ms=AT + HOUR, cause_id="view", slots=[slot(AT, 0.04), slot(AT + HOUR, 0.06)])
    sent = decision(AT + HOUR, cause_id="view", caused_at_ms=AT)
    hours = moment_of(history(waits, sent), sent, None).hours
    assert hours is not None
    assert (hours.weighed_at_ms, hours.chosen, hours.least_gain) == (AT, 1, None)
    assert hours.hours[1].value == pytest.approx(1.5)
    assert hours_of(sent, None) is None
