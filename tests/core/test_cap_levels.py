"""Caps of one occasion, category or creator count exactly too; a place is taken when a push is decided, and given back once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core import history
from flink_job.core.eligibility import Eligibility
from flink_job.core.index.labels import label_of
from flink_job.core.reasons import Reason
from flink_job.core.rules import Cap
from flink_job.core.signals import Trigger
from flink_job.core.state import DECIDED, DELIVERED, FAILED, UserState, new_user
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf, wake_ups
from tests.core.policies import DAY, HOUR, MINUTE, cap_per, caps, plain_rules

AT = MONDAY_0930


ROOM = caps((6, DAY))
"""Wide enough not to matter; with it pushes can be remembered for as long as nothing is repeated."""
QUIETLY = {"items__repeat_after_ms": 10 * DAY, "log__suppressed_share": 1.0, "gates__caps": ROOM, "triggers": {"search": 0}}


def shopper(**changes: object) -> Person:
    """Mugs by the potter, which the user likes, and one lamp by the smith, which they like less; nothing is sent twice in 10 days."""
    mugs = [item(f"mug {number}", features=unit([9, number]), categories=("home", "mugs"), creator_id="potter") for number in range(6)]
    lamp = item("lamp", features=unit([1, 9]), categories=("home", "lamps"), creator_id="smith")
    bowl = item("bowl", features=unit([1, 99]))  # of no category, by nobody
    ann = Person(shelf([*mugs, lamp, bowl]), plain_rules(**{**QUIETLY, **changes}))
    ann.does("share", "mug 0", AT - DAY)
    return ann


def searches(ann: Person, *at_ms: int) -> list[str]:
    return [pushed(ann.does("search", at_ms=at)) for at in at_ms]


@pytest.mark.parametrize(("per", "rule"), [("category", "category_cap"), ("creator", "creator_cap")])
def test_the_third_mug_of_a_day_gives_way_to_a_lamp_until_the_first_is_a_day_old(per: str, rule: str) -> None:
    ann = shopper(gates__caps=ROOM + cap_per(per, 2, DAY))
    sent = searches(ann, AT, AT + HOUR, AT + 2 * HOUR)
    assert [name.split()[0] for name in sent] == ["mug", "mug", "lamp"]
    assert dict(ann.pushes[-1].record.dropped_by_rule)[rule] == 4  # the mugs that were not sent yet
    for early_ms, is_a_mug in ((1, False), (0, True)):
        later = shopper(gates__caps=ROOM + cap_per(per, 2, DAY))
        searches(later, AT, AT + HOUR)
        assert searches(later, AT + DAY - early_ms)[0].startswith("mug") == is_a_mug


@pytest.mark.parametrize("per", ["category", "creator"])
def test_what_has_no_category_or_no_creator_is_under_no_such_cap(per: str) -> None:
    ann = Person(shelf(item(f"bowl {number}") for number in range(4)), plain_rules(gates__caps=cap_per(per, 1, DAY)))
    assert all(searches(ann, AT, AT + 1, AT + 2, AT + 3))


def test_a_category_is_the_most_specific_one() -> None:
    """A lamp is of the home like a mug, and not capped with it."""
    ann = shopper(gates__caps=ROOM + cap_per("category", 1, DAY))
    assert [name.split()[0] for name in searches(ann, AT, AT + 1)] == ["mug", "lamp"]


def test_one_occasion_is_capped_and_the_others_are_not() -> None:
    ann = shopper(gates__caps=ROOM + cap_per("trigger", 1, DAY))
    assert pushed(ann.is_nudged("mug 1", AT, trigger=Trigger.PRICE_DROP))
    effects = ann.is_nudged("mug 2", AT + HOUR, trigger=Trigger.PRICE_DROP)
    assert reasons(effects) == [Reason.CAP]
    assert wake_ups(effects) == [AT + DAY]
    other = shopper(gates__caps=ROOM + cap_per("trigger", 1, DAY))
    other.is_nudged("mug 1", AT, trigger=Trigger.PRICE_DROP)
    assert pushed(other.is_nudged("mug 2", AT + HOUR, trigger=Trigger.BACK_IN_STOCK))
    assert searches(other, AT + 2 * HOUR) != [""]


def test_all_levels_hold_at_once_and_the_one_that_opens_last_decides() -> None:
    ann = shopper(gates__caps=caps((2, 10 * HOUR)) + cap_per("trigger", 1, 3 * HOUR))
    assert all(searches(ann, AT, AT + 3 * HOUR))
    assert wake_ups(ann.does("search", at_ms=AT + 4 * HOUR)) == [AT + 10 * HOUR]


# Reserve, confirm, release.


def test_a_decided_push_takes_its_place_on_every_level_at_once() -> None:
    ann = shopper(gates__caps=ROOM + cap_per("trigger", 1, DAY) + cap_per("category", 1, DAY) + cap_per("creator", 1, DAY))
    ann.is_nudged("mug 1", AT)
    assert reasons(ann.is_nudged("mug 2", AT)) == [Reason.CAP]
    assert searches(ann, AT + 1) == [""]  # the wake-up of the nudge waits
    assert ann.state.sent_trigger.tolist() == [Trigger.PRICE_DROP]
    assert ann.state.sent_category.tolist() == [label_of("mugs")]
    assert ann.state.sent_creator.tolist() == [label_of("potter")]


@pytest.mark.parametrize("per", ["all", "trigger", "category", "creator"])
def test_a_push_that_failed_gives_its_place_back_on_every_level(per: str) -> None:
    ann = shopper(gates__caps=ROOM + cap_per(per, 1, DAY))
    first = searches(ann, AT)
    ann.reports("failed", ann.pushes[0].command_id, AT + MINUTE)
    (second,) = searches(ann, AT + 2 * MINUTE)
    assert second.startswith("mug")
    assert [second] != first


UNCONFIRMED = {"gates__caps": caps((1, DAY)), "gates__release_unconfirmed_after_ms": HOUR}


def test_a_push_of_which_nothing_was_heard_gives_its_place_back_and_the_wake_up_is_for_then() -> None:
    ann = shopper(**UNCONFIRMED)
    searches(ann, AT)
    effects = ann.does("search", at_ms=AT + HOUR - 1)
    assert reasons(effects) == [Reason.CAP]
    assert wake_ups(effects) == [AT + HOUR]
    assert pushed(ann.wakes(AT + HOUR))


def test_a_confirmed_push_keeps_its_place_for_the_window() -> None:
    ann = shopper(**UNCONFIRMED)
    searches(ann, AT)
    ann.reports("delivered", ann.pushes[0].command_id, AT + MINUTE)
    assert wake_ups(ann.does("search", at_ms=AT + 2 * HOUR)) == [AT + DAY]


def test_without_receipts_nothing_is_given_back() -> None:
    ann = shopper(gates__caps=caps((1, DAY)), gates__release_unconfirmed_after_ms=0)
    searches(ann, AT)
    assert wake_ups(ann.does("search", at_ms=AT + 2 * HOUR)) == [AT + DAY]


def test_a_late_receipt_neither_opens_a_place_nor_takes_two() -> None:
    """The first gave its place to the second; when it is heard of after all, both were seen, and the cap is open when the second is a day old."""
    ann = shopper(**UNCONFIRMED)
    searches(ann, AT, AT + HOUR)
    first, second = (push.command_id for push in ann.pushes)
    ann.reports("delivered", first, AT + 2 * HOUR)
    ann.reports("delivered", second, AT + 2 * HOUR)
    ann.reports("opened", first, AT + 2 * HOUR)
    assert wake_ups(ann.does("search", at_ms=AT + 3 * HOUR)) == [AT + HOUR + DAY]
    ann.reports("failed", first, AT + 3 * HOUR)
    ann.reports("failed", second, AT + 3 * HOUR)
    assert ann.state.pending is not None
    assert reasons(ann.wakes(ann.state.pending.due_ms - 1)) == []
    assert pushed(ann.wakes(AT + HOUR + DAY))


def test_the_gap_too_is_counted_from_pushes_that_have_a_place() -> None:
    ann = shopper(gates__min_gap_ms=4 * HOUR, gates__release_unconfirmed_after_ms=HOUR)
    searches(ann, AT)
    assert wake_ups(ann.does("search", at_ms=AT + MINUTE)) == [AT + HOUR]


# Against counting by hand.

Sent = tuple[int, int, int]
"""(moment, what it was, how far it got)"""
pushes = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2), st.sampled_from([DECIDED, DELIVERED, FAILED])), max_size=12).map(sorted)


def sent(history_of: list[Sent]) -> UserState:
    state = new_user(2, 0)
    for number, (at_ms, what, status) in enumerate(history_of):
        command = f"{number + 1:016x}" * 2
        history.remember_push(state, number, command, at_ms, 64, trigger=what % 256, category=what, creator=what)
        if status != DECIDED:
            history.mark_push(state, command, status)
    return state


def room(history_of: list[Sent], cap: Cap, what: int, at_ms: int, release_ms: int) -> int:
    """Places left at a moment, by the words of the rule."""
    taken = [
        then
        for then, each, status in history_of
        if each == what and status != FAILED and at_ms - cap.window_ms < then and not (status == DECIDED and release_ms <= at_ms - then)
    ]
    return cap.count - len(taken)


@given(pushes, st.integers(1, 3), st.integers(1, 9), st.integers(1, 12), st.integers(0, 2), st.integers(0, 12))
def test_a_cap_opens_at_the_first_moment_that_has_room(
    history_of: list[Sent], count: int, window_ms: int, release_ms: int, what: int, later_ms: int
) -> None:
    cap, now_ms = Cap(count, window_ms, "trigger"), max([at_ms for at_ms, _, _ in history_of], default=0) + later_ms
    state = sent(history_of)
    opens_at_ms = history.cap_opens_at_ms(state, cap, now_ms, release_ms, state.sent_trigger, what)
    first = next(at_ms for at_ms in range(now_ms, now_ms + 30) if room(history_of, cap, what, at_ms, release_ms) > 0)
    assert max(opens_at_ms, now_ms) == first


@given(pushes, st.integers(1, 3), st.integers(1, 9), st.integers(1, 12), st.integers(0, 12))
def test_the_categories_and_creators_left_out_are_those_without_room(
    history_of: list[Sent], count: int, window_ms: int, release_ms: int, later_ms: int
) -> None:
    both = cap_per("category", count, window_ms) + cap_per("creator", count, window_ms)
    rules = plain_rules(gates__caps=both, gates__release_unconfirmed_after_ms=release_ms, items__repeat_after_ms=0)
    now_ms = max([at_ms for at_ms, _, _ in history_of], default=0) + later_ms
    names = ["", "mugs", "lamps"]
    state = sent([(at_ms, label_of(names[each]), status) for at_ms, each, status in history_of])
    excluded = Eligibility(rules).for_user(state, now_ms)
    for what, name in enumerate(names):
        is_full = bool(name) and room(history_of, both[0], what, now_ms, release_ms) <= 0
        thing = item("thing", categories=(name,) if name else ())
        assert excluded.why(thing) == ("category_cap" if is_full else "")
        assert excluded.why(item("thing", creator_id=name)) == ("creator_cap" if is_full else "")
