"""What is sent by HTTP is in Kafka when the answer comes, keyed as the contract says, as the job reads it."""

import json
import time

import pytest

from flink_job.codec.items import ItemDecoder
from flink_job.codec.signals import SignalDecoder, SignalLimits
from flink_job.config import load_config
from flink_job.core.signals import Feedback, Interaction, UserUpdate
from gateway.collector.envelopes import _length
from kairos.v1 import feedback_pb2, interaction_pb2
from kairos.v1.signal_pb2 import Signal
from tests.gateway.collector.conftest import Running, token

pytestmark = pytest.mark.kafka

LIMITS = load_config(None, {}).limits
VIEW = {"userId": "ada", "type": "INTERACTION_TYPE_VIEW", "itemId": "mug-7"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def decoded(records: list[tuple[bytes, bytes]]) -> list[object]:
    """By the job's own decoder."""
    decoder = SignalDecoder(SignalLimits(LIMITS.max_record_bytes, LIMITS.max_id_bytes, LIMITS.max_age_ms, LIMITS.max_future_ms))
    origin = f"t/0/0/{now_ms()}"
    return [decoder.decode(key.decode(), value, origin, now_ms()) for key, value in records]


def delimited(*messages: interaction_pb2.Interaction) -> bytes:
    contents = [message.SerializeToString() for message in messages]
    return b"".join(_length(len(content)) + content for content in contents)


def test_one_event_a_list_an_envelope_and_protobuf_are_all_taken(collector: Running) -> None:
    now = now_ms()
    with collector.client() as client:
        one = client.post("/v1/events", json={**VIEW, "eventId": "e1", "occurredAtMs": str(now)})
        assert (one.status_code, one.json()["accepted"], one.json()["rejected"]) == (200, 1, [])
        assert (
            client.post("/v1/events", json=[{**VIEW, "eventId": f"e{number}", "occurredAtMs": now} for number in (2, 3)]).json()["accepted"]
            == 2
        )
        envelope = {"records": [{"user_id": "bob", "type": 6, "item_id": "x", "event_id": "e4", "occurred_at_ms": now}]}
        assert client.post("/v1/events", json=envelope).json()["accepted"] == 1
        messages = [
            interaction_pb2.Interaction(
                event_id=f"e{number}", user_id="zoë", type=interaction_pb2.INTERACTION_TYPE_CART, item_id="y", occurred_at_ms=now
            )
            for number in (5, 6)
        ]
        binary = client.post("/v1/events", content=delimited(*messages), headers={"Content-Type": "application/x-protobuf"})
        assert binary.json()["accepted"] == 2
        empty = client.post("/v1/events", json=[])
        assert (empty.status_code, empty.json()["accepted"]) == (200, 0)
    records = collector.records("interactions", 6)
    assert [key.decode() for key, _ in records] == ["ada", "ada", "ada", "bob", "zoë", "zoë"]
    found = decoded(records)
    assert found[0] == Interaction("e1", interaction_pb2.INTERACTION_TYPE_VIEW, now, "mug-7", "", "", "", "")
    assert [signal.event_id for signal in found if isinstance(signal, Interaction)] == ["e1", "e2", "e3", "e4", "e5", "e6"]


def test_the_good_records_of_a_batch_pass_and_the_bad_are_told_by_place_field_and_reason(collector: Running) -> None:
    batch = [
        {**VIEW, "eventId": "good-1"},
        {"userId": "ada", "type": "INTERACTION_TYPE_VEW"},
        {**VIEW, "context": {"timeZone": 3}},
        {**VIEW, "occurredAtMs": "1"},
        {"type": "INTERACTION_TYPE_VIEW"},
        {**VIEW, "colour": "red"},
        [],
        {**VIEW, "itemId": "x" * 129},
        {**VIEW, "eventId": "good-2"},
    ]
    with collector.client() as client:
        answer = client.post("/v1/events", json=batch, headers={"X-Request-ID": "r-1"})
    assert answer.status_code == 207
    assert answer.headers["X-Request-ID"] == answer.json()["requestId"] == "r-1"
    assert answer.json()["accepted"] == 2
    assert [(one["index"], one["code"], one["field"]) for one in answer.json()["rejected"]] == [
        (1, "invalid_field", "type"),
        (2, "wrong_type", "context.timeZone"),
        (3, "too_late", "occurredAtMs"),
        (4, "missing_field", "userId"),
        (5, "unknown_field", "colour"),
        (6, "wrong_type", ""),
        (7, "invalid_field", "itemId"),
    ]
    assert "did you mean INTERACTION_TYPE_VIEW?" in answer.json()["rejected"][0]["reason"]
    assert [signal.event_id for signal in decoded(collector.records("interactions", 2)) if isinstance(signal, Interaction)] == [
        "good-1",
        "good-2",
    ]


def test_sent_again_a_record_without_an_id_has_the_same_one(collector: Running) -> None:
    timed = {**VIEW, "occurredAtMs": now_ms()}
    with collector.client() as client:
        for _ in range(2):
            client.post("/v1/events", json=timed)
            client.post("/v1/events", json=[VIEW, VIEW], headers={"Idempotency-Key": "k"})
        client.post("/v1/events", json=VIEW)
        client.post("/v1/events", json=VIEW)
    ids = [Signal.FromString(value).interaction.event_id for _, value in collector.records("interactions", 8)]
    assert ids[0:3] == ids[3:6]
    assert len(set(ids[0:3] + ids[6:8])) == 5
    assert all(0 < len(made) <= 128 for made in ids)


def test_items_are_written_whole_with_features_of_their_content_and_a_time(collector: Running) -> None:
    mug = {
        "itemId": "mug-7",
        "scenario": "SCENARIO_SHOP",
        "categories": ["home", "mugs"],
        "price": 9.9,
        "texts": {"": {"title": "Blue mug"}},
    }
    with collector.client() as client:
        assert (
            client.post("/v1/items", json=[mug, {"itemId": "gone", "deleted": True}, {"itemId": "x", "features": "AAAA"}]).status_code
            == 207
        )
    decoder = ItemDecoder(load_config(None, {}).catalogue.feature_dim, LIMITS.max_record_bytes, LIMITS.max_id_bytes)
    (item, deleted), (gone, is_gone) = (decoder.decode(key.decode(), value) for key, value in collector.records("items", 2))
    assert item.features is not None
    assert float(item.features @ item.features) == pytest.approx(1.0, abs=1e-5)
    assert (deleted, is_gone, gone.features) == (False, True, None)
    assert abs(item.updated_at_ms - now_ms()) < 60_000


def test_feedback_goes_to_its_own_topic(collector: Running) -> None:
    with collector.client() as client:
        answer = client.post(
            "/v1/feedback",
            json=[
                {"userId": "ada", "commandId": "c1", "outcome": "OUTCOME_OPENED", "feedbackId": "f1"},
                {"userId": "ada", "outcome": "OUTCOME_OPENED"},
            ],
        )
    assert answer.json()["rejected"][0]["field"] == "commandId"
    (found,) = decoded(collector.records("feedback", 1))
    assert isinstance(found, Feedback)
    assert (found.command_id, found.outcome) == ("c1", feedback_pb2.OUTCOME_OPENED)


def test_facts_about_a_user_and_erasure(collector: Running) -> None:
    with collector.client() as client:
        facts = {"pushConsent": True, "purposes": [], "timeZone": "Europe/Lisbon", "reachable": True}
        assert client.put("/v1/users/a%2Fb c", json=facts).status_code == 200
        wrong = client.put("/v1/users/ada", json={"timeZone": "Europe/Lisboa"})
        assert (wrong.status_code, wrong.json()["rejected"][0]["field"]) == (422, "timeZone")
        assert "Europe/Lisbon" in wrong.json()["rejected"][0]["reason"]
        assert client.delete("/v1/users/a%2Fb c").json()["accepted"] == 1
    update, erasure = decoded(collector.records("interactions", 2))
    assert isinstance(update, UserUpdate)
    assert isinstance(erasure, UserUpdate)
    assert (update.push_consent, update.purposes, update.segments, update.time_zone, update.erase) == (
        True,
        (),
        None,
        "Europe/Lisbon",
        False,
    )
    assert erasure.erase
    assert [key.decode() for key, _ in collector.records("interactions", 2)] == ["a/b c", "a/b c"]


def test_a_browser_speaks_for_its_own_user_and_only_events_and_feedback(collector: Running) -> None:
    with collector.client(token("ada")) as client:
        assert client.post("/v1/events", json={"type": "INTERACTION_TYPE_VIEW", "itemId": "m"}).json()["accepted"] == 1
        other = client.post("/v1/events", json={"userId": "bob", "type": "INTERACTION_TYPE_VIEW"})
        assert (other.status_code, other.json()["rejected"][0]["code"]) == (422, "not_yours")
        assert client.post("/v1/feedback", json={"outcome": "OUTCOME_UNSUBSCRIBED"}).json()["accepted"] == 1
        assert client.post("/v1/items", json={"itemId": "x"}).status_code == 403
        assert client.put("/v1/users/ada", json={"pushConsent": True}).status_code == 403
        assert client.delete("/v1/users/ada").status_code == 403
    with collector.client(None) as client:
        beacon = json.dumps({"token": token("ada"), "records": [{"type": "INTERACTION_TYPE_SESSION_END"}]})
        assert client.post("/v1/events", content=beacon, headers={"Content-Type": "text/plain;charset=UTF-8"}).json()["accepted"] == 1
    assert [key for key, _ in collector.records("interactions", 2)] == [b"ada", b"ada"]


def test_it_is_ready_and_counts(collector: Running) -> None:
    with collector.client(None) as client:
        deadline = time.monotonic() + 30
        while client.get("/readyz").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert client.get("/readyz").json() == {"status": "ready"}
        assert client.get("/healthz").json() == {"status": "ok"}
        with collector.client() as sender:
            sender.post("/v1/events", json=[VIEW, {"userId": "ada"}])
        text = client.get("/metrics").text
    assert 'kairos_collector_records_accepted_total{kind="event"} 1.0' in text
    assert 'kairos_collector_records_rejected_total{code="missing_field",kind="event"} 1.0' in text
    assert 'kairos_collector_requests_total{route="/v1/events",status="207"} 1.0' in text
    assert "kairos_collector_ready 1.0" in text
