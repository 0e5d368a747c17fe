"""When events are due, on a clock that only the replay moves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kairos.logs.durations import duration_ms, in_words
from kairos.logs.pacing import AtOnce, ByRate, BySpeed, due_slices
from tests.logs.fakes import FakeClock

START_MS, FIRST_MS = 1_800_000_000_000, 1_500_000_000_000


def at(*offsets_ms: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return FIRST_MS + np.array(offsets_ms, np.int64)


def test_at_sixty_times_life_a_minute_of_the_log_takes_a_second() -> None:
    due_ms = BySpeed(START_MS, FIRST_MS, 60).due_ms(at(0, 60_000, 3_600_000), sent=0)
    assert due_ms is not None
    assert (due_ms - START_MS).tolist() == [0, 1_000, 60_000]


def test_a_row_behind_its_time_goes_out_with_the_one_before_it() -> None:
    due_ms = BySpeed(START_MS, FIRST_MS, 1).due_ms(at(-50, 100, 40, 200), sent=0)
    assert due_ms is not None
    assert (due_ms - START_MS).tolist() == [0, 100, 100, 200]


def test_at_a_rate_the_logs_rhythm_does_not_matter_and_batches_join() -> None:
    pace = ByRate(START_MS, 4_000)
    first, second = pace.due_ms(at(*range(8)), sent=0), pace.due_ms(at(*range(8)), sent=8)
    assert first is not None
    assert second is not None
    assert (np.concatenate([first, second]) - START_MS).tolist() == [n // 4 for n in range(16)]


def test_moments_of_the_log_lie_where_their_events_lie() -> None:
    pace = BySpeed(START_MS, FIRST_MS, 60)
    due_ms = pace.due_ms(at(0, 90_000), sent=0)
    assert due_ms is not None
    assert pace.moment_ms(FIRST_MS + 90_000) == due_ms[1]
    assert ByRate(START_MS, 1).moment_ms(FIRST_MS) == AtOnce().moment_ms(FIRST_MS) == 0


@given(st.lists(st.integers(0, 5_000), max_size=300).map(sorted))
def test_no_event_goes_before_it_is_due_nor_more_than_a_moment_after(offsets: list[int]) -> None:

    clock = FakeClock(START_MS)
    due_ms = START_MS + np.array(offsets, np.int64)
    sent: list[int] = []
    for start, end, now_ms in due_slices(due_ms, len(due_ms), clock):
        assert (due_ms[start:end] <= now_ms).all()
        assert (now_ms - due_ms[start:end] <= 1).all()
        sent += range(start, end)
    assert sent == list(range(len(offsets)))


def test_at_once_nothing_is_slept_and_nothing_is_lost(clock: FakeClock) -> None:
    slices = [(start, end) for start, end, _now in due_slices(None, 5_000, clock)]
    assert slices == [(0, 2_000), (2_000, 4_000), (4_000, 5_000)]
    assert clock.slept == []


@pytest.mark.parametrize(
    ("text", "ms"), [("2d", 172_800_000), ("1.5 h", 5_400_000), ("90s", 90_000), ("0", 0), ("250ms", 250), ("10min", 600_000)]
)
def test_durations_are_read_as_people_write_them(text: str, ms: int) -> None:
    assert duration_ms(text) == ms
    assert duration_ms(in_words(ms)) == ms


@pytest.mark.parametrize("text", ["", "two days", "5", "3 fortnights", "-1h"])
def test_what_is_no_duration_says_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match="such as 2d or 90s"):
        duration_ms(text)
