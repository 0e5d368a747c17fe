"""Items live and die by the rules, and people deal only with what is there."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flink_job.core.signals import InteractionType as Type
from kairos.world import Interaction, ItemChange, World, WorldSettings
from kairos.world.behaviour import Behaviour, Funnel
from kairos.world.values import Scenario

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = 1_772_409_600_000
LONGEST_VISIT_MS = 12 * HOUR_MS


Told = list[ItemChange | Interaction]


def live(days: int, **settings: Any) -> tuple[World, list[ItemChange], Told]:
    world = World(WorldSettings(seed=5, start_ms=START_MS, **settings))
    first = world.catalogue()
    told = [event for day in range(days) for event in world.step(START_MS + (day + 1) * DAY_MS)]
    return world, first, [event for event in told if isinstance(event, Interaction | ItemChange)]


@pytest.fixture(scope="module")
def shop() -> tuple[World, list[ItemChange], Told]:
    """Three weeks of a little shop whose users buy at once: things sell out."""
    hasty = replace(Behaviour(), funnel=Funnel(buy_at_once=0.1))
    return live(21, users=400, items=30, scenario="shop", behaviour=hasty)


@pytest.fixture(scope="module")
def mixed() -> tuple[World, list[ItemChange], Told]:
    """A week of everything."""
    return live(7, users=60, items=60)


def by_item(life: tuple[World, list[ItemChange], Told]) -> dict[str, Told]:
    _, first, told = life
    lives: dict[str, Told] = defaultdict(list)
    for event in [*first, *told]:
        if event.item_id:
            lives[event.item_id].append(event)
    return lives


@pytest.mark.parametrize("where", ["shop", "mixed"])
def test_nobody_deals_with_an_item_before_it_was_published(where: str, request: pytest.FixtureRequest) -> None:
    lives = by_item(request.getfixturevalue(where))
    assert len(lives) > 40
    for events in lives.values():
        assert isinstance(events[0], ItemChange), "the first that is heard of an item is its publication"
        published = events[0].published_at_ms
        assert all(event.occurred_at_ms >= published for event in events if isinstance(event, Interaction))


@pytest.mark.parametrize("where", ["shop", "mixed"])
def test_what_is_gone_is_gone(where: str, request: pytest.FixtureRequest) -> None:
    gone = 0
    for events in by_item(request.getfixturevalue(where)).values():
        ends = [event.updated_at_ms for event in events if isinstance(event, ItemChange) and event.deleted]
        assert len(ends) <= 1
        if ends:
            gone += 1
            views = [event for event in events if isinstance(event, Interaction) and event.type is Type.VIEW]
            # Whoever was in a visit already may still look; nobody comes for it.
            assert all(event.occurred_at_ms < ends[0] + LONGEST_VISIT_MS for event in views)
            assert all(event.updated_at_ms <= ends[0] for event in events if isinstance(event, ItemChange))
    assert gone > 10


def test_news_last_for_hours_posts_for_a_day_products_for_weeks(shop, mixed) -> None:
    hours: dict[Scenario, list[float]] = defaultdict(list)
    for events in [*by_item(shop).values(), *by_item(mixed).values()]:
        for event in events:
            if isinstance(event, ItemChange) and event.deleted:
                hours[event.scenario].append((event.updated_at_ms - event.published_at_ms) / HOUR_MS)
    assert 36 <= min(hours[Scenario.NEWS]) < max(hours[Scenario.NEWS]) <= 60
    assert set(np.round(hours[Scenario.SOCIAL], 6)) == {24.0}
    assert np.median(hours[Scenario.SHOP]) > 28 * 24  # some sell out for good before
    assert max(hours[Scenario.SHOP]) <= 84 * 24 + 7 * 24


def test_the_catalogue_keeps_its_size(mixed) -> None:
    world, first, _ = mixed
    assert 35 < len(first) < 85
    assert 35 < len(world.catalogue()) < 85


def test_nothing_is_sold_while_it_is_sold_out(shop) -> None:
    sold_out, restocked = 0, 0
    for events in by_item(shop).values():
        available = True
        for event in events:
            if isinstance(event, ItemChange):
                now = event.stock is None or event.stock > 0
                sold_out += available and not now
                restocked += now and not available
                available = now
            elif event.type is Type.PURCHASE:
                assert available
    assert sold_out >= 8
    assert restocked >= 4


def test_what_is_restocked_sells_out_when_all_of_it_is_sold(shop) -> None:
    world, _, _ = shop
    assert (world.items.stock[: world.items.n] >= 0).all()
    sold_out_again = 0
    for events in by_item(shop).values():
        stock, pieces, sold = 1, None, 0.0
        for event in events:
            if isinstance(event, ItemChange):
                if event.stock and not stock:
                    pieces, sold = event.stock, 0.0
                if not event.stock and stock and pieces is not None:
                    assert sold == pieces
                    sold_out_again += 1
                stock = event.stock
            elif event.type is Type.PURCHASE:
                sold += event.quantity
                assert pieces is None or sold <= pieces
    assert sold_out_again >= 3


def test_prices_fall_and_come_back_and_purchases_pay_them(shop) -> None:
    falls, paid = 0, 0
    for events in by_item(shop).values():
        prices: list[tuple[int, float]] = []
        for event in events:
            if isinstance(event, ItemChange) and event.price is not None:
                falls += event.list_price is not None
                assert event.list_price is None or 0.55 < event.price / event.list_price < 0.95
                prices.append((event.updated_at_ms, event.price))
            elif isinstance(event, Interaction) and event.type is Type.PURCHASE:
                recent = {price for at, price in prices if at >= event.occurred_at_ms - LONGEST_VISIT_MS} | {prices[-1][1]}
                recent |= {price for at, price in prices[-2:]}
                assert any(event.value == pytest.approx(price * event.quantity, abs=0.011) for price in recent)
                paid += 1
    assert falls > 5
    assert paid > 200


def test_about_a_sixth_of_what_is_bought_comes_back_within_a_fortnight(shop) -> None:
    _, _, told = shop
    bought: dict[tuple[str, str, str], int] = {}
    returned = 0
    for event in told:
        if isinstance(event, Interaction) and event.type in (Type.PURCHASE, Type.RETURN):
            key = (event.profile.user_id, event.item_id, event.order_id)
            if event.type is Type.PURCHASE:
                bought[key] = event.occurred_at_ms
            elif key in bought:  # else bought before we looked
                returned += 1
                assert 3 * DAY_MS <= event.occurred_at_ms - bought[key] <= 14 * DAY_MS
    early = sum(at < START_MS + 7 * DAY_MS for at in bought.values())
    assert 0.08 * early < returned < 0.35 * early


def test_people_buy_add_and_save_as_often_as_on_a_real_market(make_world, monday_ms) -> None:
    """Per 100 views, UserBehavior (Taobao, 2017) has 3.4 favourites, 6.2 carts and 2.5 purchases."""
    events = make_world(users=4_000, items=1_000, scenario="shop").advance(monday_ms + 3 * DAY_MS).interactions
    count = {kind: int((events["type"] == kind).sum()) for kind in Type}
    rates = [100 * count[kind] / count[Type.VIEW] for kind in (Type.FAVOURITE, Type.CART, Type.PURCHASE)]
    assert rates == pytest.approx([3.4, 6.2, 2.5], rel=0.2)


def test_people_look_at_what_they_like(make_world, monday_ms) -> None:
    for scenario in ("shop", "news", "social"):
        world = make_world(scenario=scenario)
        seen = world.advance(monday_ms + DAY_MS).interactions
        seen = seen[seen["type"] == Type.VIEW]
        users, items = seen["user"].astype(np.int64), seen["item"].astype(np.int64)
        shuffled = np.random.default_rng(1).permutation(items)
        assert world.truth.match(users, items).mean() > world.truth.match(users, shuffled).mean() + 0.2


def test_tastes_drift_and_stay_of_length_one(make_world, monday_ms) -> None:
    world = make_world(users=500, scenario="shop")
    before = world.people.taste[0].copy()
    likeness = {}
    for day in range(1, 61):
        world.people.drift(day)
        likeness[day] = (world.people.taste[0] * before).sum(axis=1).mean()
    assert np.allclose(np.linalg.norm(world.people.taste, axis=-1), 1, atol=1e-5)
    assert likeness[1] > 0.95
    assert likeness[7] > likeness[30] > likeness[60]
    # Half of the interests are the old ones, less by new passions; tastes of two people have about 0.15 in common.
    assert 0.35 < likeness[60] < 0.55


def test_people_stay_as_different_as_they_were_on_the_first_day(make_world) -> None:
    world = make_world(users=400, scenario="shop")

    def common() -> float:
        taste = world.people.taste[0]
        together = taste @ taste.T
        return float(together[~np.eye(len(taste), dtype=bool)].mean())

    at_first = common()
    for day in range(1, 121):
        world.people.drift(day)
    assert abs(common() - at_first) < 0.05
    assert np.unique(world.people.taste[0], axis=0).shape[0] == 400


def test_a_day_in_the_world_is_a_day_of_drift(make_world, monday_ms) -> None:
    world, other = make_world(users=50), make_world(users=50)
    world.advance(monday_ms + 3 * DAY_MS)
    for day in (1, 2, 3):
        other.people.drift(day)
    assert np.array_equal(world.people.taste, other.people.taste)


def test_cold_users_sign_up_before_they_do_anything(make_world, monday_ms) -> None:
    soon = replace(Behaviour(), join_within_ms=3 * DAY_MS)
    happened = make_world(users=1_000, behaviour=soon).advance(monday_ms + 3 * DAY_MS).interactions
    joined = happened[happened["type"] == Type.SIGN_UP]
    assert 70 < len(set(joined["user"].tolist())) == len(joined) < 130  # a tenth
    for user, at_ms in zip(joined["user"].tolist(), joined["at_ms"].tolist(), strict=True):
        assert happened["at_ms"][happened["user"] == user].min() == at_ms


def test_left_carts_are_sometimes_bought_later(make_world, monday_ms) -> None:
    told = make_world(users=2_000, items=300, scenario="shop").step(monday_ms + 4 * DAY_MS)
    carted: dict[tuple[str, str], str] = {}
    later = 0
    for event in told:
        if isinstance(event, Interaction) and event.type is Type.CART:
            carted[event.profile.user_id, event.item_id] = event.session_id
        if isinstance(event, Interaction) and event.type is Type.PURCHASE:
            session = carted.pop((event.profile.user_id, event.item_id), None)
            later += session is not None and session != event.session_id
    assert later >= 10
