"""Wake-ups: decisions that wait for their moment, one at a time, and are taken before anything that came after it."""

from flink_job.core.effects import Push
from flink_job.core.ids import command_id
from flink_job.core.reasons import Reason
from flink_job.core.rules import Rules
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, moment, pushed, reasons, shelf, wake_ups
from tests.core.policies import HOUR, MINUTE, SECOND, caps, plain_rules

AT = MONDAY_0930


def shopper(rules: Rules | None = None, user_id: str = "ann") -> Person:
    return Person(shelf(item(f"item {number}", features=unit([1, number])) for number in range(9)), rules, user_id=user_id)


def cart_after_half_an_hour() -> Rules:
    return plain_rules(triggers={"cart": 30 * MINUTE, "view": 0})


def test_a_delayed_trigger_is_decided_after_its_delay_and_not_before() -> None:
    ann = shopper(cart_after_half_an_hour())
    effects = ann.does("cart", "item 0", AT)
    assert reasons(effects) == [Reason.DELAY]
    assert wake_ups(effects) == [AT + 30 * MINUTE]
    (push,) = ann.wakes(AT + 30 * MINUTE)
    assert isinstance(push, Push)
    assert push.decided_at_ms == AT + 30 * MINUTE
    assert (push.record.cause_id, push.record.caused_at_ms) == ("ann-1", AT)


def test_what_happens_during_the_delay_is_known_at_its_end() -> None:
    ann = shopper(plain_rules(triggers={"cart": 30 * MINUTE}))
    ann.does("cart", "item 0", AT)
    ann.does("purchase", "item 0", AT + MINUTE)
    assert pushed(ann.wakes(AT + 30 * MINUTE)) not in ("", "item 0")


def test_while_one_wake_up_waits_no_other_is_set_and_other_triggers_leave_the_decision_to_it() -> None:
    ann = shopper(cart_after_half_an_hour())
    ann.does("cart", "item 0", AT)
    pending = ann.state.pending
    for kind in ("view", "cart", "cart"):
        effects = ann.does(kind, "item 1", AT + MINUTE)
        assert reasons(effects) == [Reason.PENDING]
        assert not wake_ups(effects)
    assert reasons(ann.is_nudged("item 2", AT + MINUTE)) == [Reason.PENDING]
    assert ann.state.pending == pending


def test_a_timer_that_is_no_longer_the_pending_one_has_no_effect() -> None:
    ann = shopper(cart_after_half_an_hour())
    ann.does("cart", "item 0", AT)
    for other in (AT, AT + 30 * MINUTE - 1, AT + 30 * MINUTE + 1):
        assert ann.wakes(other) == ()
    assert pushed(ann.wakes(AT + 30 * MINUTE))
    assert ann.wakes(AT + 30 * MINUTE) == ()
    assert ann.state.pending is None


def test_a_wake_up_that_is_due_is_decided_before_a_later_signal() -> None:
    """The timer fires by the machine's clock and may come after a signal that is later than it."""
    ann = shopper(cart_after_half_an_hour())
    ann.does("cart", "item 0", AT)
    effects = ann.does("view", "item 8", AT + 31 * MINUTE)
    first, second = (effect for effect in effects if isinstance(effect, Push))
    assert (first.decided_at_ms, second.decided_at_ms) == (AT + 30 * MINUTE, AT + 31 * MINUTE)
    assert (first.record.cause_id, second.record.cause_id) == ("ann-1", "ann-2")
    assert first.item.item_id == "item 0"
    assert ann.wakes(AT + 30 * MINUTE) == ()


def test_a_wake_up_that_is_due_decides_the_same_whether_its_timer_or_a_later_signal_comes_first() -> None:
    by_timer, by_signal = shopper(cart_after_half_an_hour()), shopper(cart_after_half_an_hour())
    for ann in (by_timer, by_signal):
        ann.does("cart", "item 0", AT)
    by_timer.wakes(AT + 30 * MINUTE)
    for ann in (by_timer, by_signal):
        ann.does("view", "item 8", AT + 31 * MINUTE)
    assert [push.command_id for push in by_timer.pushes] == [push.command_id for push in by_signal.pushes]
    assert [push.item for push in by_timer.pushes] == [push.item for push in by_signal.pushes]


def test_a_wake_up_that_meets_one_closed_gate_after_the_other_comes_out_before_a_signal_that_is_later_than_all() -> None:
    """Delay, then the gap, then the cap: with timers each fires at its time; a signal that overtakes them finds all three decided."""
    rules = plain_rules(
        triggers={"view": 0, "cart": 5 * SECOND}, gates__min_gap_ms=10 * SECOND, gates__caps=caps((2, 30 * SECOND)), items__seen_for_ms=0
    )
    by_timer, by_signal = shopper(rules), shopper(rules)
    for ann in (by_timer, by_signal):
        assert pushed(ann.does("view", "item 0", AT))
        assert pushed(ann.does("view", "item 1", AT + 10 * SECOND))
        assert wake_ups(ann.does("cart", "item 2", AT + 11 * SECOND)) == [AT + 16 * SECOND]
    assert wake_ups(by_timer.wakes(AT + 16 * SECOND)) == [AT + 20 * SECOND]
    assert wake_ups(by_timer.wakes(AT + 20 * SECOND)) == [AT + 30 * SECOND]
    assert pushed(by_timer.wakes(AT + 30 * SECOND))
    for ann in (by_timer, by_signal):
        ann.does("view", "item 3", AT + 41 * SECOND)
    commands = [[(push.command_id, push.decided_at_ms) for push in ann.pushes] for ann in (by_timer, by_signal)]
    assert commands[0] == commands[1]
    assert len(commands[0]) == 4


def test_a_wake_up_that_is_held_back_again_does_not_keep_the_signal_that_overtook_it_waiting_for_ever() -> None:
    """A signal a little ahead of the machine's clock, while the catalogue is still read: its wake-up is due before the signal, again and again."""
    ann = shopper()
    assert wake_ups(ann.does("view", "item 0", AT, hold_until_ms=AT + SECOND)) == [AT + SECOND]
    effects = ann.does("view", "item 1", AT + 10 * SECOND, wall_ms=AT, hold_until_ms=AT + SECOND)
    assert Reason.PENDING in reasons(effects)
    assert ann.state.pending is not None
    assert ann.state.pending.due_ms == AT + SECOND
    assert pushed(ann.wakes(AT + SECOND))


def test_the_command_of_a_delayed_push_is_named_by_the_event_that_caused_it() -> None:
    ann = shopper(cart_after_half_an_hour())
    ann.does("cart", "item 0", AT, event_id="order 7")
    ann.wakes(AT + 30 * MINUTE)
    assert ann.pushes[0].command_id == command_id("ann", "order 7")


def test_a_delay_is_spared_where_no_push_may_ever_be_sent() -> None:
    ann = shopper(plain_rules(triggers={"cart": 30 * MINUTE}, gates__holdout_share=1.0))
    effects = ann.does("cart", "item 0", AT)
    assert reasons(effects) == [Reason.HOLDOUT]
    assert not wake_ups(effects)


def test_a_delayed_trigger_is_not_lost_because_nothing_was_good_enough_a_moment_before() -> None:
    ann = shopper(plain_rules(triggers={"cart": 30 * MINUTE, "search": 0}, gates__rescore_after_ms=MINUTE, send__min_score=0.5))
    assert reasons(ann.does("search", at_ms=AT)) == [Reason.BELOW_THRESHOLD]
    effects = ann.does("cart", "item 0", AT + SECOND)
    assert reasons(effects) == [Reason.DELAY]
    assert pushed(ann.wakes(AT + SECOND + 30 * MINUTE)) == "item 0"


def test_a_gate_that_is_closed_now_is_asked_again_after_the_delay_only() -> None:
    ann = shopper(plain_rules(triggers={"view": 0, "cart": 30 * MINUTE}, gates__min_gap_ms=10 * MINUTE))
    ann.does("view", "item 0", AT)
    effects = ann.does("cart", "item 1", AT + MINUTE)
    assert (reasons(effects), wake_ups(effects)) == ([Reason.DELAY], [AT + 31 * MINUTE])
    assert pushed(ann.wakes(AT + 31 * MINUTE)) == "item 1"


def test_a_wake_up_whose_timer_fires_late_still_decides_as_of_its_due_time() -> None:
    ann = shopper(cart_after_half_an_hour())
    ann.does("cart", "item 0", AT)
    ann.wakes(AT + 30 * MINUTE, wall_ms=AT + 30 * MINUTE + 59 * SECOND)
    assert ann.pushes[0].decided_at_ms == AT + 30 * MINUTE


def test_a_wake_up_that_a_long_outage_kept_waiting_decides_with_the_present_time() -> None:
    night = {"gates__quiet_hours__start_minute": 22 * 60, "gates__quiet_hours__end_minute": 8 * 60}
    ann = shopper(plain_rules(triggers={"cart": 30 * MINUTE}, **night))
    ann.does("cart", "item 0", AT)
    midnight = moment("2026-03-03 00:00")
    assert reasons(ann.wakes(AT + 30 * MINUTE, wall_ms=midnight)) == [Reason.QUIET_HOURS]
    assert ann.state.pending is not None
    assert ann.state.pending.due_ms == moment("2026-03-03 08:00")


def test_after_a_long_outage_the_first_signal_is_heard_before_what_waited_is_decided() -> None:
    """Both are decided with the present time, and the present knows of the opt-out."""
    for say_no in (lambda ann: ann.reports("unsubscribed", "", AT + HOUR), lambda ann: ann.changes(AT + HOUR, consent=False)):
        ann = shopper(cart_after_half_an_hour())
        ann.does("cart", "item 0", AT)
        assert reasons(say_no(ann)) == [Reason.NOTHING_ASKED, Reason.OPTED_OUT]
        assert not ann.pushes
        assert ann.wakes(AT + 30 * MINUTE) == ()


def test_after_a_long_outage_what_waited_and_what_came_since_are_one_decision() -> None:
    ann = shopper(cart_after_half_an_hour())
    ann.does("cart", "item 0", AT)
    effects = ann.does("view", "item 8", AT + HOUR)
    assert reasons(effects) == [Reason.PENDING]
    (push,) = ann.pushes
    assert (push.record.cause_id, push.decided_at_ms) == ("ann-1", AT + HOUR)
    assert ann.state.pending is None
    assert ann.wakes(AT + 30 * MINUTE) == ()


def test_a_backlog_is_decided_once_with_the_present_time() -> None:
    """What was read late is learned from at once; the decision is one wake-up now, not one push per old event."""
    ann = shopper(plain_rules(gates__min_gap_ms=HOUR, gates__max_signal_age_ms=MINUTE))
    now = AT + 10 * HOUR
    effects = [effect for hour in range(5) for effect in ann.does("view", f"item {hour}", AT + hour * HOUR, wall_ms=now)]
    assert reasons(tuple(effects)) == [Reason.STALE_SIGNAL] + 4 * [Reason.PENDING]
    assert wake_ups(tuple(effects)) == [now]
    assert not ann.pushes
    assert pushed(ann.wakes(now))
    assert ann.pushes[0].decided_at_ms == now
    assert len(ann.state.recent_item) == 5


def test_a_signal_just_young_enough_is_decided_at_once_as_of_its_own_time() -> None:
    for age_ms, is_sent in ((MINUTE, True), (MINUTE + 1, False)):
        ann = shopper(plain_rules(gates__max_signal_age_ms=MINUTE))
        ann.does("view", "item 0", AT, wall_ms=AT + age_ms)
        assert [push.decided_at_ms for push in ann.pushes] == [AT] * is_sent


def test_until_the_catalogue_is_read_decisions_wait_and_are_taken_then() -> None:
    ann = shopper()
    effects = ann.does("view", "item 0", AT, hold_until_ms=AT + SECOND)
    assert (reasons(effects), wake_ups(effects)) == ([Reason.WARM_UP], [AT + SECOND])
    assert reasons(ann.wakes(AT + SECOND, hold_until_ms=AT + 2 * SECOND)) == [Reason.WARM_UP]
    (push,) = ann.wakes(AT + 2 * SECOND)
    assert isinstance(push, Push)
    assert (push.record.cause_id, push.record.caused_at_ms, push.decided_at_ms) == ("ann-1", AT, AT + 2 * SECOND)


def test_a_closed_gate_answers_before_the_warm_up_does() -> None:
    ann = shopper(plain_rules(gates__holdout_share=1.0))
    assert reasons(ann.does("view", "item 0", AT, hold_until_ms=AT + SECOND)) == [Reason.HOLDOUT]


def test_a_signal_of_the_very_moment_of_a_wake_up_is_decided_after_it() -> None:
    ann = shopper(cart_after_half_an_hour())
    ann.does("cart", "item 0", AT)
    ann.does("view", "item 8", AT + 30 * MINUTE)
    assert [push.record.cause_id for push in ann.pushes] == ["ann-1", "ann-2"]


def test_a_late_signal_is_decided_no_earlier_than_what_was_decided_before() -> None:
    """Time does not go back for a user, so that gaps and caps between pushes hold in the order in which they are sent."""
    ann = shopper(plain_rules(triggers={"view": 0}))
    ann.does("search", at_ms=AT)
    ann.does("view", "item 1", AT - 10 * SECOND, wall_ms=AT)
    (push,) = ann.pushes
    assert (push.decided_at_ms, push.record.caused_at_ms) == (AT, AT - 10 * SECOND)
