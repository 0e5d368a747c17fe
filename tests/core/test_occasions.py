"""Occasions: what was left in the cart or on the wish list, what is used up, what others nudge for; how they rank, wait and come to nothing."""

import pytest

from flink_job.core.effects import Push
from flink_job.core.reasons import Reason
from flink_job.core.signals import Trigger
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, moment, pushed, reasons, shelf, wake_ups
from tests.core.policies import DAY, HOUR, MINUTE, SECOND, caps, plain_rules

AT = MONDAY_0930
ON = {
    "occasions__abandoned_cart__enabled": True,
    "occasions__abandoned_favourite__enabled": True,
    "occasions__replenishment__enabled": True,
}
RANKED = {
    "occasions__price_drop__rank": 75,
    "occasions__abandoned_cart__rank": 70,
    "occasions__abandoned_favourite__rank": 50,
    "occasions__replenishment__rank": 45,
    "occasions__behaviour__rank": 30,
}
NIGHT = {"gates__quiet_hours__start_minute": 22 * 60, "gates__quiet_hours__end_minute": 8 * 60}


def shopper(**changes: object) -> Person:
    """Carts are left after an hour, wishes after a day; coffee lasts for 20 days. Searches alone are answered at once."""
    things = [
        item("mug", features=unit([1, 0]), price=10.0),
        item("lamp", features=unit([0, 1]), price=40.0),
        item("coffee", features=unit([1, 1]), price=8.0, consumable=True, replenish_after_ms=20 * DAY),
    ]
    return Person(shelf(things), plain_rules(**{"log__suppressed_share": 1.0, "triggers": {"search": 0}, **ON, **RANKED, **changes}))


def becomes(ann: Person, name: str, **changes: object) -> None:
    """The catalogue's word on an item changes."""
    known = ann.catalogue.item(ann.catalogue.row_of(name))
    ann.catalogue.upsert(item(name, **{"features": known.features, "price": known.price, "updated_at_ms": AT + 9, **changes}))


# Left behind.


@pytest.mark.parametrize(
    ("kind", "after_ms", "trigger"),
    [
        ("cart", HOUR, Trigger.ABANDONED_CART),
        ("checkout", HOUR, Trigger.ABANDONED_CART),
        ("favourite", DAY, Trigger.ABANDONED_FAVOURITE),
    ],
)
def test_what_was_left_behind_is_decided_after_its_while(kind: str, after_ms: int, trigger: Trigger) -> None:
    ann = shopper()
    effects = ann.does(kind, "mug", AT)
    assert reasons(effects) == [Reason.AWAITED]
    assert wake_ups(effects) == [AT + after_ms]
    (push,) = ann.wakes(AT + after_ms)
    assert isinstance(push, Push)
    assert (push.item.item_id, push.record.trigger, push.decided_at_ms) == ("mug", trigger, AT + after_ms)
    assert (push.record.cause_id, push.record.caused_at_ms) == ("ann-1", AT)


def test_a_push_about_what_was_left_behind_is_about_nothing_else_however_good() -> None:
    ann = shopper()
    for second in range(9):
        ann.does("dwell", "mug", AT + second)
    ann.does("cart", "lamp", AT + MINUTE)
    (push,) = ann.wakes(AT + MINUTE + HOUR)
    assert isinstance(push, Push)
    assert [candidate.item_id for candidate in push.record.candidates] == ["lamp"]
    ann = shopper(send__min_score=0.9)
    ann.does("cart", "lamp", AT)
    becomes(ann, "lamp", features=unit([-1, -1]))
    assert reasons(ann.wakes(AT + HOUR)) == [Reason.BELOW_THRESHOLD]


@pytest.mark.parametrize(
    ("kind", "does", "says"),
    [
        ("cart", "purchase", Reason.BOUGHT_MEANWHILE),
        ("favourite", "purchase", Reason.BOUGHT_MEANWHILE),
        ("cart", "remove_from_cart", Reason.LEFT_MEANWHILE),
        ("favourite", "unfavourite", Reason.LEFT_MEANWHILE),
        ("cart", "view", Reason.SEEN_MEANWHILE),
        ("favourite", "dislike", Reason.NO_CANDIDATE),
    ],
)
def test_what_the_user_did_meanwhile_is_told_by_name(kind: str, does: str, says: Reason) -> None:
    ann = shopper(items__seen_for_ms=10 * MINUTE)
    (due_ms,) = wake_ups(ann.does(kind, "mug", AT))
    ago_ms = 5 * MINUTE if says is Reason.SEEN_MEANWHILE else 30 * MINUTE
    ann.does(does, "mug", due_ms - ago_ms)
    assert reasons(ann.wakes(due_ms)) == [says]
    assert ann.state.pending is None


def test_what_the_catalogue_did_meanwhile_is_told_by_name() -> None:
    for changes, says in (
        ({"stock": 0}, Reason.SOLD_OUT_MEANWHILE),
        ({"valid_until_ms": AT + HOUR}, Reason.SOLD_OUT_MEANWHILE),
        ({"price": 10.51}, Reason.DEARER_MEANWHILE),
        ({"price": 10.49}, None),
        ({"price": 5.0}, None),
        ({"price": float("nan")}, None),
    ):
        ann = shopper(items__price_rise_share=0.05)
        ann.does("cart", "mug", AT)
        becomes(ann, "mug", **changes)
        effects = ann.wakes(AT + HOUR)
        assert reasons(effects) == ([says] if says else []), changes
        assert bool(pushed(effects)) == (says is None)
    ann = shopper()
    ann.does("cart", "mug", AT)
    ann.catalogue.remove("mug", AT + 9)
    assert reasons(ann.wakes(AT + HOUR)) == [Reason.GONE_MEANWHILE]


def test_a_price_that_was_not_known_when_it_was_left_is_not_held_against_the_item() -> None:
    ann = shopper()
    becomes(ann, "mug", price=float("nan"))
    ann.does("cart", "mug", AT)
    becomes(ann, "mug", price=99.0, updated_at_ms=AT + 10)
    assert pushed(ann.wakes(AT + HOUR)) == "mug"


def test_what_was_taken_out_and_put_back_is_left_behind_again() -> None:
    ann = shopper()
    ann.does("cart", "mug", AT)
    ann.does("remove_from_cart", "mug", AT + MINUTE)
    ann.does("cart", "mug", AT + 2 * MINUTE)
    assert pushed(ann.wakes(AT + HOUR)) == "mug"


def test_a_consumable_that_was_bought_before_can_be_left_in_the_cart_again() -> None:
    ann = shopper(occasions__replenishment__enabled=False)
    ann.does("cart", "coffee", AT - 30 * DAY)
    ann.does("purchase", "coffee", AT - 30 * DAY + MINUTE)
    ann.wakes(AT - 30 * DAY + HOUR)
    ann.does("cart", "coffee", AT)
    assert pushed(ann.wakes(AT + HOUR)) == "coffee"


# Used up.


def test_a_consumable_is_looked_forward_to_and_sent_when_it_is_used_up() -> None:
    ann = shopper()
    effects = ann.does("purchase", "coffee", AT)
    assert reasons(effects) == [Reason.NOT_A_TRIGGER]
    assert wake_ups(effects) == [AT + 20 * DAY]
    (push,) = ann.wakes(AT + 20 * DAY)
    assert isinstance(push, Push)
    assert (push.item.item_id, push.record.trigger) == ("coffee", Trigger.REPLENISHMENT)
    assert ann.state.pending is None


def test_who_buys_again_in_time_is_reminded_later() -> None:
    ann = shopper()
    ann.does("purchase", "coffee", AT)
    assert wake_ups(ann.does("purchase", "coffee", AT + 15 * DAY)) == [AT + 35 * DAY]
    assert ann.wakes(AT + 20 * DAY) == ()
    assert pushed(ann.wakes(AT + 35 * DAY)) == "coffee"


def test_a_durable_is_not_looked_forward_to() -> None:
    assert reasons(shopper().does("purchase", "mug", AT)) == [Reason.NOT_A_TRIGGER]


def test_what_is_weeks_away_silences_nobody() -> None:
    """Whatever else comes meanwhile is decided, put off and sent, and the coffee is not forgotten over it."""
    ann = shopper(gates__min_gap_ms=4 * HOUR, **NIGHT)
    ann.does("purchase", "coffee", AT)
    assert pushed(ann.does("search", at_ms=AT + HOUR))
    night, morning = moment("2026-03-02 23:00"), moment("2026-03-03 08:00")
    assert wake_ups(ann.does("search", at_ms=night)) == [morning]
    effects = ann.wakes(morning)
    assert pushed(effects)
    assert wake_ups(effects) == [AT + 20 * DAY]
    assert pushed(ann.is_nudged("mug", AT + 2 * DAY, trigger=Trigger.CAMPAIGN))
    assert pushed(ann.wakes(AT + 20 * DAY)) == "coffee"


def test_of_several_consumables_the_first_to_run_out_is_waited_for_and_then_the_next() -> None:
    ann = shopper()
    becomes(ann, "mug", consumable=True, replenish_after_ms=5 * DAY)
    assert wake_ups(ann.does("purchase", "coffee", AT)) == [AT + 20 * DAY]
    assert wake_ups(ann.does("purchase", "mug", AT + DAY)) == [AT + 6 * DAY]
    assert wake_ups(ann.does("purchase", "lamp", AT + DAY + 1)) == [AT + 6 * DAY]
    effects = ann.wakes(AT + 6 * DAY)
    assert pushed(effects) == "mug"
    assert wake_ups(effects) == [AT + 20 * DAY]


# Rank.


def test_a_better_occasion_takes_the_place_of_the_one_that_waits() -> None:
    ann = shopper()
    ann.does("favourite", "lamp", AT)
    assert wake_ups(ann.does("cart", "mug", AT + MINUTE)) == [AT + MINUTE + HOUR]
    assert ann.wakes(AT + DAY) == ()
    assert pushed(ann.wakes(AT + MINUTE + HOUR)) == "mug"


@pytest.mark.parametrize("kind", ["cart", "favourite"])
def test_an_equal_or_a_worse_one_does_not(kind: str) -> None:
    ann = shopper()
    ann.does("cart", "mug", AT)
    pending = ann.state.pending
    effects = ann.does(kind, "lamp", AT + MINUTE)
    assert wake_ups(effects) == []
    assert ann.state.pending == pending
    assert pushed(ann.wakes(AT + HOUR)) == "mug"


def test_a_nudge_waits_in_the_night_in_place_of_a_worse_one() -> None:
    ann = shopper(occasions__campaign__rank=40, **NIGHT)
    night, morning = moment("2026-03-02 23:00"), moment("2026-03-03 08:00")
    assert wake_ups(ann.is_nudged("mug", night, trigger=Trigger.CAMPAIGN)) == [morning]
    assert reasons(ann.is_nudged("coffee", night + 1, trigger=Trigger.CAMPAIGN)) == [Reason.PENDING]
    assert reasons(ann.does("search", at_ms=night + 2)) == [Reason.PENDING]
    assert wake_ups(ann.is_nudged("lamp", night + 3, trigger=Trigger.PRICE_DROP, boost=9.0)) == [morning]
    (push,) = ann.wakes(morning)
    assert isinstance(push, Push)
    assert (push.item.item_id, push.record.trigger) == ("lamp", Trigger.PRICE_DROP)


def test_what_is_up_within_the_gap_is_not_spoilt_by_something_worse() -> None:
    """A push at a search would hold the cart's back for four hours; a day before the wish's turn it does no harm."""
    ann = shopper(gates__min_gap_ms=4 * HOUR)
    ann.does("cart", "mug", AT)
    assert reasons(ann.does("search", at_ms=AT + MINUTE)) == [Reason.PENDING]
    other = shopper(gates__min_gap_ms=4 * HOUR)
    other.does("favourite", "mug", AT)
    assert pushed(other.does("search", at_ms=AT + MINUTE))
    assert reasons(other.does("search", at_ms=AT + 21 * HOUR)) == [Reason.PENDING]
    assert pushed(other.wakes(AT + DAY)) == "mug"


def test_what_would_have_to_wait_beyond_something_better_is_left_to_it() -> None:
    ann = shopper(gates__caps=caps((1, 2 * HOUR)))
    ann.does("favourite", "mug", AT)
    ann.does("search", at_ms=AT + MINUTE)
    effects = ann.does("search", at_ms=AT + 2 * MINUTE)
    assert reasons(effects) == [Reason.PENDING]
    assert wake_ups(effects) == []
    assert pushed(ann.wakes(AT + DAY)) == "mug"


# Ends.


def test_what_was_left_behind_is_over_at_its_horizon() -> None:
    """The process was down for long."""
    for late_ms, is_sent in ((2 * DAY - 1, True), (2 * DAY, False)):
        ann = shopper(occasions__abandoned_cart__horizon_ms=2 * DAY)
        ann.does("cart", "mug", AT)
        effects = ann.wakes(AT + HOUR, wall_ms=AT + HOUR + late_ms)
        assert bool(pushed(effects)) == is_sent
        assert reasons(effects) == ([] if is_sent else [Reason.EXPIRED_NUDGE])


def test_a_gate_that_opens_after_the_horizon_drops_the_occasion() -> None:
    ann = shopper(occasions__abandoned_cart__horizon_ms=HOUR, **NIGHT)
    ann.does("cart", "mug", moment("2026-03-02 22:30"))
    effects = ann.wakes(moment("2026-03-02 23:30"))
    assert reasons(effects) == [Reason.QUIET_HOURS]
    assert ann.state.pending is None


# Off.


@pytest.mark.parametrize("trigger", [trigger for trigger in Trigger if trigger])
def test_a_nudge_for_an_occasion_that_is_off_is_not_decided(trigger: Trigger) -> None:
    ann = shopper(**{f"occasions__{trigger.name.lower()}__enabled": False})
    assert reasons(ann.is_nudged("mug", AT, trigger=trigger)) == [Reason.OCCASION_OFF]
    assert ann.state.decisions == 0


@pytest.mark.parametrize(
    ("kind", "thing", "trigger"),
    [("cart", "mug", "abandoned_cart"), ("favourite", "mug", "abandoned_favourite"), ("purchase", "coffee", "replenishment")],
)
def test_an_occasion_that_is_off_is_not_waited_for(kind: str, thing: str, trigger: str) -> None:
    ann = shopper(**{f"occasions__{trigger}__enabled": False})
    assert reasons(ann.does(kind, thing, AT)) == [Reason.NOT_A_TRIGGER]
    assert ann.state.pending is None


def test_without_an_hour_to_lie_a_cart_is_no_occasion_of_its_own() -> None:
    assert reasons(shopper(occasions__abandoned_cart__after_ms=0).does("cart", "mug", AT)) == [Reason.NOT_A_TRIGGER]


def test_what_the_user_does_leads_to_nothing_if_behaviour_is_off() -> None:
    ann = shopper(occasions__behaviour__enabled=False)
    assert reasons(ann.does("search", at_ms=AT)) == [Reason.NOT_A_TRIGGER]
    assert wake_ups(ann.does("cart", "mug", AT + 1)) == [AT + 1 + HOUR]


def test_an_occasion_that_is_switched_off_while_it_waits_is_not_decided() -> None:
    ann = shopper()
    ann.does("cart", "mug", AT)
    off = shopper(occasions__abandoned_cart__enabled=False)
    off.state = ann.state
    assert reasons(off.wakes(AT + HOUR)) == [Reason.OCCASION_OFF]
    assert off.state.pending is None


@pytest.mark.parametrize("why", ["holdout", "opted out", "no device"])
def test_nobody_is_waited_for_who_gets_no_pushes(why: str) -> None:
    ann = shopper(gates__holdout_share=1.0 if why == "holdout" else 0.0)
    ann.state.opted_out = why == "opted out"
    ann.state.unreachable = why == "no device"
    for kind, thing in (("cart", "mug"), ("favourite", "lamp"), ("purchase", "coffee")):
        assert wake_ups(ann.does(kind, thing, AT + SECOND)) == []
    assert ann.state.pending is None
