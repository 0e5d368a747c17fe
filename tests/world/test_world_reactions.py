"""What becomes of pushes: what is opened and why, what tires, what is the last straw."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from flink_job.core.signals import InteractionType as Type
from flink_job.core.signals import Outcome
from kairos.world import Delivery, Feedback, Interaction, Push, World
from kairos.world.behaviour import Behaviour

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def undisturbed(**changes: float) -> Behaviour:
    """People who come only when they are pushed: quick, and nothing else moves."""
    behaviour = Behaviour()
    browsing = {scenario: replace(each, sessions_per_day=0.0) for scenario, each in behaviour.browsing.items()}
    return replace(behaviour, browsing=browsing, **changes)


def push_all(world: World, items: np.ndarray, at_ms: int, name: str) -> None:
    """One push to every user."""
    for user, item in enumerate(items.tolist()):
        assert world.deliver(Push(f"{name}-{user}", f"user-{user:06d}", (world.items.ids[item],)), at_ms) is Delivery.SCHEDULED


def outcomes(world: World, until_ms: int) -> Counter[str]:
    return Counter(report.outcome.name for report in world.advance(until_ms).reports)


def best_and_random(world: World, at_ms: int) -> tuple[np.ndarray, np.ndarray]:
    """For each user the item they like best of sixty, and a random one."""
    rng = np.random.default_rng(1)
    live = world.items.live(at_ms)
    seen = rng.choice(live, (world.people.n, 60))
    match = world.truth.match(np.arange(world.people.n)[:, None], seen)
    return seen[np.arange(world.people.n), match.argmax(axis=1)], seen[:, 0]


@pytest.mark.parametrize("scenario", ["shop", "news", "social"])
def test_pushes_that_meet_the_taste_are_opened_more(make_world, monday_ms, scenario: str) -> None:
    opened = []
    for choice in (0, 1):
        world = make_world(users=4_000, items=600, scenario=scenario, behaviour=undisturbed())
        items = best_and_random(world, monday_ms)[choice]
        push_all(world, items, monday_ms, "p")
        opened.append(outcomes(world, monday_ms + 3 * DAY_MS)["OPENED"])
    assert opened[0] > 1.5 * opened[1] > 0


def test_pushes_are_opened_as_often_as_the_truth_says(make_world, monday_ms) -> None:
    world = make_world(users=6_000, behaviour=undisturbed(offline=0.0))
    items, _ = best_and_random(world, monday_ms)
    chances = world.truth.open_probability(np.arange(6_000), items, np.full(6_000, monday_ms + 1_000))
    push_all(world, items, monday_ms, "p")
    opened = outcomes(world, monday_ms + 3 * DAY_MS)["OPENED"]
    spread = np.sqrt((chances * (1 - chances)).sum())
    assert abs(opened - chances.sum()) < 4 * spread


def test_the_same_push_is_opened_most_at_the_users_best_hour(make_world, monday_ms) -> None:
    world = make_world(users=400, scenario="shop", behaviour=undisturbed(joins_later=0.0))
    users, items = np.arange(400), best_and_random(world, monday_ms)[0]
    week = monday_ms + HOUR_MS * np.arange(168)[:, None]
    chances = world.truth.open_probability(users, items, week)
    assert (chances.argmax(axis=0) == world.truth.opening_hour(users, week).argmax(axis=0)).all()
    assert np.median(chances.max(axis=0) / chances.min(axis=0)) > 2.5


def test_fatigue_lowers_opens_and_wears_off(make_world, monday_ms) -> None:
    world = make_world(users=200, scenario="shop", behaviour=undisturbed(opt_out_per_push=0.0, offline=0.0))
    users, day = np.arange(200), np.full(200, monday_ms + DAY_MS)
    other = best_and_random(world, monday_ms)[0]
    rested = world.truth.open_probability(users, other, day)
    rng = np.random.default_rng(2)
    for hour in range(24):
        push_all(world, rng.choice(world.items.live(monday_ms), 200), monday_ms + hour * HOUR_MS, f"h{hour}")
        world.advance(monday_ms + (hour + 1) * HOUR_MS)
    assert (world.truth.fatigue(users, day) > 10).mean() > 0.8
    never_shown = world.people.shown.when(users, other) < 0
    tired = world.truth.open_probability(users, other, day)
    assert (tired < 0.3 * rested)[never_shown & (rested > 0)].all()
    later = world.truth.fatigue(users, day + 6 * DAY_MS)
    assert later == pytest.approx(world.truth.fatigue(users, day) / 4)  # halves every three days
    assert world.truth.fatigue(users, day + 60 * DAY_MS).max() < 0.01


def test_what_was_pushed_before_is_opened_less_and_tires_more(make_world, monday_ms) -> None:
    world = make_world(users=200, behaviour=undisturbed(open_per_fatigue=0.0, offline=0.0))
    users, items = np.arange(200), best_and_random(world, monday_ms)[0]
    when = np.full(200, monday_ms + HOUR_MS)
    first = world.truth.open_probability(users, items, when)
    push_all(world, items, monday_ms, "p")
    world.advance(monday_ms + HOUR_MS)
    again = world.truth.open_probability(users, items, when)
    assert (again[first > 0] < first[first > 0]).all()


def test_after_an_opt_out_nothing_is_shown_and_life_goes_on(make_world, monday_ms) -> None:
    eager = replace(Behaviour(), opt_out_per_push=0.05, leaves_altogether=0.0)
    world = make_world(users=150, behaviour=eager)
    rng = np.random.default_rng(3)
    out: dict[str, int] = {}
    does_something_later: set[str] = set()
    for hour in range(72):
        push_all(world, rng.choice(world.items.live(monday_ms + hour * HOUR_MS), 150), monday_ms + hour * HOUR_MS, f"h{hour}")
        for event in world.step(monday_ms + (hour + 1) * HOUR_MS):
            if isinstance(event, Feedback):
                user = event.profile.user_id
                if event.outcome in (Outcome.DISPLAYED, Outcome.OPENED, Outcome.DELIVERED):
                    assert event.occurred_at_ms <= out.get(user, event.occurred_at_ms) + 1
                if event.outcome is Outcome.UNSUBSCRIBED:
                    assert user not in out
                    out[user] = event.occurred_at_ms
            elif isinstance(event, Interaction) and event.profile.user_id in out:
                does_something_later.add(event.profile.user_id)
    assert len(out) > 100
    assert len(does_something_later) > 0.5 * len(out)
    refused = outcomes(world, monday_ms + 100 * HOUR_MS)
    assert refused["DISPLAYED"] < refused["ACCEPTED"] + 150


def test_who_leaves_altogether_does_nothing_more_but_send_back(make_world, monday_ms) -> None:
    furious = replace(Behaviour(), opt_out_per_push=0.5, leaves_altogether=1.0)
    world = make_world(users=300, scenario="shop", behaviour=furious)
    told: list[object] = []
    for round_ in range(10):
        push_all(world, np.full(300, round_), monday_ms + round_ * HOUR_MS, f"r{round_}")
        told += world.step(monday_ms + (round_ + 1) * HOUR_MS)
    told += world.step(monday_ms + 10 * DAY_MS)
    left = world.people.left_ms
    assert (left < monday_ms + 10 * DAY_MS).mean() > 0.8
    for event in told:
        if isinstance(event, Interaction) and event.type is not Type.RETURN:
            assert event.occurred_at_ms < left[world.user_row(event.profile.user_id)]
    assert not [event for event in told if isinstance(event, Feedback) and event.outcome is Outcome.UNSUBSCRIBED]
    assert [event for event in told if isinstance(event, Feedback) and event.outcome is Outcome.TOKEN_INVALID]


def test_a_command_is_reacted_to_once(make_world, monday_ms) -> None:
    world = make_world()
    push = Push("same", "user-000001", (world.items.ids[0],))
    assert [world.deliver(push, monday_ms) for _ in range(3)] == [Delivery.SCHEDULED, Delivery.DUPLICATE, Delivery.DUPLICATE]
    assert outcomes(world, monday_ms + DAY_MS)["ACCEPTED"] == 1


def test_pushes_that_concern_nobody_here_are_refused(make_world, monday_ms) -> None:
    world = make_world()
    item = world.items.ids[0]
    assert world.deliver(Push("a", "somebody", (item,)), monday_ms) is Delivery.REFUSED
    assert world.deliver(Push("b", "user-999999", (item,)), monday_ms) is Delivery.REFUSED
    assert world.deliver(Push("c", "user-000001", ("no-such-item",)), monday_ms) is Delivery.REFUSED
    assert world.deliver(Push("d", "user-000001", (item,), dry_run=True), monday_ms) is Delivery.REFUSED
    assert outcomes(world, monday_ms + DAY_MS) == {"ACCEPTED": 1}  # the dry run's


def test_commands_wait_for_their_time_and_do_not_outlive_it(make_world, monday_ms) -> None:
    world = make_world(users=600, behaviour=undisturbed())
    for user in range(300):
        item = (world.items.ids[user % 100],)
        world.deliver(Push(f"late-{user}", f"user-{user:06d}", item, not_before_ms=monday_ms + 2 * HOUR_MS), monday_ms)
        world.deliver(Push(f"brief-{user}", f"user-{user + 300:06d}", item, expires_at_ms=monday_ms + 60_000), monday_ms)
    told = [event for event in world.step(monday_ms + 3 * DAY_MS) if isinstance(event, Feedback)]
    late = [event for event in told if event.command_id.startswith("late")]
    brief = [event for event in told if event.command_id.startswith("brief")]
    assert min(event.occurred_at_ms for event in late) >= monday_ms + 2 * HOUR_MS
    shown = [event for event in brief if event.outcome is Outcome.DELIVERED]
    assert max(event.occurred_at_ms for event in shown) < monday_ms + 60_000
    expired = sum(event.outcome is Outcome.EXPIRED for event in brief)
    assert 0.08 * 300 < expired < 0.22 * 300  # whose device was switched off: 15 in a hundred


def test_silent_pushes_wake_the_application_and_nobody(make_world, monday_ms) -> None:
    world = make_world()
    for user in range(200):
        world.deliver(Push(f"s{user}", f"user-{user:06d}", (world.items.ids[0],), silent=True), monday_ms)
    assert outcomes(world, monday_ms + DAY_MS).keys() == {"ACCEPTED", "DELIVERED"}
    assert world.truth.fatigue(np.arange(200), np.full(200, monday_ms + DAY_MS)).max() == 0


def test_an_opened_push_leads_to_a_visit_and_a_conversion_to_a_purchase(make_world, monday_ms) -> None:
    keen = Behaviour()
    keen = replace(keen, pushed={key: replace(pushed, open_base=3.0, convert_base=2.0) for key, pushed in keen.pushed.items()})
    world = make_world(users=300, scenario="shop", behaviour=keen)
    push_all(world, best_and_random(world, monday_ms)[0], monday_ms, "p")
    told = world.step(monday_ms + 4 * DAY_MS)
    by_command: dict[str, list[Interaction | Feedback]] = defaultdict(list)
    for event in told:
        if isinstance(event, Interaction | Feedback) and event.command_id:
            by_command[event.command_id].append(event)
    converted = 0
    for events in by_command.values():
        opened = [event for event in events if isinstance(event, Feedback) and event.outcome is Outcome.OPENED]
        interactions = [event for event in events if isinstance(event, Interaction)]
        assert bool(opened) == bool(interactions)
        if opened:
            assert interactions[0].type is Type.SESSION_START
            assert min(event.occurred_at_ms for event in interactions) >= opened[0].occurred_at_ms
            first_view = next(event for event in interactions if event.type is Type.VIEW)
            assert first_view.item_id == opened[0].item_id
        for event in events:
            if isinstance(event, Feedback) and event.outcome is Outcome.CONVERTED:
                converted += 1
                bought = [each for each in interactions if each.type is Type.PURCHASE and each.item_id == event.item_id]
                assert bought
                assert bought[0].value == event.value > 0
    assert converted > 50
