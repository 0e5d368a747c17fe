"""Consent per channel: pushes go over what is left, and where nothing is left there are none; the newest word on each channel counts."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.channels import EVERY_CHANNEL, allow, allowed_channels, is_any_allowed, set_channel
from flink_job.core.reasons import Reason
from flink_job.core.signals import Channel
from flink_job.core.state import new_user
from tests.core.catalogue_items import item
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf
from tests.core.policies import HOUR, MINUTE, plain_rules

AT = MONDAY_0930
FCM, WEB = int(Channel.FCM), int(Channel.WEB_PUSH)


def shopper(**changes: object) -> Person:
    return Person(shelf(item(f"item {number}") for number in range(5)), plain_rules(**changes))


def test_a_user_of_whom_nothing_was_told_may_be_reached_over_all() -> None:
    assert allowed_channels(new_user(2, AT)) == ()
    assert is_any_allowed(new_user(2, AT))


def test_what_a_user_agreed_to_replaces_what_they_agreed_to_before() -> None:
    ann = shopper()
    ann.changes(AT, channels=(FCM, WEB))
    assert allowed_channels(ann.state) == (WEB, FCM)
    ann.changes(AT + 1, channels=(FCM,))
    assert allowed_channels(ann.state) == (FCM,)
    ann.changes(AT + 2, channels=EVERY_CHANNEL)
    assert allowed_channels(ann.state) == ()


def test_who_agrees_to_no_channel_gets_no_push_until_they_agree_to_one() -> None:
    ann = shopper()
    ann.changes(AT, channels=())
    assert reasons(ann.does("search", at_ms=AT + MINUTE)) == [Reason.NO_CHANNEL]
    ann.changes(AT + 2 * MINUTE, channels=(FCM,))
    assert pushed(ann.does("search", at_ms=AT + HOUR))


def test_a_muted_channel_is_left_out_and_the_others_stay() -> None:
    ann = shopper()
    ann.does("search", at_ms=AT)
    ann.reports("channel_disabled", ann.pushes[0].command_id, AT + MINUTE, channel=FCM)
    assert not ann.state.opted_out
    assert set(allowed_channels(ann.state)) == set(EVERY_CHANNEL) - {FCM}
    ann.reports("subscribed", "", AT + 2 * MINUTE, channel=FCM)
    assert allowed_channels(ann.state) == ()


def test_a_channel_that_was_muted_is_followed_by_the_pause_of_a_dismissal() -> None:
    ann = shopper(gates__cool_down_ms=HOUR)
    ann.does("search", at_ms=AT)
    ann.reports("channel_disabled", ann.pushes[0].command_id, AT + MINUTE, channel=FCM)
    assert reasons(ann.does("search", at_ms=AT + 2 * MINUTE)) == [Reason.COOL_DOWN]


def test_who_muted_the_last_channel_left_gets_nothing_more() -> None:
    ann = shopper()
    ann.changes(AT, channels=(FCM,))
    ann.reports("channel_disabled", "", AT + MINUTE, channel=FCM)
    assert reasons(ann.does("search", at_ms=AT + HOUR)) == [Reason.NO_CHANNEL]


def test_without_a_channel_a_mute_is_one_of_them_all() -> None:
    ann = shopper()
    ann.reports("channel_disabled", "", AT)
    assert reasons(ann.does("search", at_ms=AT + HOUR)) == [Reason.OPTED_OUT]


@pytest.mark.parametrize("heard", ["delivered", "displayed", "opened", "dismissed"])
def test_a_user_without_a_device_is_reached_again_when_something_arrives(heard: str) -> None:
    ann = shopper()
    ann.does("search", at_ms=AT)
    ann.reports("no_device", ann.pushes[0].command_id, AT + MINUTE)
    assert reasons(ann.does("search", at_ms=AT + 2 * MINUTE)) == [Reason.UNREACHABLE]
    ann.reports(heard, ann.pushes[0].command_id, AT + 3 * MINUTE)
    assert pushed(ann.does("search", at_ms=AT + HOUR))


def test_one_address_that_is_no_longer_valid_says_nothing_of_the_other_devices() -> None:
    ann = shopper()
    ann.does("search", at_ms=AT)
    ann.reports("token_invalid", ann.pushes[0].command_id, AT + MINUTE, channel=FCM)
    assert pushed(ann.does("search", at_ms=AT + HOUR))


def test_the_newest_word_on_a_device_counts_in_whatever_order_they_arrive() -> None:
    words = [("no_device", AT), ("delivered", AT + MINUTE), ("no_device", AT + 2 * MINUTE), ("displayed", AT + 3 * MINUTE)]
    for some in range(1, 5):
        for order in permutations(words[:some]):
            ann = shopper()
            for outcome, at_ms in order:
                ann.reports(outcome, "none of ours", at_ms)
            assert ann.state.unreachable == (words[some - 1][0] == "no_device"), order


words = st.lists(
    st.one_of(
        st.tuples(st.just("all"), st.frozensets(st.sampled_from(EVERY_CHANNEL))),
        st.tuples(st.sampled_from(EVERY_CHANNEL), st.booleans()),
    ),
    max_size=8,
)


@given(words, st.randoms(use_true_random=False))
def test_the_newest_word_on_each_channel_counts_in_whatever_order_they_arrive(told: list[tuple[object, object]], random: object) -> None:
    """Derived by hand: for each channel, the last word in time that speaks of it."""
    expected = dict.fromkeys(EVERY_CHANNEL, True)
    for about, what in told:
        for channel in EVERY_CHANNEL if about == "all" else (about,):
            expected[channel] = channel in what if about == "all" else what  # type: ignore[index, operator, assignment]
    state = new_user(2, AT)
    order = list(enumerate(told, start=1))
    random.shuffle(order)  # type: ignore[attr-defined]
    for at_ms, (about, what) in order:
        if about == "all":
            allow(state, what, at_ms)  # type: ignore[arg-type]
        else:
            set_channel(state, about, at_ms, allowed=what)  # type: ignore[arg-type]
    assert {channel: not state.channels_off >> channel & 1 for channel in EVERY_CHANNEL} == expected
    assert is_any_allowed(state) == any(expected.values())


def test_a_state_from_before_there_was_a_channel_learns_of_it() -> None:
    state = new_user(2, AT)
    set_channel(state, FCM, AT, allowed=False)
    state.channel_at_ms = state.channel_at_ms[: 8 * FCM]
    set_channel(state, int(Channel.WEBHOOK), AT, allowed=False)
    assert len(state.channel_at_ms) == 8 * len(Channel)
    assert set(allowed_channels(state)) == set(EVERY_CHANNEL) - {FCM, Channel.WEBHOOK}
