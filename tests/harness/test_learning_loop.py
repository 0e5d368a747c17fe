"""Both operators and what passes between them, without Flink: what is told comes back as knowledge and as nudges, after a while."""

from collections.abc import Iterable

import numpy as np
import pytest

from flink_job.codec.item_signals import encode_item_signal
from flink_job.core.ids import key_of
from flink_job.core.learning.signals import (
    ItemSignal,
    PushOutcome,
    PushStage,
    Visit,
    Watch,
    WatchReason,
    item_key,
    segment_key,
)
from flink_job.engine import OutRecord
from flink_job.inprocess_loop import LearningRunner
from flink_job.settings import EngineSettings
from kairos.v1 import dead_letter_pb2, knowledge_pb2, push_pb2, signal_pb2
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, HOUR, MINUTE, SECOND
from tests.harness.conftest import harness_settings
from tests.harness.harness import PUSHES

AT = MONDAY_0930
DELAY = 50
NAMES = [f"item {number}" for number in range(4)]


def runner(settings: EngineSettings | None = None) -> LearningRunner:
    made = LearningRunner(settings or harness_settings(), DELAY)
    made.load([(name, item_record(name, price=20.0, published_at_ms=AT - 30 * DAY)) for name in NAMES])
    return made


def told(loop: LearningRunner, body: Visit | PushOutcome | Watch, *keys: str, at_ms: int = AT, name: str = "s") -> None:
    loop.tell(("kairos.item-signals", *encode_item_signal(ItemSignal(name, keys, at_ms, "DE", body))), at_ms)


def visit(*names: str) -> Visit:
    return Visit(list(names), [1.0] * len(names), [AT] * len(names), [0.0] * len(names))


def topics(records: Iterable[OutRecord]) -> list[str]:
    return [topic.removeprefix("kairos.") for topic, _, _ in records]


def test_a_price_drop_nudges_who_waits_and_the_nudge_leads_to_a_push() -> None:
    loop = runner()
    told(loop, Watch("ann", "item 1", "", (WatchReason.FAVOURITE,)), item_key("item 1"))
    assert list(loop.advance(AT + SECOND)) == []
    cheaper = item_record("item 1", price=15.0, updated_at_ms=AT + MINUTE, published_at_ms=AT - 30 * DAY)
    (nudge,) = loop.publish([("item 1", cheaper)], AT + MINUTE)
    assert (nudge[0], nudge[1]) == ("kairos.nudges", "ann")
    body = signal_pb2.Signal.FromString(nudge[2]).nudge
    assert (body.price_before, body.price_after) == (20.0, 15.0)
    written = list(loop.advance(AT + 2 * MINUTE))
    (push,) = [push_pb2.PushCommand.FromString(value) for topic, _, value in written if topic == PUSHES]
    assert (push.user_id, push.item_ids[0], push.decided_at_ms) == ("ann", "item 1", AT + MINUTE)


def test_visits_come_back_as_trends_and_neighbours_after_the_delay() -> None:
    loop = runner()
    catalogue, knowledge = loop.engine.catalogue, loop.engine.knowledge
    for number in range(3):
        told(loop, visit(*NAMES[: number + 1]), *(item_key(name) for name in NAMES[: number + 1]), name=f"visit {number}")
    assert topics(loop.advance(AT + DELAY + 1)) == ["knowledge"] * 3  # of each item the first; the rest is due in a minute
    assert len(knowledge) == 0
    assert topics(loop.advance(AT + HOUR)) == ["knowledge"] * 2
    trending = [catalogue.item(row).item_id for row in knowledge.trending("DE", 9, AT + HOUR).tolist()]
    assert trending == ["item 0", "item 1", "item 2"]
    rows, similar = knowledge.neighbours(key_of("item 0"), 9)
    assert [catalogue.item(row).item_id for row in rows.tolist()] == ["item 1", "item 2"]
    assert similar[0] > similar[1] > 0


def test_outcomes_come_back_as_rates_and_slots() -> None:
    loop = runner()
    for number in range(40):
        stage = PushStage.OPENED if number % 2 else PushStage.SENT
        body = PushOutcome("item 0", "", stage, 1, AT + number // 2, 9)
        told(loop, body, item_key("item 0"), segment_key("DE"), at_ms=AT + number // 2, name=f"c{number // 2}/{stage.name}")
    list(loop.advance(AT + HOUR))
    knowledge, row = loop.engine.knowledge, loop.engine.catalogue.row_of("item 0")
    p_open, _ = knowledge.rates(np.array([row, loop.engine.catalogue.row_of("item 1")]), AT + HOUR)
    assert p_open[0] > 2 * p_open[1]
    assert p_open[1] > 0.04  # what is known of all helps those of whom nothing is
    assert knowledge.hours.of("DE", AT)[9].tolist() == pytest.approx([20.0, 20.0, 0.0, 0.0])


def test_a_deleted_item_is_forgotten() -> None:
    loop = runner()
    told(loop, visit("item 0"), item_key("item 0"))
    list(loop.advance(AT + MINUTE))
    assert len(loop.engine.knowledge) == 1
    (gone,) = loop.publish([("item 0", item_record("item 0", updated_at_ms=AT + MINUTE, deleted=True))], AT + MINUTE)
    assert knowledge_pb2.Knowledge.FromString(gone[2]).item.gone
    list(loop.advance(AT + HOUR))
    assert len(loop.engine.knowledge) == 0


def test_a_bad_item_signal_is_a_dead_letter_for_each_of_its_keys() -> None:
    loop = runner()
    loop.tell(("kairos.item-signals", "item/a\nitem/b", b"\xff"), AT)
    written = list(loop.advance(AT + MINUTE))
    assert topics(written) == ["dead-letters"] * 2
    assert dead_letter_pb2.DeadLetter.FromString(written[0][2]).source_topic == "kairos.item-signals"


def test_knowledge_is_stored_with_the_catalogue_and_restored_from_there() -> None:
    loop = runner()
    told(loop, visit("item 0", "item 1"), item_key("item 0"), item_key("item 1"))
    released = [record for record in loop.advance(AT + MINUTE) if record[0] == "kairos.knowledge"]
    other = LearningRunner(harness_settings(), DELAY)
    stored: dict[str, bytes] = {name: item_record(name) for name in NAMES}
    for _, key, value in released:
        changes, _ = loop.engine.on_shared(key, value, f"kairos.knowledge/0/0/{AT}", AT + HOUR)
        assert changes == ()  # it is held already
        changes, _ = other.engine.on_shared(key, value, f"kairos.knowledge/0/0/{AT}", AT + HOUR)
        stored |= {name: record for name, record in changes if record is not None}
    restored = LearningRunner(harness_settings(), DELAY).engine
    restored.restore(dict(sorted(stored.items())), AT)
    assert len(restored.knowledge) == 2
    assert len(restored.knowledge.trending("DE", 9, AT)) == 2


def test_an_operator_that_sees_what_it_teaches_at_once_is_refused() -> None:
    with pytest.raises(ValueError, match="delay_ms"):
        LearningRunner(harness_settings(), 0)


def test_a_signal_of_a_user_still_passes_as_it_does_without_learning() -> None:
    payload = signal("interaction", event_id="e1", user_id="ann", item_id="item 0", occurred_at_ms=AT)
    assert "pushes" in topics(runner().run([("ann", payload, AT)]))
