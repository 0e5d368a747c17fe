"""Nudges: another part of the system asks for a decision about an item."""

import pytest

from flink_job.core.reasons import Reason
from flink_job.core.signals import Trigger
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, moment, pushed, reasons, shelf, wake_ups
from tests.core.policies import DAY, HOUR, MINUTE, SECOND, plain_rules
from tests.core.timing import user_with

AT = MONDAY_0930
NIGHT = {"gates__quiet_hours__start_minute": 22 * 60, "gates__quiet_hours__end_minute": 8 * 60}


def shopper(**changes: object) -> Person:
    east, north = item("east", features=unit([1, 0])), item("north", features=unit([0, 1]))
    ann = Person(shelf([east, north]), plain_rules(candidates__fresh=0, **changes))
    ann.does("dwell", "east", AT - HOUR)
    return ann


def test_a_nudge_puts_its_item_among_the_candidates_and_adds_its_boost_to_its_score() -> None:
    plain, nudged = shopper(candidates__interest=1), shopper(candidates__interest=1)
    assert pushed(plain.is_nudged("", AT)) == "east"
    assert pushed(nudged.is_nudged("north", AT, boost=2.0)) == "north"
    (push,) = nudged.pushes
    assert "nudged" in push.item.sources
    assert push.item.score == pytest.approx(push.item.interest + 2.0, abs=1e-6)
    assert push.record.trigger == Trigger.PRICE_DROP


def test_a_negative_boost_takes_its_item_down() -> None:
    assert pushed(shopper().is_nudged("east", AT, boost=-5.0)) == "north"


def test_a_boost_goes_to_its_item_alone() -> None:
    ann = shopper()
    ann.is_nudged("north", AT, boost=0.25)
    scores = {
        candidate.item_id: candidate.score - candidate.interest - 0.3 * candidate.affinity for candidate in ann.pushes[0].record.candidates
    }
    assert scores == pytest.approx({"east": 0.0, "north": 0.25}, abs=1e-6)


def test_a_nudge_about_an_item_the_catalogue_does_not_know_decides_without_it() -> None:
    assert pushed(shopper().is_nudged("never heard of", AT, boost=9.0)) == "east"


def test_a_nudge_is_held_to_the_same_gates_as_any_decision() -> None:
    ann = shopper(gates__min_gap_ms=HOUR)
    ann.is_nudged("north", AT)
    assert reasons(ann.is_nudged("north", AT + MINUTE, boost=99.0)) == [Reason.MIN_GAP]


def test_a_nudge_keeps_its_item_and_its_boost_while_it_waits() -> None:
    ann = shopper(candidates__interest=1, **NIGHT)
    effects = ann.is_nudged("north", moment("2026-03-03 07:00"), boost=2.0, trigger=Trigger.BACK_IN_STOCK)
    assert wake_ups(effects) == [moment("2026-03-03 08:00")]
    assert pushed(ann.wakes(moment("2026-03-03 08:00"))) == "north"
    assert ann.pushes[0].record.trigger == Trigger.BACK_IN_STOCK


def test_a_nudge_whose_time_is_over_leads_to_nothing() -> None:
    for expires_at_ms, is_sent in ((AT - 1, False), (AT, False), (AT + 1, True), (0, True)):
        ann = shopper()
        effects = ann.is_nudged("north", AT, expires_at_ms=expires_at_ms)
        assert bool(pushed(effects)) == is_sent
        assert reasons(effects) == ([] if is_sent else [Reason.EXPIRED_NUDGE])


def test_nobody_is_woken_for_a_nudge_that_will_be_over_when_the_gate_opens() -> None:
    for expires, waits in (("2026-03-03 08:00", False), ("2026-03-03 08:01", True)):
        ann = shopper(**NIGHT)
        effects = ann.is_nudged("north", moment("2026-03-03 07:00"), expires_at_ms=moment(expires))
        assert reasons(effects) == [Reason.QUIET_HOURS]
        assert wake_ups(effects) == ([moment("2026-03-03 08:00")] if waits else [])
        assert bool(pushed(ann.wakes(moment("2026-03-03 08:00")))) == waits


def test_a_nudge_that_expires_while_it_waits_leads_to_nothing() -> None:
    """The process was down when its moment came."""
    for late_ms, is_sent in ((MINUTE, True), (2 * MINUTE, False)):
        ann = shopper(gates__max_signal_age_ms=1, **NIGHT)
        ann.is_nudged("north", moment("2026-03-03 07:00"), expires_at_ms=moment("2026-03-03 08:02"))
        effects = ann.wakes(moment("2026-03-03 08:00"), wall_ms=moment("2026-03-03 08:00") + late_ms)
        assert bool(pushed(effects)) == is_sent
        assert reasons(effects) == ([] if is_sent else [Reason.EXPIRED_NUDGE])
        assert ann.state.pending is None


def test_breaking_news_is_sent_now_or_never_and_a_sale_can_wait_for_the_morning() -> None:
    """A nudge that names no end has that of its occasion: an hour for news."""
    for trigger, horizon, waits in ((Trigger.BREAKING_NEWS, HOUR, False), (Trigger.PRICE_DROP, 48 * HOUR, True)):
        ann = shopper(**NIGHT, **{f"occasions__{trigger.name.lower()}__horizon_ms": horizon})
        assert bool(wake_ups(ann.is_nudged("north", moment("2026-03-02 23:00"), trigger=trigger))) == waits


def test_of_two_ends_the_earlier_one_counts() -> None:
    for own, of_the_occasion in ((2 * HOUR, 3 * HOUR), (3 * HOUR, 2 * HOUR)):
        ann = shopper(**NIGHT, occasions__price_drop__horizon_ms=of_the_occasion)
        at = moment("2026-03-03 06:30")
        ann.is_nudged("north", at, expires_at_ms=at + own)
        assert ann.state.pending is not None
        assert ann.state.pending.expires_at_ms == at + 2 * HOUR


def test_a_nudge_that_is_replayed_decides_as_it_did_although_it_has_expired_by_the_clock() -> None:
    """After a crash the same record is read again a little later; what was sent then is sent again with the same id, and counted."""
    first, again = shopper(), shopper()
    first.is_nudged("north", AT, expires_at_ms=AT + 2 * SECOND, event_id="sale")
    again.is_nudged("north", AT, expires_at_ms=AT + 2 * SECOND, event_id="sale", wall_ms=AT + 9 * SECOND)
    assert [push.command_id for push in first.pushes] == [push.command_id for push in again.pushes] != []


def test_a_nudge_from_a_backlog_waits_for_the_present_and_may_have_expired_there() -> None:
    now = AT + HOUR
    for expires_at_ms, is_sent in ((now, False), (now + 1, True)):
        ann = shopper()
        assert reasons(ann.is_nudged("north", AT, expires_at_ms=expires_at_ms, wall_ms=now)) == [Reason.STALE_SIGNAL]
        assert bool(pushed(ann.wakes(now))) == is_sent


def test_a_nudge_is_heard_although_nothing_was_good_enough_a_moment_before() -> None:
    """What it is about has changed, and its boost may be what was missing."""
    ann = shopper(gates__rescore_after_ms=MINUTE, send__min_score=1.5)
    assert reasons(ann.does("view", "east", AT)) == [Reason.BELOW_THRESHOLD]
    assert reasons(ann.does("view", "east", AT + SECOND)) == [Reason.SCORED_LATELY]
    assert pushed(ann.is_nudged("north", AT + 2 * SECOND, boost=2.0)) == "north"


@pytest.mark.parametrize(
    ("trigger", "named", "told_as"),
    [
        (Trigger.PRICE_DROP, "east", Trigger.PRICE_DROP),
        (Trigger.PRICE_DROP, "north", Trigger.BEHAVIOUR),
        (Trigger.PRICE_DROP, "never heard of", Trigger.BEHAVIOUR),
        (Trigger.PRICE_DROP, "", Trigger.BEHAVIOUR),
        (Trigger.BACK_IN_STOCK, "north", Trigger.BEHAVIOUR),
        (Trigger.BREAKING_NEWS, "north", Trigger.BEHAVIOUR),
        (Trigger.CREATOR_POSTED, "north", Trigger.BEHAVIOUR),
        (Trigger.SOCIAL_REACTION, "north", Trigger.BEHAVIOUR),
        (Trigger.CAMPAIGN, "north", Trigger.CAMPAIGN),
    ],
)
def test_what_a_nudge_says_of_its_item_is_not_said_of_another_one(trigger: Trigger, named: str, told_as: Trigger) -> None:
    """`east` is what Ann likes, so it is sent whatever the nudge names; that it became cheaper may be said if it is the one that did."""
    ann = shopper()
    assert pushed(ann.is_nudged(named, AT, trigger=trigger)) == "east"
    (push,) = ann.pushes
    assert (push.told_as, push.record.trigger) == (told_as, trigger)


def test_a_price_that_has_gone_up_again_while_the_user_slept_is_not_told_as_a_drop() -> None:
    for price, says in ((10.51, [Reason.DEARER_MEANWHILE]), (10.49, []), (9.0, [])):
        ann = shopper(items__price_rise_share=0.05, **NIGHT)
        ann.catalogue.upsert(item("north", features=unit([0, 1]), price=10.0, updated_at_ms=AT))
        ann.is_nudged("north", moment("2026-03-03 07:00"), boost=2.0)
        ann.catalogue.upsert(item("north", features=unit([0, 1]), price=price, updated_at_ms=AT + 1))
        effects = ann.wakes(moment("2026-03-03 08:00"))
        assert (reasons(effects), pushed(effects)) == (says, "" if says else "north"), price


def test_a_push_does_not_wait_for_an_hour_at_which_its_item_is_over() -> None:
    """Ann opens at 20:00 what she gets at all, which speaks for the hours around it too: a post waits for the best of the hours that it has."""
    best = {"occasions__creator_posted__timing": "best", "occasions__creator_posted__half_life_ms": 7 * DAY}
    for until, waits_until in (("10:00", "09:30"), ("19:00", "18:00"), ("20:00", "19:00"), ("23:00", "20:00"), ("", "20:00")):
        ann = shopper(**best)
        counts = user_with({slot: (30, 25 if slot == 20 else 0, 20 if slot == 20 else 0) for slot in range(9, 23)}, AT)
        ann.state.outcome_slot, ann.state.outcomes, ann.state.slots_at_ms = counts.outcome_slot, counts.outcomes, counts.slots_at_ms
        ends_ms = moment(f"2026-03-02 {until}") if until else 0
        ann.catalogue.upsert(item("north", features=unit([0, 1]), valid_until_ms=ends_ms, updated_at_ms=AT))
        effects = ann.is_nudged("north", AT, boost=9.0, trigger=Trigger.CREATOR_POSTED)
        found = [at_ms // HOUR * HOUR for at_ms in wake_ups(effects)] or [AT]
        assert found == [moment(f"2026-03-02 {waits_until}")], until
        assert pushed(effects) == ("north" if waits_until == "09:30" else "")


def test_the_price_of_another_item_is_not_held_against_a_drop() -> None:
    """What the nudge is about is not in the catalogue yet, and the best there is is cheap; then it comes, at a price of its own."""
    best = {"occasions__price_drop__timing": "best", "occasions__price_drop__half_life_ms": 7 * DAY}
    ann = shopper(**best)
    counts = user_with({slot: (30, 25 if slot == 20 else 0, 20 if slot == 20 else 0) for slot in range(9, 23)}, AT)
    ann.state.outcome_slot, ann.state.outcomes, ann.state.slots_at_ms = counts.outcome_slot, counts.outcomes, counts.slots_at_ms
    ann.catalogue.upsert(item("east", features=unit([1, 0]), price=5.0, updated_at_ms=AT))
    (due_ms,) = wake_ups(ann.is_nudged("new", AT, boost=9.0))
    ann.catalogue.upsert(item("new", features=unit([0, 1]), price=10.0, updated_at_ms=AT))
    assert pushed(ann.wakes(due_ms)) == "new"
