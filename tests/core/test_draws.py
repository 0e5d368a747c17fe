"""Draws: the same on every machine, even, and independent between purposes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.draws import drawn, uniform


def test_a_draw_is_these_bits_on_every_machine() -> None:
    # BLAKE2b of the user, 8 bytes, salt = counter, person = purpose; its first 53 bits.
    assert uniform("anna", 7, "item").hex() == "0x1.ef760faa43dbap-1"
    assert uniform("", 0, "").hex() == "0x1.6964f2e8af414p-1"


def test_draws_are_even_and_independent_between_users_counters_and_purposes() -> None:
    draws = np.array(
        [[uniform(f"u{user}", counter, purpose) for user in range(100) for counter in range(100)] for purpose in ("item", "message")]
    )
    counts = np.histogram(draws[0], bins=20, range=(0, 1))[0]
    # 10,000 draws over 20 bins: χ² of 19 degrees of freedom is above 43.8 once in a thousand.
    assert ((counts - 500) ** 2 / 500).sum() < 43.8
    assert abs(np.corrcoef(draws)[0, 1]) < 4 / np.sqrt(10_000)


@pytest.mark.parametrize(("draw", "expected"), [(0.0, 1), (0.2499, 1), (0.25, 3), (0.999999, 3)])
def test_a_draw_falls_on_the_share_it_is_below(draw: float, expected: int) -> None:
    assert drawn(np.array([0.0, 1.0, 0.0, 3.0, 0.0]), draw) == expected


@given(
    st.lists(st.one_of(st.just(0.0), st.floats(1e-300, 1e300)), min_size=1, max_size=30).filter(any),
    st.one_of(st.floats(0, 1, exclude_max=True), st.just(1 - 2.0**-53)),
)
def test_a_share_of_nothing_is_never_drawn(shares: list[float], draw: float) -> None:
    assert shares[drawn(np.array(shares), draw)] > 0


@pytest.mark.parametrize("draw", [1.0, -0.1, float("nan")])
def test_what_is_no_draw_is_refused(draw: float) -> None:
    with pytest.raises(ValueError, match="a draw is from"):
        drawn(np.ones(2), draw)


@pytest.mark.parametrize("shares", [[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_what_are_no_shares_is_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="shares must be finite"):
        drawn(np.array(shares), 0.5)
