"""New users get fewer pushes: a gap of a day at first, half of it in the next phase, a third in the one after, down to that of all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.reasons import Reason
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf, wake_ups
from tests.core.policies import DAY, HOUR, default_rules, plain_rules

AT = MONDAY_0930
RAMP_UP = {"gates__min_gap_ms": 4 * HOUR, "gates__ramp_up_gap_ms": 24 * HOUR, "gates__ramp_up_phase_ms": 2 * DAY}


def newcomer(age_ms: int, **changes: object) -> Person:
    """Seen first `age_ms` before AT."""
    catalogue = shelf(item(f"item {number}", features=unit([1, number])) for number in range(9))
    return Person(catalogue, plain_rules(**{**RAMP_UP, **changes}), since_ms=AT - age_ms)


def gap_ms(age_ms: int, **changes: object) -> int:
    """How long a user of that age, of whom nothing more is heard, waits after a push."""
    ann = newcomer(age_ms, **changes)
    assert pushed(ann.does("search", at_ms=AT))
    (wake_ms,) = wake_ups(ann.does("search", at_ms=AT + 1))
    return wake_ms - AT


@pytest.mark.parametrize(
    ("age_ms", "hours"),
    [
        (0, 24),
        (2 * DAY - 1, 24),  # the second search is a millisecond later
        (2 * DAY, 12),
        (4 * DAY - 1, 12),
        (4 * DAY, 8),
        (6 * DAY, 6),
        (9 * DAY, 4.8),
        (10 * DAY, 4),
        (365 * DAY, 4),
    ],
)
def test_the_gap_shrinks_phase_by_phase_to_the_one_of_all(age_ms: int, hours: float) -> None:
    """`max(min_gap, ramp_up_gap / ⌈age / phase⌉)`; a user of exactly two days is in the first phase still."""
    assert gap_ms(age_ms) == hours * HOUR


def test_it_is_asked_anew_at_every_moment_and_so_may_open_earlier_than_it_said() -> None:
    """The push was on the last day of the first phase; twelve hours later the user is in the second, where twelve hours are enough."""
    ann = newcomer(2 * DAY - HOUR)
    ann.does("search", at_ms=AT)
    assert reasons(ann.does("search", at_ms=AT + HOUR)) == [Reason.MIN_GAP]
    ann.state.pending = None
    assert reasons(ann.does("search", at_ms=AT + 12 * HOUR - 1)) == [Reason.MIN_GAP]
    ann.state.pending = None
    assert pushed(ann.does("search", at_ms=AT + 12 * HOUR))


@pytest.mark.parametrize("off", [{"gates__ramp_up_gap_ms": 0}, {"gates__ramp_up_phase_ms": 0}, {"gates__ramp_up_gap_ms": HOUR}])
def test_without_it_all_users_have_the_same_gap(off: dict[str, int]) -> None:
    assert gap_ms(0, **off) == 4 * HOUR


def test_the_first_push_does_not_wait() -> None:
    assert pushed(newcomer(0).does("search", at_ms=AT))


def test_a_push_that_failed_does_not_count() -> None:
    ann = newcomer(0)
    ann.does("search", at_ms=AT)
    ann.reports("failed", ann.pushes[0].command_id, AT + 1)
    assert pushed(ann.does("search", at_ms=AT + 2))


@given(st.integers(0, 40 * DAY), st.integers(0, 40 * DAY))
def test_an_older_user_never_waits_longer(one: int, other: int) -> None:
    younger, older = sorted((one, other))
    assert default_rules().gates.min_gap_ms <= gap_ms(older) <= gap_ms(younger) <= default_rules().gates.ramp_up_gap_ms
