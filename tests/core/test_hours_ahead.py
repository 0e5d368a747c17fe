"""What is waited for where nothing waits: the best hour of the coming day, and winning back who has been away for long."""

from itertools import pairwise

import pytest

from flink_job.core.effects import Push
from flink_job.core.reasons import Reason
from flink_job.core.rules import Rules
from flink_job.core.signals import Trigger
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, reasons, shelf, wake_ups
from tests.core.policies import DAY, HOUR, changed, default_rules

AT = MONDAY_0930
MOST_WAKE_UPS = 100
"""In three weeks, at one in twelve hours: 42 and some that gates put off."""


def visitor(**changes: object) -> Person:
    """Who looked at something on Monday and does nothing more, under the shipped policy; triggers lead to nothing, so all comes of hours ahead."""
    things = [item(f"item {number}", features=unit([1, number])) for number in range(60)]
    ann = Person(shelf(things), shipped(**changes))
    ann.does("view", "item 0", AT)
    return ann


def shipped(**changes: object) -> Rules:
    return changed(default_rules(), {"gates.holdout_share": 0.0, "triggers": {}, "send.min_score": -1.0} | dict(changes))


def left_alone(ann: Person) -> list[tuple[int, int, Reason | None]]:
    """Wakes the user up whenever they are due: moment, occasion, and why nothing was sent."""
    found: list[tuple[int, int, Reason | None]] = []
    while (pending := ann.state.pending) is not None:
        effects = ann.wakes(pending.due_ms)
        assert len(found) < MOST_WAKE_UPS, found[-3:]
        found.append((pending.due_ms, pending.trigger, next(iter(reasons(effects)), None)))
        assert ann.state.pending is None or wake_ups(effects)[-1] == ann.state.pending.due_ms
    return found


@pytest.mark.parametrize("after_ms", [0, 12 * HOUR])
def test_who_is_away_and_for_whom_nothing_is_worth_it_is_looked_at_ever_later_and_then_no_more(after_ms: int) -> None:
    ann = visitor(**{"utility.least": 9.0, "occasions.best_time.after_ms": after_ms, "occasions.win_back.after_ms": 2 * DAY})
    found = left_alone(ann)
    gaps = [later - earlier for (earlier, _, _), (later, _, _) in pairwise(found)]
    assert all(gap >= HOUR for gap in gaps)
    assert all(gap >= after_ms for gap, (_, trigger, _) in zip(gaps, found[1:], strict=True) if trigger == Trigger.BEST_TIME)
    assert {reason for _, _, reason in found} == {Reason.NOT_WORTH_IT}
    assert [trigger for _, trigger, _ in found].count(Trigger.WIN_BACK) == 1
    assert found[-1][1] == Trigger.WIN_BACK
    assert found[-1][0] - AT >= 2 * DAY


def test_who_is_away_is_tried_to_be_won_back_once_and_then_left_alone_until_they_return() -> None:
    """Until then it is the best time every now and then; of what is sent after two weeks the first is the last."""
    ann = visitor(**{"fatigue.limit": 99.0, "utility.opt_out_rate": 0.0, "utility.fatigue_cost": 0.0})
    found = left_alone(ann)
    sent = [(at_ms, trigger) for at_ms, trigger, reason in found if reason is None]
    away_at_ms = AT + 14 * DAY
    assert {trigger for at_ms, trigger in sent if at_ms < away_at_ms} == {Trigger.BEST_TIME}
    assert len([at_ms for at_ms, _ in sent if at_ms >= away_at_ms]) == 1
    ann.does("view", "item 1", found[-1][0] + DAY)
    assert ann.state.pending is not None
    assert ann.state.pending.trigger == Trigger.BEST_TIME


def test_whom_nothing_can_be_sent_is_not_woken_again() -> None:
    ann = visitor(**{"send.min_score": 9.0})
    assert [reason for _, _, reason in left_alone(ann)] == [Reason.BELOW_THRESHOLD]


def test_an_hour_ahead_is_sent_at_without_being_asked_for() -> None:
    ann = visitor()
    assert ann.state.pending is not None
    due_ms = ann.state.pending.due_ms
    assert AT + 12 * HOUR <= due_ms < AT + 36 * HOUR + HOUR
    (push, *_) = ann.wakes(due_ms)
    assert isinstance(push, Push)
    assert (push.record.trigger, push.record.cause_id) == (Trigger.BEST_TIME, f"best_time/{due_ms}")


def test_that_one_item_may_not_be_sent_does_not_mean_that_there_is_nothing_to_get() -> None:
    ann = visitor(**{"occasions.abandoned_cart.after_ms": HOUR})
    ann.does("cart", "item 1", AT + HOUR)
    ann.does("dislike", "item 1", AT + HOUR + 1)
    assert reasons(ann.wakes(AT + 2 * HOUR)) == [Reason.NO_CANDIDATE]
    assert ann.state.pending is not None
    assert ann.state.pending.trigger == Trigger.BEST_TIME


def test_who_has_come_back_is_not_told_that_it_has_been_a_while_and_is_waited_for_as_before() -> None:
    ann = visitor(**{"utility.least": 9.0, "occasions.win_back.after_ms": 2 * DAY})
    while ann.state.pending is not None and ann.state.pending.trigger != Trigger.WIN_BACK:
        ann.wakes(ann.state.pending.due_ms)
    assert ann.state.pending is not None
    due_ms = ann.state.pending.due_ms
    ann.does("view", "item 1", due_ms - HOUR)
    assert reasons(ann.wakes(due_ms)) == [Reason.RETURNED_MEANWHILE]
    assert ann.state.pending is not None
    assert ann.state.pending.trigger == Trigger.BEST_TIME
    assert left_alone(ann)[-1][1] == Trigger.WIN_BACK


def without_best_time(**changes: object) -> Person:
    lenient = {"fatigue.limit": 99.0, "utility.opt_out_rate": 0.0, "utility.fatigue_cost": 0.0}
    return visitor(**{"occasions.best_time.enabled": False, **lenient, **changes})


def test_who_is_away_is_won_back_once_also_where_no_best_hour_is_looked_for() -> None:
    ann = without_best_time()
    assert ann.state.pending is not None
    assert (ann.state.pending.due_ms, ann.state.pending.trigger) == (AT + 14 * DAY, Trigger.WIN_BACK)
    found = left_alone(ann)
    assert {trigger for _, trigger, _ in found} == {Trigger.WIN_BACK}
    assert [reason for _, _, reason in found].count(None) == 1
    assert found[-1][2] is None
    assert found[-1][0] < AT + 17 * DAY, "its horizon is three days"


def test_who_came_back_meanwhile_is_waited_for_from_then_on_by_the_same_wake_up() -> None:
    """What they do does not move the wake-up, so it costs nothing for each event."""
    ann = without_best_time()
    for day in range(1, 11):
        effects = ann.does("view", f"item {day}", AT + day * DAY)
        assert wake_ups(effects) == []
    assert reasons(ann.wakes(AT + 14 * DAY)) == [Reason.RETURNED_MEANWHILE]
    assert ann.state.pending is not None
    assert ann.state.pending.due_ms == AT + (10 + 14) * DAY
    assert left_alone(ann)[-1][2] is None


def test_what_is_planned_again_within_a_day_is_planned_for_the_same_moment() -> None:
    """So that it is the same timer: 14 days after each of these purchases, up to the next whole day since ann was first seen."""
    ann = without_best_time()
    planned = set()
    for hour in range(1, 24):
        ann.does("purchase", f"item {hour % 3}", AT + hour * HOUR)
        assert ann.state.pending is not None
        planned.add((ann.state.pending.due_ms, ann.state.pending.trigger))
    assert planned == {(AT + 15 * DAY, Trigger.WIN_BACK)}


def test_waiting_for_somebody_to_be_away_does_not_stand_in_the_way_of_a_cart() -> None:
    ann = without_best_time(**{"occasions.abandoned_cart.after_ms": HOUR})
    ann.does("cart", "item 1", AT + HOUR)
    assert ann.state.pending is not None
    assert (ann.state.pending.due_ms, ann.state.pending.trigger) == (AT + 2 * HOUR, Trigger.ABANDONED_CART)


def test_without_winning_back_and_best_time_nothing_is_waited_for() -> None:
    assert without_best_time(**{"occasions.win_back.enabled": False}).state.pending is None


def test_another_system_may_ask_to_win_back_whom_kairos_has_never_seen() -> None:
    bob = Person(visitor().catalogue, shipped(), user_id="bob")
    assert reasons(bob.is_nudged("", AT, trigger=Trigger.WIN_BACK)) == []
    assert len(bob.pushes) == 1
