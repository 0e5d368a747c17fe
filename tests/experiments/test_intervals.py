"""Half-widths and tail probabilities, against their definitions and printed tables."""

from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kairos.experiments.intervals import chi_square_survival, fixed_radius, sequence_radius


@pytest.mark.parametrize(
    ("statistic", "degrees", "probability"),
    [
        (3.841, 1, 0.05),
        (6.635, 1, 0.01),
        (10.828, 1, 0.001),
        (5.991, 2, 0.05),
        (7.815, 3, 0.05),
        (13.277, 4, 0.01),
        (18.307, 10, 0.05),
        (0.0, 5, 1.0),
    ],
)
def test_the_chi_square_tail_is_that_of_the_tables(statistic: float, degrees: int, probability: float) -> None:
    assert chi_square_survival(statistic, degrees) == pytest.approx(probability, rel=2e-3)


def test_the_radius_is_the_papers_formula() -> None:
    """With rho chosen so that s = t*rho² solves s = ln((1 + s)/alpha²); at alpha 0.05 that is s = 8.2 or so."""
    scaled = 8.0
    for _ in range(100):
        scaled = log((1 + scaled) / 0.05**2)
    assert sequence_radius(500, 0.05, 500) == pytest.approx(sqrt(2 * (scaled + 1) / (500 * scaled) * log(sqrt(scaled + 1) / 0.05)))
    later = 4 * scaled
    assert sequence_radius(2000, 0.05, 500) == pytest.approx(sqrt(2 * (later + 1) / (2000 * later) * log(sqrt(later + 1) / 0.05)))


def test_it_is_tightest_where_it_was_asked_to_be() -> None:
    radii = {at: sequence_radius(1000, 0.05, at) for at in (100, 300, 900, 1000, 1100, 3000, 10_000)}
    assert min(radii, key=lambda at: radii[at]) == 1000


@given(users=st.integers(2, 10**7), alpha=st.floats(1e-4, 0.4), tightest_at=st.integers(100, 10**6))
def test_to_look_as_often_as_one_likes_costs_width_and_never_the_reverse(users: int, alpha: float, tightest_at: int) -> None:
    assert sequence_radius(users, alpha, tightest_at) > fixed_radius(users, alpha) > 0
    assert sequence_radius(users, alpha / 2, tightest_at) > sequence_radius(users, alpha, tightest_at)
    assert sequence_radius(users + 1, alpha, tightest_at) < sequence_radius(users, alpha, tightest_at)
