"""The baselines score items as the shipped core does."""

import numpy as np
import pytest

from flink_job.config.load import parse_config
from flink_job.core.interest import Interest
from flink_job.core.recents import Recents
from flink_job.core.state import new_user
from kairos.evaluate.seen import Seen
from kairos.evaluate.taste import Taste
from kairos.world import World, WorldSettings
from kairos.world.columns import NOBODY

MONDAY_MS = 1_772_409_600_000
STEP_MS = 300_000
DAY_MS = 86_400_000


@pytest.mark.parametrize("scenario", ["shop", "mixed"])
def test_scores_are_those_of_the_core(scenario: str) -> None:
    config = parse_config({})
    rules, dim = config.policy, config.catalogue.feature_dim
    world = World(WorldSettings(seed=5, start_ms=MONDAY_MS, users=20, items=60, scenario=scenario))
    seen = Seen(world, dim)
    taste = Taste(20, rules, seen)
    interest, recents = Interest(rules.interest), Recents(rules.affinity, rules.memory.recent_items)
    states = [new_user(dim, MONDAY_MS) for _ in range(20)]
    weights = {name.upper(): weight for name, weight in rules.interest.weights.items()}
    touched = np.zeros(20, int)
    now_ms = MONDAY_MS
    for now_ms in range(MONDAY_MS + STEP_MS, MONDAY_MS + 3 * DAY_MS, STEP_MS):
        chapter = world.advance(now_ms)
        seen.take(chapter)
        taste.observe(chapter.interactions, now_ms)
        for event in world.tell(chapter):
            weight = weights.get(event.type.name, 0.0) if hasattr(event, "session_id") and event.item_id else 0.0
            if weight:
                user, item = world.user_row(event.profile.user_id), world.item_row(event.item_id)
                assert user is not None
                assert item is not None
                touched[user] += 1
                features, kind = np.append(seen.features[item], np.float32(1)), int(seen.scenario[item])
                interest.observe(states[user], features, weight, event.occurred_at_ms, kind)
                recents.observe(states[user], item + 1, int(event.type), weight, event.occurred_at_ms)
    offered = seen.offered(now_ms)
    user = int(touched.argmax())
    assert touched[user] > 10
    tastes = interest.tastes(states[user])
    expected = np.array([seen.features[item] @ tastes.of(int(seen.scenario[item])) for item in offered.tolist()])
    for place, key in enumerate(states[user].recent_item):
        expected[offered == key - 1] += np.float32(rules.affinity.alpha * recents.affinity(states[user], place, now_ms))
    assert taste.scores(user, offered, now_ms) == pytest.approx(expected, abs=1e-4)


def test_nothing_is_offered_that_is_gone_or_sold_out() -> None:
    world = World(WorldSettings(seed=5, start_ms=MONDAY_MS, users=50, items=80))
    seen = Seen(world, 16)
    for now_ms in range(MONDAY_MS + STEP_MS, MONDAY_MS + 2 * DAY_MS, STEP_MS):
        seen.take(world.advance(now_ms))
    offered = seen.offered(now_ms)
    assert len(offered) > 40
    assert set(offered.tolist()) <= set(world.items.live(now_ms).tolist())
    assert not world.items.sold_out[offered].any()


def test_an_item_that_was_sent_bought_or_just_looked_at_is_not_sent() -> None:
    config = parse_config({})
    world = World(WorldSettings(seed=5, start_ms=MONDAY_MS, users=50, items=80, scenario="shop"))
    seen = Seen(world, 16)
    taste = Taste(50, config.policy, seen)
    now_ms = MONDAY_MS
    while True:
        now_ms += STEP_MS
        events = world.advance(now_ms).interactions
        taste.observe(events, now_ms)
        looked = events[events["item"] != NOBODY]
        if len(looked):
            break
    user, item = int(looked["user"][-1]), int(looked["item"][-1])
    assert not taste.may_be_sent(user, item, now_ms)
    later_ms = now_ms + config.policy.items.seen_for_ms
    assert taste.may_be_sent(user, item, later_ms)
    taste.sent(user, item, later_ms)
    assert not taste.may_be_sent(user, item, later_ms + config.policy.items.repeat_after_ms - 1)
    assert taste.may_be_sent(user, item, later_ms + config.policy.items.repeat_after_ms)
