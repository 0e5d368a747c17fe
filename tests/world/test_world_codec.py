"""The world's values as records of the contract."""

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from flink_job.core.signals import InteractionType, Outcome
from kairos.feed.features import ItemFeaturiser
from kairos.v1 import feedback_pb2, interaction_pb2, item_pb2
from kairos.v1.push_pb2 import PushCommand
from kairos.v1.signal_pb2 import Signal
from kairos.world import Feedback, Interaction, ItemChange, Push
from kairos.world.codec import WorldCodec, read_push
from kairos.world.values import Channel, Platform, Scenario, Urgency

HOUR_MS = 3_600_000
DIM = 64


@pytest.fixture
def codec() -> WorldCodec:
    return WorldCodec(ItemFeaturiser(DIM))


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (Scenario, item_pb2.Scenario, "SCENARIO"),
        (Urgency, item_pb2.Urgency, "URGENCY"),
        (Platform, interaction_pb2.Platform, "PLATFORM"),
        (Channel, feedback_pb2.Channel, "CHANNEL"),
        (InteractionType, interaction_pb2.InteractionType, "INTERACTION_TYPE"),
        (Outcome, feedback_pb2.Outcome, "OUTCOME"),
    ],
)
def test_numbers_are_those_of_the_contract(ours, theirs, prefix: str) -> None:
    assert {f"{prefix}_{member.name}": int(member) for member in ours}.items() <= dict(theirs.items()).items()


def test_a_day_of_everything_can_be_written_and_read(make_world, monday_ms, codec) -> None:
    world = make_world(users=500)
    world.step(monday_ms)
    for user in range(500):
        world.deliver(Push(f"{user:032x}", f"user-{user:06d}", (world.items.ids[user % 150],)), monday_ms)
    kinds = set()
    for event in [*world.catalogue(), *world.step(monday_ms + 24 * HOUR_MS)]:
        topic, key, value = codec.record(event)
        if isinstance(event, Interaction):
            back = Signal.FromString(value).interaction
            assert topic == "interactions"
            assert (back.event_id, back.user_id, back.type, back.occurred_at_ms) == (
                event.event_id,
                event.profile.user_id,
                event.type,
                event.occurred_at_ms,
            )
            assert (back.item_id, back.quantity, back.value) == (event.item_id, event.quantity, event.value)
            assert (back.query, back.creator_id, back.order_id) == (event.query, event.creator_id, event.order_id)
            assert (back.dwell_ms, back.command_id) == (event.dwell_ms, event.command_id)
            assert back.context.time_zone == event.profile.time_zone
            assert back.context.session_id == event.session_id
            assert back.context.referrer == ("push" if event.command_id else "")
            assert key == back.user_id.encode()
            kinds.add(event.type)
        elif isinstance(event, Feedback):
            told = Signal.FromString(value).feedback
            assert (topic, key) == ("feedback", event.profile.user_id.encode())
            assert (told.feedback_id, told.command_id, told.outcome) == (event.feedback_id, event.command_id, event.outcome)
            assert (told.item_id, told.value, told.occurred_at_ms) == (event.item_id, event.value, event.occurred_at_ms)
            kinds.add(event.outcome.name)
        else:
            assert (topic, key) == ("items", event.item_id.encode())
            assert item_pb2.Item.FromString(value).item_id == event.item_id
    assert {InteractionType.SEARCH, InteractionType.CART, InteractionType.FOLLOW, "DISPLAYED", "OPENED"} <= kinds


def test_items_carry_what_the_job_needs(make_world, codec) -> None:
    for change in make_world().catalogue():
        item = codec.item(change)
        features = np.frombuffer(item.features, "<f4")
        assert features.shape == (DIM,)
        assert np.linalg.norm(features) == pytest.approx(1.0, abs=1e-5)
        assert item.texts[""].title == change.title
        assert list(item.categories) == list(change.categories)
        assert item.HasField("price") == item.HasField("stock") == (change.scenario is Scenario.SHOP)
        assert bool(item.valid_until_ms) == (change.scenario is not Scenario.SHOP)
        assert item.deep_link.startswith("https://")
        assert not item.deleted


def test_of_a_deleted_item_only_its_end_is_told(make_world, monday_ms, codec) -> None:
    changes = [event for event in make_world().step(monday_ms + 48 * HOUR_MS) if isinstance(event, ItemChange) and event.deleted]
    assert changes
    for change in changes:
        assert codec.item(change) == item_pb2.Item(item_id=change.item_id, updated_at_ms=change.updated_at_ms, deleted=True)


def test_features_follow_the_price(make_world, codec) -> None:
    from dataclasses import replace

    change = next(change for change in make_world(scenario="shop").catalogue() if change.price)
    cheaper = replace(change, price=change.price * 0.2, list_price=change.price)
    assert codec.item(change).features == codec.item(change).features
    assert codec.item(change).features != codec.item(cheaper).features


def test_a_push_command_is_read() -> None:
    command = PushCommand(command_id="a" * 32, user_id="u", item_ids=["i", "j"], not_before_ms=1, expires_at_ms=2, dry_run=True)
    assert read_push(command.SerializeToString()) == Push("a" * 32, "u", ("i", "j"), 1, 2, dry_run=True, silent=False)
    with pytest.raises(DecodeError):
        read_push(b"\xff\xff\xff")


def test_content_alone_lets_a_recommender_find_what_people_like(make_world, monday_ms, codec) -> None:
    """Tastes are hidden, yet not out of reach: the items nearest in features to what somebody looked at match their taste."""
    world = make_world(users=200, items=400, scenario="shop")
    seen = world.advance(monday_ms + 7 * 24 * HOUR_MS).interactions
    seen = seen[seen["type"] == InteractionType.VIEW]
    live = world.catalogue()
    rows = np.array([world.item_row(change.item_id) for change in live])
    features = np.array([np.frombuffer(codec.item(change).features, "<f4") for change in live])
    place = {row: index for index, row in enumerate(rows.tolist())}
    profile = np.zeros((200, DIM))
    for user, item in zip(seen["user"].tolist(), seen["item"].tolist(), strict=True):
        if item in place:
            profile[user] += features[place[item]]
    users = np.nonzero(profile.any(axis=1))[0]
    best = rows[(-(profile[users] @ features.T)).argsort(axis=1)[:, :10]]
    match = world.truth.match(users[:, None], best).mean()
    chance = world.truth.match(users[:, None], rows[None, :]).mean()
    assert match > chance + 0.25
