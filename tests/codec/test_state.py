"""User states as versioned bytes: what is written is read, and its size has a bound."""

from array import array
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.codec.state import VERSION, StateCodec, UnknownStateVersion, most_bytes
from flink_job.core.index.columns import SCENARIO_COUNT
from flink_job.core.reasons import Reason
from flink_job.core.rules import MemoryRules
from flink_job.core.signals import LONGEST_WORD, MOST_WORDS, Channel, Signal
from flink_job.core.state import EVERY, Floats, PendingWake, Sums, UserState, new_user
from flink_job.core.wordings import MOST_ROUNDS, ROUND_BYTES
from kairos.v1 import state_pb2
from tests.core.lives import ITEMS, Wakes, histories, live, signals
from tests.core.person import MONDAY_0930, Person, shelf
from tests.core.policies import DAY, changed, default_rules, plain_rules
from tests.core.test_properties import CATALOGUE, DIM, eager_rules

CODEC = StateCodec(DIM)


def same(one: Any, other: Any) -> bool:
    """Equal to the bit, arrays too."""
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())
    if is_dataclass(one):
        return type(one) is type(other) and all(same(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(each, other[key]) for key, each in one.items())
    if isinstance(one, array):
        return bool(one.typecode == other.typecode and one.tobytes() == other.tobytes())
    return bool(one == other)


def block(value: float) -> Floats:
    """Sums of interest, all of them this number."""
    return np.full((2, DIM + 1), value, np.float32)


def full_state() -> UserState:
    """Every field has a value that is not its default, so that one that is not written shows."""
    return UserState(
        interest=np.arange(2 * (DIM + 1), dtype=np.float32).reshape(2, DIM + 1),
        first_seen_ms=1,
        last_signal_ms=2,
        signals=3,
        decisions=4,
        interest_at_ms=5,
        interest_of=2,
        interest_elsewhere={0: Sums(block(43), 44), 3: Sums(block(45), -46)},
        recent_item=array("Q", [6, 2**64 - 1]),
        recent_at_ms=array("q", [7, -8]),
        recent_weight=array("f", [0.5, -9.0]),
        recent_flags=array("B", [15, 0]),
        unfolded_item=array("Q", [10]),
        unfolded_at_ms=array("q", [11]),
        unfolded_weight=array("f", [12.0]),
        seen_events=b"12345678",
        sent_at_ms=array("q", [13]),
        sent_item=array("Q", [14]),
        sent_command=array("Q", [15]),
        sent_status=array("B", [5]),
        sent_trigger=array("B", [2]),
        sent_category=array("i", [-(2**31)]),
        sent_creator=array("i", [2**31 - 1]),
        sent_template=array("i", [-34]),
        bought_item=array("Q", [16]),
        bought_at_ms=array("q", [17]),
        pending=PendingWake(18, "quiet_hours", "event-1", 19, 4, 20, 0.5, 21, 29, 0.75),
        dismissed_at_ms=22,
        dismissals=23,
        opted_out=True,
        unreachable=True,
        consent_at_ms=24,
        reachable_at_ms=25,
        context_at_ms=26,
        time_zone="Europe/Berlin",
        country="DE",
        locale="de",
        scored_at_ms=27,
        active_at_ms=30,
        fatigue=-0.1,
        fatigue_at_ms=31,
        followed=array("Q", [2**64 - 1, 32]),
        purposes=(),
        birth_year=1990,
        segments=("vip", "été"),
        purposes_at_ms=33,
        birth_year_at_ms=35,
        segments_at_ms=36,
        channels_off=0b1111110,
        channel_at_ms=b"abcdefgh" * 6,
        open_rounds=b"r" * ROUND_BYTES,
        told_until_ms=37,
        activity_slot=array("B", [0, 167]),
        activity=array("f", [38.0, 39.0]),
        outcome_slot=array("B", [40]),
        outcomes=array("f", [3.0, 2.0, 1.0]),
        slots_at_ms=41,
        visit_at_ms=42,
    )


def test_every_field_is_written_and_read() -> None:
    state = full_state()
    empty = new_user(DIM, 0)
    for each in fields(UserState):
        assert not same(getattr(state, each.name), getattr(empty, each.name)), f"give {each.name} a value above"
    assert same(CODEC.decode(CODEC.encode(state)), state)


@pytest.mark.parametrize("purposes", [None, (), ("marketing",), ("marketing", "alcohol")])
def test_a_user_who_was_not_asked_is_not_one_who_agreed_to_nothing(purposes: tuple[str, ...] | None) -> None:
    state = full_state()
    state.purposes = purposes
    assert CODEC.decode(CODEC.encode(state)).purposes == purposes
    assert CODEC.decode(CODEC.encode(state)).segments == state.segments


def test_every_part_of_what_waits_is_written_and_read() -> None:
    pending = full_state().pending
    assert pending is not None
    empty = PendingWake(0, "", "", 0, 0, 0, 0.0)
    for each in fields(PendingWake):
        assert getattr(pending, each.name) != getattr(empty, each.name), f"give {each.name} a value above"


def test_a_new_user_is_read_as_written() -> None:
    assert same(CODEC.decode(CODEC.encode(new_user(DIM, MONDAY_0930))), new_user(DIM, MONDAY_0930))


@given(histories)
def test_whatever_happened_is_read_as_written(history: list[Signal | Wakes]) -> None:
    ann = Person(shelf(CATALOGUE, DIM), eager_rules())
    live(ann, history)
    read = CODEC.decode(CODEC.encode(ann.state))
    assert same(read, ann.state)
    assert CODEC.encode(read) == CODEC.encode(ann.state)


def test_scenarios_are_written_in_their_order_whichever_came_first() -> None:
    state, other = full_state(), full_state()
    other.interest_elsewhere = dict(reversed(other.interest_elsewhere.items()))
    assert CODEC.encode(state) == CODEC.encode(other)


def test_a_user_of_one_kind_of_item_pays_three_bytes_for_there_being_others() -> None:
    """The number of the scenario; from 15 on, a field of protobuf has a tag of two bytes."""
    state = new_user(DIM, MONDAY_0930)
    before = len(CODEC.encode(state))
    state.interest_of = 1
    assert len(CODEC.encode(state)) == before + 3


def test_a_state_from_before_there_was_one_for_each_scenario_has_an_interest_that_stands_for_every_one() -> None:
    state = full_state()
    message = state_pb2.UserState.FromString(CODEC.encode(state)[1:])
    for field in ("interest_of", "interest_elsewhere", "interest_elsewhere_of", "interest_elsewhere_at_ms"):
        message.ClearField(field)  # type: ignore[arg-type]  # the names are above
    read = CODEC.decode(bytes([VERSION]) + message.SerializeToString())
    assert (read.interest_of, read.interest_elsewhere) == (EVERY, {})
    assert same(read.interest, state.interest)


def test_a_state_that_was_read_can_be_changed_without_changing_its_bytes() -> None:
    blob = CODEC.encode(full_state())
    state = CODEC.decode(blob)
    state.interest += 1
    for sums in state.interest_elsewhere.values():
        sums.sums[:] = 0
    state.recent_item.append(1)
    assert same(CODEC.decode(blob), full_state())


def test_a_state_of_a_newer_release_is_refused_by_name() -> None:
    for version in (0, VERSION + 1, 255):
        with pytest.raises(UnknownStateVersion, match=f"user state has version {version}, this release reads up to {VERSION}"):
            CODEC.decode(bytes([version]) + CODEC.encode(full_state())[1:])


def test_after_a_change_of_the_feature_dimension_interest_starts_anew_and_all_else_stays() -> None:
    changed_to = StateCodec(DIM + 3).decode(CODEC.encode(full_state()))
    assert changed_to.interest.tolist() == np.zeros((2, DIM + 4)).tolist()
    assert changed_to.interest_elsewhere == {}
    changed_to.interest, changed_to.interest_elsewhere = full_state().interest, full_state().interest_elsewhere
    assert same(changed_to, full_state())


def test_fields_of_a_newer_release_are_skipped() -> None:
    message = state_pb2.UserState.FromString(CODEC.encode(full_state())[1:])
    newer = bytes([VERSION]) + message.SerializeToString() + b"\xfa\x3f\x03new"
    assert same(CODEC.decode(newer), full_state())


@given(st.lists(signals(st.text(min_size=1, max_size=32), st.sampled_from([*ITEMS, "🫖" * 32])), max_size=60), st.integers(1, 6))
def test_no_history_makes_a_state_larger_than_its_bound(history: list[Signal], kept: int) -> None:
    rules = changed(plain_rules(triggers={"view": 0, "search": DAY}), {f"memory.{each.name}": kept for each in fields(MemoryRules)})
    ann = Person(shelf(CATALOGUE[:6], DIM), rules)
    bound = most_bytes(rules.memory, DIM, max_id_bytes=128)
    for number, step in enumerate(history):
        ann.takes(step, MONDAY_0930 + number, MONDAY_0930 + number)
        assert len(CODEC.encode(ann.state)) <= bound


@pytest.mark.parametrize("max_id_bytes", [4, 128, 512])
def test_the_longest_of_everything_fits_and_the_bound_is_no_wild_guess(max_id_bytes: int) -> None:
    """Full memories, the longest ids and texts, the largest numbers: at most what `most_bytes` says, and most of it."""
    memory = default_rules().memory
    state = new_user(DIM, 2**62)
    for name, length, item in (
        ("recent_item", memory.recent_items, 2**64 - 1),
        ("unfolded_item", memory.unfolded_items, 2**64 - 1),
        ("sent_item", memory.sent_pushes, 2**64 - 1),
        ("sent_command", memory.sent_pushes, 2**64 - 1),
        ("bought_item", memory.bought_items, 2**64 - 1),
        ("followed", memory.followed_creators, 2**64 - 1),
    ):
        setattr(state, name, array("Q", [item] * length))
    state.recent_at_ms = array("q", [-1] * memory.recent_items)
    state.recent_weight = array("f", [1.0] * memory.recent_items)
    state.recent_flags = array("B", [15] * memory.recent_items)
    state.unfolded_at_ms = array("q", [-1] * memory.unfolded_items)
    state.unfolded_weight = array("f", [1.0] * memory.unfolded_items)
    state.sent_at_ms = array("q", [-1] * memory.sent_pushes)
    state.sent_status = array("B", [5] * memory.sent_pushes)
    state.sent_trigger = array("B", [12] * memory.sent_pushes)
    state.sent_category = state.sent_creator = state.sent_template = array("i", [-(2**31)] * memory.sent_pushes)
    state.bought_at_ms = array("q", [-1] * memory.bought_items)
    state.seen_events = b"\xff" * 8 * memory.seen_events
    cause = max("🫖" * (max_id_bytes // 4), f"{'t' * 249}/{2**31 - 1}/{2**63 - 1}", key=lambda text: len(text.encode()))
    state.pending = PendingWake(-1, "x" * 32, cause, -1, 12, 2**64 - 1, -1.0, -1, 2**64 - 1, -1.0)
    state.activity_slot = state.outcome_slot = array("B", range(168))
    state.activity, state.outcomes = array("f", [1.0] * 168), array("f", [1.0] * 3 * 168)
    state.purposes = state.segments = ("🫖" * LONGEST_WORD,) * MOST_WORDS
    state.channels_off, state.channel_at_ms = 0b1111110, b"\xff" * 8 * len(Channel)
    state.open_rounds = b"\xff" * MOST_ROUNDS * ROUND_BYTES
    state.fatigue = -1.0
    state.interest_of = 0
    state.interest_elsewhere = {scenario: Sums(state.interest, -1) for scenario in range(1, SCENARIO_COUNT)}
    state.time_zone, state.country, state.locale = "🫖" * 64, "🫖" * 2, "🫖" * 35
    state.opted_out = state.unreachable = True
    for name in ("last_signal_ms", "signals", "decisions", "interest_at_ms", "dismissed_at_ms", "consent_at_ms", "reachable_at_ms"):
        setattr(state, name, -1)
    for name in ("dismissals", "scored_at_ms", "context_at_ms", "active_at_ms", "fatigue_at_ms", "birth_year"):
        setattr(state, name, -1)
    for name in ("purposes_at_ms", "birth_year_at_ms", "segments_at_ms", "told_until_ms", "slots_at_ms", "visit_at_ms"):
        setattr(state, name, -1)
    size, bound = len(CODEC.encode(state)), most_bytes(memory, DIM, max_id_bytes)
    assert 0.9 * bound < size <= bound


def test_no_reason_for_a_wake_up_has_a_longer_name_than_the_bound_allows_for() -> None:
    assert max(len(reason.metric) for reason in Reason) <= 32


def test_a_shopper_of_many_days_takes_about_a_kilobyte() -> None:
    """What `docs/state.md` says of a typical user, at 64 features: a dozen items, some pushes."""
    ann = Person(shelf(CATALOGUE, DIM), eager_rules())
    for day in range(14):
        for number in range(3):
            ann.does("view", ITEMS[(day + number) % 12], MONDAY_0930 + day * DAY + number)
    ann.state.interest = np.ones((2, 65), np.float32)
    assert 1_000 < len(StateCodec.encode(ann.state)) < 2_000
