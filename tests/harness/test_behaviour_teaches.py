"""The whole loop without Flink: what users do becomes knowledge of items, and a change of an item becomes a push to who waited for it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from flink_job.core.ids import key_of
from flink_job.core.local_time import LocalClock
from flink_job.engine import zone_of
from flink_job.inprocess_loop import LearningRunner
from kairos.v1 import interaction_pb2, push_pb2, signal_pb2
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930 as AT
from tests.core.policies import DAY, HOUR, MINUTE
from tests.harness.conftest import harness_settings
from tests.harness.harness import PUSHES

DELAY_MS = 50
CLOCK = LocalClock("UTC", {}, zone_of)
LONG_AGO = AT - 30 * DAY


def visits(hours: NDArray[np.float64]) -> dict[int, float]:
    """By hour of the week, of (168, 4) counts."""
    return {slot: count for slot, count in enumerate(hours[:, 3].tolist()) if count}


def did(user: str, number: int, kind: int, item_id: str, at_ms: int) -> tuple[str, bytes, int]:
    event = signal("interaction", event_id=f"{user}-{number}", user_id=user, type=kind, item_id=item_id, occurred_at_ms=at_ms)
    return user, event, at_ms


def test_views_become_trends_and_neighbours_and_a_price_drop_reaches_who_put_it_on_the_wish_list() -> None:
    settings = harness_settings()
    telling = replace(settings.learning.telling, enabled=True)
    loop = LearningRunner(replace(settings, learning=replace(settings.learning, telling=telling)), DELAY_MS)
    loop.load((f"item {number}", item_record(f"item {number}", price=20.0, published_at_ms=LONG_AGO)) for number in range(12))
    views = [
        did(f"user {user}", number, interaction_pb2.INTERACTION_TYPE_VIEW, f"item {number % 5}", AT + number * MINUTE + user)
        for number in range(12)
        for user in range(3)
    ]
    favourite = did("ann", 0, interaction_pb2.INTERACTION_TYPE_FAVOURITE, "item 1", AT)
    list(loop.run(sorted([favourite, *views], key=lambda event: event[2])))
    list(loop.advance(AT + HOUR))

    trending = [loop.engine.catalogue.item(row).item_id for row in loop.engine.knowledge.trending("", 9, AT + HOUR).tolist()]
    assert sorted(trending) == [f"item {number}" for number in range(5)]
    assert len(loop.engine.knowledge.neighbours(key_of("item 0"), 9)[0])

    cheaper = item_record("item 1", price=10.0, updated_at_ms=AT + 2 * HOUR, published_at_ms=LONG_AGO)
    list(loop.publish([("item 1", cheaper)], AT + 2 * HOUR))
    pushes = [push_pb2.PushCommand.FromString(value) for topic, _, value in loop.advance(AT + 3 * HOUR) if topic == PUSHES]
    about = [(push.user_id, push.item_ids[0]) for push in pushes if push.trigger == signal_pb2.TRIGGER_PRICE_DROP]
    assert about == [("ann", "item 1")]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_hours_of_visits_become_those_of_the_country_where_that_is_told(enabled: bool) -> None:
    """Two in Berlin and one in London come at the same moment of three days: on the wall an hour apart. The third visits still go on."""
    settings = harness_settings()
    telling = replace(settings.learning.telling, enabled=enabled)
    loop = LearningRunner(replace(settings, learning=replace(settings.learning, telling=telling)), DELAY_MS)
    loop.load([("mug", item_record("mug", published_at_ms=LONG_AGO))])
    places = {"ann": ("DE", "Europe/Berlin"), "bob": ("DE", "Europe/Berlin"), "cleo": ("GB", "Europe/London")}
    events = [
        (
            user,
            signal("interaction", event_id=f"{user}-{day}-{minute}", user_id=user, item_id="mug", occurred_at_ms=at_ms, context=place),
            at_ms,
        )
        for day in range(3)
        for minute in (0, 1)
        for user, (country, zone) in places.items()
        for at_ms in [AT - HOUR + day * DAY + minute * MINUTE]
        for place in [{"country": country, "time_zone": zone}]
    ]
    list(loop.run(events))
    list(loop.advance(AT + 3 * DAY))
    hours = loop.engine.knowledge.hours
    monday, tuesday = AT - HOUR, AT + DAY - HOUR
    berlin = {CLOCK.slot(at_ms, "Europe/Berlin", "DE"): 2.0 for at_ms in (monday, tuesday)}
    london = {CLOCK.slot(at_ms, "Europe/London", "GB"): 1.0 for at_ms in (monday, tuesday)}
    assert visits(hours.of("DE", tuesday)) == pytest.approx(berlin if enabled else {}, rel=0.02)  # of Monday's, 2^(-1/60) are left
    assert visits(hours.of_all(tuesday)) == pytest.approx(berlin | london if enabled else {}, rel=0.02)
