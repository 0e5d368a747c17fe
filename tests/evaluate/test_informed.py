"""Kairos with the truth about one thing: what it is told is true, and it is better for it."""

import numpy as np
import pytest

from kairos.evaluate.comparison import Comparison
from kairos.evaluate.plan import START_MS
from kairos.evaluate.policies.informed import Fact, Told
from kairos.evaluate.worlds import WORLDS, settings_of
from kairos.world import World

HOUR_MS = 3_600_000


@pytest.mark.parametrize("name", WORLDS)
def test_item_hour_and_user_together_are_the_probabilities_of_the_world(name: str) -> None:
    world = World(settings_of(name, seed=3, start_ms=START_MS, users=20, items=40, scenario="mixed"))
    world.advance(START_MS + 7 * HOUR_MS)
    now_ms, told = START_MS + 7 * HOUR_MS, Told(world, frozenset(Fact))
    items = world.items.live(now_ms)
    for told.user in range(20):
        users, now = np.array([told.user]), np.array([now_ms])
        if not world.truth.reachable(users, now)[0]:
            continue
        opening, converting = told.curves()[:, int(world.truth.local_hours(users, now)[0])]
        odds_open, odds_convert = told.odds(items, now_ms)
        expected = world.truth.open_probability(users, items, now), world.truth.conversion_probability(users, items, now)
        for odds, factor, probability in (
            (odds_open, opening * told.response(), expected[0]),
            (odds_convert, converting, expected[1]),
        ):
            assert odds * factor / (1 + odds * factor) == pytest.approx(probability, rel=1e-3, abs=1e-6)


def test_the_mean_user_opens_as_the_mean_user_does() -> None:
    world = World(settings_of("default", seed=3, start_ms=START_MS, users=50, items=40, scenario="mixed"))
    told = Told(world, frozenset({Fact.USERS}))
    responses = []
    for told.user in range(50):
        responses.append(told.response())
    assert np.mean(responses) == pytest.approx(1.0)


def test_who_knows_the_hours_sends_nearer_to_the_best_one(comparison: Comparison) -> None:
    assert comparison.estimate("true-hours", "hour_error").mean < comparison.estimate("kairos", "hour_error").mean - 0.5
