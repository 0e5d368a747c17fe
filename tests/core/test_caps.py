"""Caps count exactly, in every window however it is laid; the gap is between any two pushes."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core import history
from flink_job.core.reasons import Reason
from flink_job.core.rules import Cap, Rules
from flink_job.core.state import DECIDED, FAILED, OPENED, UserState, new_user
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, moment, pushed, reasons, shelf, wake_ups
from tests.core.policies import DAY, HOUR, MINUTE, caps, plain_rules

AT = MONDAY_0930


def shopper(rules: Rules) -> Person:
    return Person(shelf(item(f"item {number}", features=unit([1, number])) for number in range(30)), rules)


def command(number: int) -> str:
    return f"{number + 1:016x}" * 2


def sent_at(*times_ms: int, failed: tuple[int, ...] = ()) -> UserState:
    state = new_user(2, AT)
    for number, at_ms in enumerate(times_ms):
        history.remember_push(state, number, command(number), at_ms, 64)
        if at_ms in failed:
            history.mark_push(state, command(number), FAILED)
    return state


def test_a_cap_with_room_is_open() -> None:
    assert history.cap_opens_at_ms(sent_at(AT, AT + 1), Cap(3, DAY)) == 0
    assert history.cap_opens_at_ms(sent_at(), Cap(1, DAY)) == 0


def test_a_full_cap_opens_when_the_first_of_the_last_pushes_leaves_the_window() -> None:
    assert history.cap_opens_at_ms(sent_at(AT, AT + HOUR, AT + 5 * HOUR), Cap(3, DAY)) == AT + DAY
    assert history.cap_opens_at_ms(sent_at(AT, AT + HOUR, AT + 5 * HOUR, AT + 6 * HOUR), Cap(3, DAY)) == AT + HOUR + DAY


def test_a_failed_push_does_not_count() -> None:
    state = sent_at(AT, AT + HOUR, AT + 2 * HOUR, failed=(AT + HOUR,))
    assert history.cap_opens_at_ms(state, Cap(3, DAY)) == 0
    assert history.cap_opens_at_ms(state, Cap(2, DAY)) == AT + DAY


@given(st.lists(st.integers(0, 20 * HOUR), max_size=12), st.integers(1, 4), st.integers(1, 8 * HOUR), st.integers(0, 30 * HOUR))
def test_a_cap_is_open_exactly_when_one_more_push_fits_into_the_window_that_ends_now(
    times: list[int], count: int, window_ms: int, now: int
) -> None:
    past = sorted(at for at in times if at <= now)
    is_open = history.cap_opens_at_ms(sent_at(*past), Cap(count, window_ms)) <= now
    in_window = [at for at in past if at > now - window_ms]
    assert is_open == (len(in_window) < count)


def test_the_third_push_of_a_day_goes_out_and_the_fourth_waits_until_the_first_is_a_day_old() -> None:
    ann = shopper(plain_rules(gates__caps=caps((3, DAY))))
    times = [AT, AT + HOUR, AT + 2 * HOUR]
    assert all(pushed(ann.does("search", at_ms=at)) for at in times)
    effects = ann.does("search", at_ms=AT + 3 * HOUR)
    assert reasons(effects) == [Reason.CAP]
    assert wake_ups(effects) == [AT + DAY]
    assert pushed(ann.wakes(AT + DAY))
    assert [push.decided_at_ms for push in ann.pushes] == [*times, AT + DAY]


def test_a_cap_is_a_rolling_window_and_no_calendar_day() -> None:
    """Three pushes before midnight close the cap after midnight too."""
    evening = moment("2026-03-02 23:50")
    ann = shopper(plain_rules(gates__caps=caps((3, DAY))))
    for minute in range(3):
        assert pushed(ann.does("search", at_ms=evening + minute * MINUTE))
    assert reasons(ann.does("search", at_ms=evening + 20 * MINUTE)) == [Reason.CAP]


def test_one_millisecond_before_the_window_ends_the_cap_is_closed() -> None:
    for early_ms, is_sent in ((1, False), (0, True)):
        ann = shopper(plain_rules(gates__caps=caps((1, DAY))))
        ann.does("search", at_ms=AT)
        assert bool(pushed(ann.does("search", at_ms=AT + DAY - early_ms))) == is_sent


def test_of_several_caps_the_one_that_opens_last_decides() -> None:
    ann = shopper(plain_rules(gates__caps=caps((1, HOUR), (2, 10 * HOUR))))
    ann.does("search", at_ms=AT)
    ann.does("search", at_ms=AT + 2 * HOUR)
    assert wake_ups(ann.does("search", at_ms=AT + 150 * MINUTE)) == [AT + 10 * HOUR]


def test_a_cap_that_opens_later_than_the_longest_deferral_drops_the_decision() -> None:
    ann = shopper(plain_rules(gates__caps=caps((1, 2 * DAY)), gates__longest_deferral_ms=DAY))
    ann.does("search", at_ms=AT)
    effects = ann.does("search", at_ms=AT + DAY - 1)
    assert reasons(effects) == [Reason.CAP]
    assert not wake_ups(effects)
    assert ann.state.pending is None
    assert wake_ups(ann.does("search", at_ms=AT + DAY)) == [AT + 2 * DAY]


def test_a_push_that_could_not_be_delivered_gives_its_place_back() -> None:
    ann = shopper(plain_rules(gates__caps=caps((1, DAY)), gates__min_gap_ms=HOUR))
    ann.does("search", at_ms=AT)
    ann.reports("failed", ann.pushes[0].command_id, AT + MINUTE)
    assert pushed(ann.does("search", at_ms=AT + 2 * MINUTE))
    assert reasons(ann.does("search", at_ms=AT + 3 * MINUTE)) == [Reason.MIN_GAP]


@pytest.mark.parametrize("seen_on_the_phone", ["delivered", "displayed", "opened", "converted", "dismissed"])
def test_a_push_that_reached_one_of_two_devices_counts_whichever_report_comes_first(seen_on_the_phone: str) -> None:
    for reports in ([seen_on_the_phone, "token_invalid"], ["token_invalid", seen_on_the_phone]):
        ann = shopper(plain_rules(gates__caps=caps((1, DAY))))
        ann.does("search", at_ms=AT)
        for report in reports:
            ann.reports(report, ann.pushes[0].command_id, AT + MINUTE)
        assert reasons(ann.does("search", at_ms=AT + HOUR)) == [Reason.CAP], reports


def test_pushes_that_fail_over_and_over_do_not_make_the_cap_forget_those_that_were_seen() -> None:
    rules = plain_rules(gates__caps=caps((2, DAY)), memory__sent_pushes=4)
    ann = shopper(rules)
    assert pushed(ann.does("search", at_ms=AT))
    for second in range(1, 10):
        assert pushed(ann.does("search", at_ms=AT + second))
        ann.reports("failed", ann.pushes[-1].command_id, AT + second)
    assert pushed(ann.does("search", at_ms=AT + 60))
    assert reasons(ann.does("search", at_ms=AT + 61)) == [Reason.CAP]


def test_the_gap_is_counted_from_the_last_push_to_the_millisecond() -> None:
    for early_ms, is_sent in ((1, False), (0, True)):
        ann = shopper(plain_rules(gates__min_gap_ms=4 * HOUR))
        ann.does("search", at_ms=AT)
        effects = ann.does("search", at_ms=AT + 4 * HOUR - early_ms)
        assert bool(pushed(effects)) == is_sent
        assert wake_ups(effects) == ([] if is_sent else [AT + 4 * HOUR])


def test_memory_of_pushes_drops_failed_ones_first_then_the_oldest() -> None:
    state = sent_at(AT, AT + 1, AT + 2, failed=(AT + 1,))
    history.remember_push(state, 9, "9" * 32, AT + 3, kept=3)
    assert state.sent_at_ms.tolist() == [AT, AT + 2, AT + 3]
    history.remember_push(state, 9, "9" * 32, AT + 4, kept=3)
    assert state.sent_at_ms.tolist() == [AT + 2, AT + 3, AT + 4]
    assert len(state.sent_item) == len(state.sent_command) == len(state.sent_status) == 3


def test_how_far_a_push_got_never_goes_back() -> None:
    state = sent_at(AT)
    assert history.mark_push(state, command(0), OPENED) == (0, DECIDED)
    assert history.mark_push(state, command(0), DECIDED) == (0, OPENED)
    assert state.sent_status == array("B", [OPENED])


@pytest.mark.parametrize("command_id", ["", "not hexadecimal", "-1", "0x1f", "٣", "f" * 400, "1" * 32])
def test_a_report_about_an_unknown_push_changes_nothing(command_id: str) -> None:
    state = sent_at(AT)
    assert history.mark_push(state, command_id, FAILED) == (-1, -1)
    assert state.sent_status.tolist() == [DECIDED]
