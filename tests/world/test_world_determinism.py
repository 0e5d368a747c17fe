"""Equal settings and equal calls give equal worlds; what depends on nothing else stays when something else changes."""

from kairos.world import Interaction, Push

HOUR_MS = 3_600_000


def test_two_worlds_of_one_seed_tell_the_same_event_for_event(make_world, monday_ms) -> None:
    def life() -> list[object]:
        world = make_world()
        told: list[object] = [*world.catalogue(), *world.step(monday_ms + 6 * HOUR_MS)]
        for number in range(100):
            world.deliver(Push(f"{number:032x}", f"user-{number:06d}", (world.items.ids[number],)), monday_ms + 6 * HOUR_MS)
        return told + world.step(monday_ms + 12 * HOUR_MS)

    first = life()
    assert len(first) > 1_000
    assert first == life()


def test_another_seed_is_another_world(make_world, monday_ms) -> None:
    assert make_world(seed=1).step(monday_ms + HOUR_MS) != make_world(seed=2).step(monday_ms + HOUR_MS)


def test_it_does_not_matter_how_time_is_cut_into_steps(make_world, monday_ms) -> None:
    whole = make_world(scenario="shop", items=30).step(monday_ms + 30 * HOUR_MS)
    world = make_world(scenario="shop", items=30)
    pieces = [event for piece in range(1, 1_801) for event in world.step(monday_ms + piece * 60_000)]
    assert any(not isinstance(event, Interaction) for event in whole)
    assert pieces == whole


def test_events_come_in_order_and_within_their_step(make_world, monday_ms) -> None:
    world = make_world()
    for hour in range(1, 5):
        times = [getattr(event, "occurred_at_ms", None) or event.updated_at_ms for event in world.step(monday_ms + hour * HOUR_MS)]
        assert times == sorted(times)
        assert times[0] > monday_ms + (hour - 1) * HOUR_MS - 1
        assert times[-1] <= monday_ms + hour * HOUR_MS


def test_event_ids_are_unique_also_between_worlds(make_world, monday_ms) -> None:
    ids = [
        event.event_id
        for seed in (1, 2)
        for event in make_world(seed=seed).step(monday_ms + 12 * HOUR_MS)
        if isinstance(event, Interaction)
    ]
    assert len(ids) == len(set(ids)) > 1_000


def test_the_luck_of_a_push_does_not_depend_on_the_pushes_of_others(make_world, monday_ms) -> None:
    def becomes_of_first_ten(pushed: int) -> list[object]:
        world = make_world()
        world.step(monday_ms)
        for number in range(pushed):
            world.deliver(Push(f"{number:032x}", f"user-{number:06d}", (world.items.ids[5],)), monday_ms)
        mine = {f"{number:032x}" for number in range(10)}
        return [event for event in world.step(monday_ms + 24 * HOUR_MS) if getattr(event, "command_id", "") in mine]

    alone = becomes_of_first_ten(10)
    assert len(alone) > 20
    assert alone == becomes_of_first_ten(200)


def test_pushes_to_some_do_not_change_what_others_do(make_world, monday_ms) -> None:
    quiet, pushed = make_world(scenario="news"), make_world(scenario="news")
    for number in range(100):
        pushed.deliver(Push(f"{number:032x}", f"user-{number:06d}", (pushed.items.ids[5],)), monday_ms)
    others = [
        [
            event
            for event in world.step(monday_ms + 24 * HOUR_MS)
            if isinstance(event, Interaction) and event.profile.user_id >= "user-000100"
        ]
        for world in (quiet, pushed)
    ]
    # Numbers count everything that happens in a tick, so they shift; what is done does not.
    assert [event._replace(event_id="") for event in others[0]] == [event._replace(event_id="") for event in others[1]]
    assert len(others[0]) > 100
