"""Every reason for sending nothing can be given, is told apart from the others, and is written down so that it can be explained."""

from collections.abc import Callable

import pytest

from flink_job.core.effects import Effects, Gate, Push, Suppressed, Wake, wake_set_with
from flink_job.core.gates import ORDER
from flink_job.core.reasons import AFTER_SCORING, BEFORE_THE_GATES, Reason
from flink_job.core.signals import Trigger
from flink_job.core.state import PendingWake
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, moment, reasons, shelf
from tests.core.policies import DAY, HOUR, MINUTE, SECOND, caps, plain_rules

AT = MONDAY_0930


def ann(**changes: object) -> Person:
    """A user with three items to send and every decision logged."""
    shop = shelf(item(f"item {number}", features=unit([1, number])) for number in range(3))
    return Person(shop, plain_rules(**{"log__suppressed_share": 1.0, **changes}))


def after_a_push(**changes: object) -> Person:
    person = ann(**changes)
    person.does("search", at_ms=AT)
    assert len(person.pushes) == 1
    return person


def duplicate() -> Effects:
    person = ann()
    person.does("view", "item 0", event_id="twice")
    return person.does("view", "item 0", event_id="twice")


def pending() -> Effects:
    person = ann(triggers={"cart": HOUR, "view": 0})
    person.does("cart", "item 0")
    return person.does("view", "item 0")


def opted_out() -> Effects:
    person = ann()
    person.reports("unsubscribed", "", AT)
    return person.does("search", at_ms=AT)


def unreachable() -> Effects:
    person = ann()
    person.changes(AT, reachable=False)
    return person.does("search", at_ms=AT)


def no_channel() -> Effects:
    person = ann()
    person.changes(AT, channels=())
    return person.does("search", at_ms=AT)


def cool_down() -> Effects:
    person = after_a_push(gates__cool_down_ms=HOUR)
    person.reports("dismissed", person.pushes[0].command_id, AT)
    return person.does("search", at_ms=AT + MINUTE)


def scored_lately() -> Effects:
    person = ann(send__min_score=9.0, gates__rescore_after_ms=MINUTE)
    person.does("search", at_ms=AT)
    return person.does("search", at_ms=AT + SECOND)


def tired() -> Effects:
    """`F` is 1 after the push and 0.99 after 3 d · log₂(1 / 0.99) = 63 min."""
    return after_a_push(fatigue__limit=0.99).does("search", at_ms=AT + MINUTE)


def in_session() -> Effects:
    person = ann(gates__in_session_ms=10 * MINUTE, triggers={})
    person.does("view", "item 0", at_ms=AT)
    return person.is_nudged("item 1", AT + MINUTE)


def left_in_the_cart(**changes: object) -> Person:
    """A cart with item 0 in it, looked at again after an hour."""
    person = ann(occasions__abandoned_cart__enabled=True, triggers={}, **changes)
    person.catalogue.upsert(item("item 0", features=unit([1, 0]), price=10.0, updated_at_ms=AT))
    assert reasons(person.does("cart", "item 0", at_ms=AT)) == [Reason.AWAITED]
    return person


def meanwhile(does: str) -> Effects:
    person = left_in_the_cart(items__seen_for_ms=10 * MINUTE)
    person.does(does, "item 0", at_ms=AT + (30 if does == "remove_from_cart" else 55) * MINUTE)
    return person.wakes(AT + HOUR)


def in_the_meantime(**changes: object) -> Effects:
    person = left_in_the_cart()
    person.catalogue.upsert(item("item 0", features=unit([1, 0]), **{"price": 10.0, "updated_at_ms": AT + MINUTE, **changes}))
    return person.wakes(AT + HOUR)


def gone() -> Effects:
    person = left_in_the_cart()
    person.catalogue.remove("item 0", AT + MINUTE)
    return person.wakes(AT + HOUR)


def better_time() -> Effects:
    """Who opens in the evening, each time, and never in the morning, is better asked in the evening."""
    evening = ann()
    for day in range(14):
        for hours, outcome in ((0, "delivered"), (9, "converted")):
            at_ms = AT + day * DAY + hours * HOUR
            evening.does("search", at_ms=at_ms)
            evening.reports(outcome, evening.pushes[-1].command_id, at_ms)
    person = ann(occasions__behaviour__timing="best", occasions__behaviour__half_life_ms=7 * DAY)
    person.state = evening.state
    return person.does("search", at_ms=AT + 14 * DAY, event_id="ann-later")


def returned() -> Effects:
    """Who was away for long has come back half an hour before they were to be won back, and wants no pushes, so nothing new is planned."""
    person = ann(occasions__win_back__enabled=True, occasions__win_back__after_ms=14 * DAY, triggers={})
    person.does("view", "item 0", AT)
    person.changes(AT, consent=False)
    person.state.pending = PendingWake(AT + HOUR // 2, "win_back", "ann-away", AT, Trigger.WIN_BACK, 0, 0.0)
    return person.wakes(AT + HOUR // 2)


SCENES: dict[Reason, Callable[[], Effects]] = {
    Reason.DUPLICATE: duplicate,
    Reason.NOT_A_TRIGGER: lambda: ann(triggers={"cart": 0}).does("view", "item 0"),
    Reason.STALE_SIGNAL: lambda: ann().does("view", "item 0", AT, wall_ms=AT + DAY),
    Reason.PENDING: pending,
    Reason.OPTED_OUT: opted_out,
    Reason.UNREACHABLE: unreachable,
    Reason.NO_CHANNEL: no_channel,
    Reason.HOLDOUT: lambda: ann(gates__holdout_share=1.0).does("search"),
    Reason.DELAY: lambda: ann(triggers={"cart": HOUR}).does("cart", "item 0"),
    Reason.MIN_GAP: lambda: after_a_push(gates__min_gap_ms=HOUR).does("search", at_ms=AT + MINUTE),
    Reason.CAP: lambda: after_a_push(gates__caps=caps((1, DAY))).does("search", at_ms=AT + HOUR),
    Reason.COOL_DOWN: cool_down,
    Reason.QUIET_HOURS: lambda: ann(gates__quiet_hours__end_minute=12 * 60).does("search", at_ms=moment("2026-03-02 09:00")),
    Reason.SCORED_LATELY: scored_lately,
    Reason.WARM_UP: lambda: ann().does("search", hold_until_ms=AT + SECOND),
    Reason.NO_CANDIDATE: lambda: Person(shelf([]), plain_rules(log__suppressed_share=1.0)).does("search"),
    Reason.BELOW_THRESHOLD: lambda: ann(send__min_score=9.0).does("search"),
    Reason.EXPIRED_NUDGE: lambda: ann().is_nudged("item 0", AT, expires_at_ms=AT - 1),
    Reason.NOTHING_ASKED: lambda: ann().changes(AT, consent=True),
    Reason.FATIGUE: tired,
    Reason.BETTER_TIME: better_time,
    Reason.IN_SESSION: in_session,
    Reason.NOT_WORTH_IT: lambda: ann(utility__enabled=True, utility__least=9.0).does("search"),
    Reason.AWAITED: lambda: ann(occasions__abandoned_cart__enabled=True).does("cart", "item 0"),
    Reason.OCCASION_OFF: lambda: ann(occasions__price_drop__enabled=False).is_nudged("item 0", AT),
    Reason.BOUGHT_MEANWHILE: lambda: meanwhile("purchase"),
    Reason.SEEN_MEANWHILE: lambda: meanwhile("view"),
    Reason.RETURNED_MEANWHILE: returned,
    Reason.LEFT_MEANWHILE: lambda: meanwhile("remove_from_cart"),
    Reason.SOLD_OUT_MEANWHILE: lambda: in_the_meantime(stock=0),
    Reason.DEARER_MEANWHILE: lambda: in_the_meantime(price=11.0),
    Reason.GONE_MEANWHILE: gone,
}
NEVER_LOGGED = {Reason.DUPLICATE, Reason.NOTHING_ASKED}
OPENS_BY_ITSELF = {Reason.MIN_GAP, Reason.CAP, Reason.COOL_DOWN, Reason.FATIGUE, Reason.IN_SESSION, Reason.QUIET_HOURS}
DEFERRING = OPENS_BY_ITSELF | {Reason.STALE_SIGNAL, Reason.DELAY, Reason.WARM_UP, Reason.AWAITED, Reason.BETTER_TIME}


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.metric)
def test_the_reason_is_given(reason: Reason) -> None:
    """A reason without a scene here is one that no test has ever seen."""
    assert reasons(SCENES[reason]()) == [reason]


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.metric)
def test_a_decision_is_deferred_exactly_when_its_wake_up_is_set(reason: Reason) -> None:
    (suppressed, *wakes) = SCENES[reason]()
    assert isinstance(suppressed, Suppressed)
    assert bool(suppressed.wake_at_ms) == bool(wakes) == (reason in DEFERRING)
    assert all(getattr(wake, "at_ms", 0) == suppressed.wake_at_ms for wake in wakes)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.metric)
def test_a_logged_decision_says_what_caused_it_and_which_gates_it_passed(reason: Reason) -> None:
    suppressed = SCENES[reason]()[0]
    assert isinstance(suppressed, Suppressed)
    if reason in NEVER_LOGGED:
        assert suppressed.record is None
        return
    record = suppressed.record
    assert record is not None
    assert record.cause_id.startswith("ann-")
    assert record.caused_at_ms
    passed = [gate.name for gate in record.gates if gate.passed]
    if reason in ORDER:
        assert record.gates[-1].name == reason.metric
        assert passed == [gate.metric for gate in ORDER[: ORDER.index(reason)]]
        assert bool(record.gates[-1].opens_at_ms) == (reason in DEFERRING)
    elif reason in AFTER_SCORING | {Reason.WARM_UP}:
        assert passed == [gate.metric for gate in ORDER]
    else:
        assert record.gates == ()


def test_reasons_are_words_for_people_and_names_for_metrics() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason)
    assert all(reason.value[0].islower() and not reason.value.endswith(".") for reason in Reason)
    assert all(reason.metric.isidentifier() and reason.metric.islower() for reason in Reason)


def test_every_reason_is_given_before_the_gates_by_one_of_them_or_after_them() -> None:
    """The engine counts decisions and scorings by this."""
    between = {Reason.DELAY, Reason.WARM_UP}
    parts = (BEFORE_THE_GATES, frozenset(ORDER), AFTER_SCORING, between)
    assert sum(len(part) for part in parts) == len(Reason)
    assert set().union(*parts) == set(Reason)


def test_gates_are_asked_in_their_order_and_the_first_closed_one_answers() -> None:
    """A user whom every gate holds back when their wake-up comes; each gate that opens uncovers the next one."""
    holds_back = {
        "gates__min_gap_ms": HOUR,
        "gates__caps": caps((1, HOUR)),
        "gates__cool_down_ms": HOUR,
        "fatigue__limit": 1.0,
        "gates__in_session_ms": HOUR,
        "gates__quiet_hours__end_minute": 23 * 60,
        "gates__rescore_after_ms": HOUR,
    }
    opening: dict[Reason, tuple[str, object]] = {
        Reason.MIN_GAP: ("gates__min_gap_ms", 0),
        Reason.CAP: ("gates__caps", ()),
        Reason.COOL_DOWN: ("gates__cool_down_ms", 0),
        Reason.FATIGUE: ("fatigue__limit", 1e9),
        Reason.IN_SESSION: ("gates__in_session_ms", 0),
        Reason.SCORED_LATELY: ("gates__rescore_after_ms", 0),
        Reason.QUIET_HOURS: ("gates__quiet_hours__end_minute", 0),
    }
    met = []
    for reason in ORDER:
        person = after_a_push(gates__holdout_share=0.0)
        person.reports("dismissed", person.pushes[0].command_id, AT)
        person.state.scored_at_ms = AT
        held_back = Person(person.catalogue, plain_rules(**holds_back, gates__holdout_share=float(Reason.HOLDOUT not in met)))
        held_back.state = person.state
        held_back.state.opted_out = Reason.OPTED_OUT not in met
        held_back.state.unreachable = Reason.UNREACHABLE not in met
        held_back.state.channels_off = 0b1111110 if Reason.NO_CHANNEL not in met else 0
        held_back.state.pending = PendingWake(AT + MINUTE, "", "asked", AT, Trigger.BEHAVIOUR, 0, 0.0)
        (answer,) = reasons(held_back.wakes(AT + MINUTE))
        assert answer == reason
        met.append(reason)
        if reason in opening:
            name, value = opening[reason]
            holds_back[name] = value


def test_a_push_is_logged_with_everything_that_explains_it() -> None:
    person = ann(candidates__neighbours=30)
    person.does("view", "item 1", AT - MINUTE)
    (push,) = person.does("view", "item 0", AT, event_id="the cause")
    assert isinstance(push, Push)
    record = push.record
    assert (record.cause_id, record.caused_at_ms, record.trigger, record.number) == ("the cause", AT, Trigger.BEHAVIOUR, 2)
    assert record.gates == tuple(Gate(gate.metric, True) for gate in ORDER)
    assert record.candidates[0] == push.item
    assert len(record.candidates) == 3
    assert dict(record.found_by_source) == {"interest": 3, "neighbour": 3, "fresh": 3}
    assert record.catalogue_version == 3


def test_the_log_keeps_the_share_of_decisions_that_the_policy_says_and_the_same_ones_every_time() -> None:
    kept = []
    for _ in range(2):
        person = ann(log__suppressed_share=0.1, triggers={"cart": 0})
        effects = [person.does("view", "item 0", event_id=f"event-{number}")[0] for number in range(3_000)]
        kept.append([number for number, effect in enumerate(effects) if isinstance(effect, Suppressed) and effect.record])
    assert kept[0] == kept[1]
    assert abs(len(kept[0]) - 300) < 4 * (3_000 * 0.1 * 0.9) ** 0.5


def test_the_log_of_a_nudge_says_that_it_was_one() -> None:
    person = ann(triggers={"cart": HOUR})
    person.does("cart", "item 0")
    (suppressed,) = person.is_nudged("item 0", AT + MINUTE, trigger=Trigger.BREAKING_NEWS)
    assert isinstance(suppressed, Suppressed)
    assert suppressed.record is not None
    assert suppressed.record.trigger == Trigger.BREAKING_NEWS


def test_with_a_decision_goes_the_wake_up_that_was_set_with_it_and_not_that_of_the_next_one() -> None:
    """What was due is decided first, and an hour chosen ahead; then what the signal brings, which waits for the hour of its own."""
    first, second, third = Suppressed(Reason.NO_CANDIDATE, AT), Suppressed(Reason.MIN_GAP, AT, AT + 9), Suppressed(Reason.PENDING, AT)
    effects = (first, Wake(AT + 5), second, Wake(AT + 9), third)
    assert [wake_set_with(each, effects) for each in (first, second, third)] == [AT + 5, AT + 9, 0]
    assert wake_set_with(first, (first, second, Wake(AT + 9))) == 0
