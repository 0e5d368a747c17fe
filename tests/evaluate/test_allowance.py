"""At the pushes of another: never ahead, and not far behind if there is enough to send."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kairos.evaluate.allowance import Matched, Unlimited

HOUR_MS = 3_600_000
USERS = 40


def send_whenever_allowed(allowance: Matched, days: int, present: np.ndarray) -> list[int]:
    """``present``: (hours, users), who could be sent something; returns the total after every hour."""
    totals, total = [], 0
    for hour in range(24 * days):
        allowance.advance((hour + 1) * HOUR_MS)
        for user in allowance.among(np.flatnonzero(present[hour])).tolist():
            total += allowance.spend(user)
        totals.append(total)
    return totals


@given(st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_it_is_never_ahead_of_its_model(daily: int, seed: int) -> None:
    days = 5
    model = np.cumsum(np.full(days, daily))
    present = np.random.default_rng(seed).random((24 * days, USERS)) < 0.2
    totals = send_whenever_allowed(Matched(USERS, 0, model), days, present)
    assert all(total <= daily * (hour + 1) / 24 for hour, total in enumerate(totals))


def test_users_who_are_seldom_there_do_not_keep_it_from_sending_as_many() -> None:
    days, daily = 28, 20
    present = np.random.default_rng(1).random((24 * days, USERS)) < np.linspace(0.005, 0.5, USERS)
    totals = send_whenever_allowed(Matched(USERS, 0, np.cumsum(np.full(days, daily))), days, present)
    assert totals[-1] >= 0.95 * daily * days


def test_users_who_are_always_there_share_evenly() -> None:
    days, daily = 10, 20
    counts = np.zeros(USERS)
    allowance = Matched(USERS, 0, np.cumsum(np.full(days, daily)))
    for hour in range(24 * days):
        allowance.advance((hour + 1) * HOUR_MS)
        for user in allowance.among(np.arange(USERS)).tolist():
            counts[user] += allowance.spend(user)
    assert counts.max() - counts.min() <= 2  # 200 pushes for 40 users: five each, give or take what is in the air


def test_without_a_model_everybody_may_be_sent_anything() -> None:
    assert Unlimited().among(np.arange(3)).tolist() == [0, 1, 2]
    assert Unlimited().spend(0)
