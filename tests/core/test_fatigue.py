"""Fatigue: a decayed sum of pushes and of what became of them, exact in any order; above its limit nothing is sent."""

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.fatigue import Fatigue
from flink_job.core.reasons import Reason
from flink_job.core.rules import FatigueRules
from flink_job.core.state import UserState, new_user
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf, wake_ups
from tests.core.policies import DAY, HOUR, MINUTE, plain_rules

AT = MONDAY_0930
HALF_LIFE = 3 * DAY
FATIGUE = Fatigue(FatigueRules(half_life_ms=HALF_LIFE, sent=1.0, dismissed=1.0, opened=-0.7, limit=4.0))


def tired(*what: tuple[float, int]) -> UserState:
    """What happened: (amount, moment)."""
    state = new_user(2, 0)
    for amount, at_ms in what:
        FATIGUE.add(state, amount, at_ms)
    return state


def shopper(**changes: object) -> Person:
    return Person(shelf(item(f"item {number}", features=unit([1, number])) for number in range(30)), plain_rules(**changes))


def test_a_rested_user_is_not_tired() -> None:
    assert FATIGUE.at(new_user(2, 0), AT) == 0.0


def test_what_tires_halves_in_a_half_life() -> None:
    state = tired((1.0, AT))
    for halves in (0, 1, 2, 0.5):
        assert FATIGUE.at(state, AT + round(halves * HALF_LIFE)) == pytest.approx(0.5**halves, rel=1e-12)


def test_worked_example() -> None:
    """Sent and dismissed now, sent and opened three days ago: 1 + 1 + (1 − 0.7) / 2 = 2.15."""
    state = tired((1.0, AT - HALF_LIFE), (-0.7, AT - HALF_LIFE), (1.0, AT), (1.0, AT))
    assert FATIGUE.at(state, AT) == pytest.approx(2.15, rel=1e-12)


def test_who_opens_much_is_never_less_than_rested() -> None:
    assert FATIGUE.at(tired((-0.7, AT)), AT) == 0.0
    assert FATIGUE.at(tired((-0.7, AT), (1.0, AT)), AT) == pytest.approx(0.3)


def test_the_past_before_all_that_was_heard_is_as_tired_as_the_first_moment_after_it() -> None:
    """A signal may come late; the sum is not decayed backwards."""
    assert FATIGUE.at(tired((1.0, AT)), AT - DAY) == 1.0


def test_every_order_of_arrival_gives_the_same_sum() -> None:
    happened = [(1.0, AT), (1.0, AT + DAY), (-0.7, AT + 2 * HOUR), (1.0, AT + 5 * DAY)]
    expected = sum(amount * 0.5 ** ((AT + 6 * DAY - at_ms) / HALF_LIFE) for amount, at_ms in happened)
    for order in permutations(happened):
        assert FATIGUE.at(tired(*order), AT + 6 * DAY) == pytest.approx(expected, rel=1e-12)


amounts = st.sampled_from([1.0, 1.0, -0.7])


@given(st.lists(st.tuples(amounts, st.integers(0, 40 * DAY)), max_size=12), st.randoms(use_true_random=False))
def test_it_is_the_sum_by_its_definition_in_any_order(happened: list[tuple[float, int]], rng: object) -> None:
    now_ms = 40 * DAY
    by_definition = math.fsum(amount * 2.0 ** (-(now_ms - at_ms) / HALF_LIFE) for amount, at_ms in happened)
    rng.shuffle(happened)  # type: ignore[attr-defined]  # hypothesis' own Random
    assert FATIGUE.at(tired(*happened), now_ms) == pytest.approx(max(by_definition, 0.0), rel=1e-9, abs=1e-12)


@given(st.lists(st.tuples(amounts, st.integers(0, DAY)), max_size=20), st.integers(0, 9 * DAY), st.integers(0, 9 * DAY))
def test_it_only_falls_while_nothing_happens(happened: list[tuple[float, int]], first_ms: int, more_ms: int) -> None:
    state = tired(*happened)
    assert FATIGUE.at(state, DAY + first_ms + more_ms) <= FATIGUE.at(state, DAY + first_ms)


@given(st.floats(4.0001, 1e6), st.integers(0, 10 * DAY))
def test_the_moment_at_which_it_will_have_fallen_to_the_limit_is_that_moment_to_the_millisecond(amount: float, later_ms: int) -> None:
    state = tired((amount, AT))
    opens_at_ms = FATIGUE.falls_to_limit_ms(state, AT + later_ms)
    at_limit = AT + HALF_LIFE * math.log2(amount / 4.0)
    assert opens_at_ms == pytest.approx(max(at_limit, AT + later_ms), abs=1.001)
    assert FATIGUE.falls_to_limit_ms(state, opens_at_ms) == opens_at_ms


def test_a_user_at_the_limit_gets_a_push_and_one_above_it_waits_until_they_are_at_it() -> None:
    """Four pushes at once make F = 4, a fifth 5; 5 falls to 4 in 3 d · log₂(5/4) = 23.18 h."""
    ann = shopper(fatigue__limit=4.0)
    assert all(pushed(ann.does("search", at_ms=AT)) for _ in range(5))
    effects = ann.does("search", at_ms=AT)
    assert reasons(effects) == [Reason.FATIGUE]
    (wake_ms,) = wake_ups(effects)
    assert wake_ms == AT + math.ceil(HALF_LIFE * math.log2(5 / 4))
    assert (wake_ms - AT) / HOUR == pytest.approx(23.18, abs=0.005)
    assert pushed(ann.wakes(wake_ms))


def test_a_dismissal_tires_and_an_open_rests() -> None:
    for outcome, fatigue in (("dismissed", 2.0), ("opened", 0.3), ("delivered", 1.0), ("converted", 1.0)):
        ann = shopper()
        ann.does("search", at_ms=AT)
        ann.reports(outcome, ann.pushes[0].command_id, AT)
        assert FATIGUE.at(ann.state, AT) == pytest.approx(fatigue), outcome


def test_a_report_that_was_heard_before_does_not_tire_twice() -> None:
    ann = shopper()
    ann.does("search", at_ms=AT)
    for _ in range(3):
        ann.reports("dismissed", ann.pushes[0].command_id, AT + MINUTE, event_id="the same")
    assert FATIGUE.at(ann.state, AT + MINUTE) == pytest.approx(2.0, rel=1e-3)
