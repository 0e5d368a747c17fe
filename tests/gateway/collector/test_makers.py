"""What passes the collector passes the job; ids and pseudonyms are given where they belong."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.codec.items import ItemDecoder
from flink_job.codec.signals import SignalDecoder, SignalLimits
from flink_job.config import load_config
from flink_job.core.signals import LONGEST_WORD, MOST_WORDS
from gateway.collector import checks
from gateway.collector.callers import Caller
from gateway.collector.checks import RecordLimits
from gateway.collector.features import featuriser
from gateway.collector.makers import EventMaker, FeedbackMaker, ItemMaker, Maker, Request, UserMaker
from gateway.collector.refusal import Refusal
from gateway.common.pseudonyms import Pseudonyms
from kairos.v1 import feedback_pb2, interaction_pb2
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import Signal

NOW = 1_767_605_400_000
JOB = load_config(None, {})
LIMITS = RecordLimits(
    JOB.limits.max_record_bytes, JOB.limits.max_id_bytes, JOB.limits.max_age_ms, JOB.limits.max_future_ms, JOB.catalogue.feature_dim
)
DECODER = SignalDecoder(SignalLimits(LIMITS.max_record_bytes, LIMITS.max_id_bytes, LIMITS.max_age_ms, LIMITS.max_future_ms))
NONE = Pseudonyms({})
SERVER = Request(Caller("shop"), NOW, "request-1")
KEYS = {"k2": b"0123456789abcdef0123", "k1": b"fedcba98765432100000"}

IDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.just("é" * 65) | st.just("x" * 129) | st.just("\0x")
TIMES = st.sampled_from([0, NOW, NOW + 60_000, NOW + 60_001, NOW - 2_592_000_000, NOW - 2_592_000_001]) | st.integers(
    -(1 << 63), (1 << 63) - 1
)
NUMBERS = st.floats() | st.integers(-(2**70), 2**70)


def signals(maker: Maker, sent: Any, request: Request = SERVER) -> list[Signal]:
    return [Signal.FromString(value) for _, value in maker.make(sent, 0, request)]


def passes_the_job(maker: Maker, sent: Any) -> None:
    try:
        records = maker.make(sent, 0, SERVER)
    except Refusal:
        return
    for key, value in records:
        DECODER.decode(key.decode(), value, f"t/0/0/{NOW}", NOW)


@given(
    st.fixed_dictionaries(
        {"userId": IDS, "type": st.sampled_from(range(40)) | st.sampled_from(interaction_pb2.InteractionType.keys())},
        optional={
            "eventId": IDS,
            "itemId": IDS,
            "creatorId": IDS,
            "occurredAtMs": TIMES,
            "value": NUMBERS,
            "context": st.just({"timeZone": "x" * 100}),
        },
    )
)
def test_an_interaction_that_passes_here_passes_in_the_job(sent: dict[str, Any]) -> None:
    passes_the_job(EventMaker(LIMITS, "refuse", NONE), sent)


@given(
    st.fixed_dictionaries(
        {"userId": IDS, "outcome": st.sampled_from(feedback_pb2.Outcome.keys())},
        optional={"feedbackId": IDS, "commandId": IDS, "occurredAtMs": TIMES, "value": NUMBERS},
    )
)
def test_feedback_that_passes_here_passes_in_the_job(sent: dict[str, Any]) -> None:
    passes_the_job(FeedbackMaker(LIMITS, "refuse", NONE), sent)


@given(
    st.fixed_dictionaries(
        {"userId": IDS},
        optional={"updateId": IDS, "occurredAtMs": TIMES, "erase": st.booleans(), "timeZone": IDS, "purposes": st.lists(IDS)},
    )
)
def test_a_user_update_that_passes_here_passes_in_the_job(sent: dict[str, Any]) -> None:
    passes_the_job(UserMaker(LIMITS, "refuse", NONE), sent)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_a_refusal(sent: bytes) -> None:
    passes_the_job(EventMaker(LIMITS, "refuse", NONE), sent)


@given(
    st.fixed_dictionaries(
        {"item_id": IDS},
        optional={
            "features": st.binary(max_size=8) | st.binary(min_size=256, max_size=256),
            "price": NUMBERS,
            "updated_at_ms": st.integers(0, NOW),
        },
    )
)
def test_an_item_that_passes_here_passes_in_the_job(given: dict[str, Any]) -> None:
    sent = Item(**{**given, "price": float(given["price"])} if "price" in given else given).SerializeToString()
    try:
        ((key, value),) = ItemMaker(LIMITS, "refuse", featuriser(LIMITS.feature_dim)).make(sent, 0, SERVER)
    except Refusal:
        return
    ItemDecoder(LIMITS.feature_dim, LIMITS.max_record_bytes, LIMITS.max_id_bytes).decode(key.decode(), value)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"completion": 1.1}, "completion"),
        ({"rating": -1}, "rating"),
        ({"attributes": {str(number): "" for number in range(33)}}, "attributes"),
        ({"attributes": {"a": "é" * 129}}, "attributes.a"),
        ({"userId": "x", "referrer": "x"}, "referrer"),
        ({"context": {"referrer": "x" * 300_000}}, ""),
        ({"itemId": "\ud800"}, "itemId"),
        ({"context": {"country": "PRT"}}, "context.country"),
        ({"context": {"locale": "x" * 36}}, "context.locale"),
        ({"context": {"timeZone": "x" * 65}}, "context.timeZone"),
    ],
)
def test_what_the_schemas_say_is_held(sent: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as caught:
        EventMaker(LIMITS, "refuse", NONE).make({"userId": "ada", "type": 1, **sent}, 0, SERVER)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"purposes": ["x" * 33]}, "purposes[0]"),
        ({"segments": ["x"] * 17}, "segments"),
        ({"country": "P1"}, "country"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"erase": "yes"}, "erase"),
        ({"userId": ""}, "userId"),
    ],
)
def test_facts_that_the_job_would_cut_off_or_could_not_use_are_refused(facts: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as caught:
        UserMaker(LIMITS, "refuse", NONE).make({"userId": "ada", **facts}, 0, SERVER)
    assert caught.value.field == field


def test_the_limits_of_words_are_the_jobs() -> None:
    assert (checks._MOST_WORDS, checks._LONGEST_WORD) == (MOST_WORDS, LONGEST_WORD)


def test_protobuf_numbers_that_are_none_are_refused() -> None:
    event = interaction_pb2.Interaction(user_id="ada", type=interaction_pb2.INTERACTION_TYPE_VIEW, value=math.nan)
    with pytest.raises(Refusal, match="finite"):
        EventMaker(LIMITS, "refuse", NONE).make(event.SerializeToString(), 0, SERVER)


def test_the_same_content_has_the_same_id_from_json_and_protobuf() -> None:
    maker = EventMaker(LIMITS, "refuse", NONE)
    event = interaction_pb2.Interaction(
        user_id="ada", type=interaction_pb2.INTERACTION_TYPE_VIEW, occurred_at_ms=NOW, attributes={"b": "2", "a": "1"}
    )
    sent = {"attributes": {"a": "1", "b": "2"}, "userId": "ada", "type": "INTERACTION_TYPE_VIEW", "occurredAtMs": str(NOW)}
    (by_json,), (by_bytes,) = signals(maker, sent), signals(maker, event.SerializeToString())
    assert by_json == by_bytes
    (other,) = signals(maker, {**sent, "itemId": "x"})
    assert other.interaction.event_id != by_json.interaction.event_id


def test_events_go_under_the_current_pseudonym_and_feedback_facts_and_erasure_under_every_one() -> None:
    pseudonyms = Pseudonyms(KEYS)
    current, former = pseudonyms.every("ada")
    (event,) = EventMaker(LIMITS, "refuse", pseudonyms).make({"userId": "ada", "type": 1}, 0, SERVER)
    assert event[0] == current.encode()
    assert b"ada" not in event[1]
    opened = {"userId": "ada", "outcome": "OUTCOME_OPENED", "commandId": "c"}
    assert [key.decode() for key, _ in FeedbackMaker(LIMITS, "refuse", pseudonyms).make(opened, 0, SERVER)] == [current, former]
    erased = signals(UserMaker(LIMITS, "refuse", pseudonyms), {"userId": "ada", "erase": True})
    assert [(one.user_update.user_id, one.user_update.erase) for one in erased] == [(current, True), (former, True)]
    assert len({one.user_update.update_id for one in erased}) in (1, 2)


def test_a_server_may_answer_with_the_pseudonym_it_read_in_a_push() -> None:
    pseudonyms = Pseudonyms(KEYS)
    former = pseudonyms.every("ada")[1]
    opened = {"userId": former, "outcome": "OUTCOME_OPENED", "commandId": "c"}
    assert [key.decode() for key, _ in FeedbackMaker(LIMITS, "refuse", pseudonyms).make(opened, 0, SERVER)] == [former]


def test_a_user_who_is_called_as_the_pseudonym_of_another_gets_one_like_everybody() -> None:
    pseudonyms = Pseudonyms(KEYS)
    name = pseudonyms.current("ada")
    ((key, _),) = EventMaker(LIMITS, "refuse", pseudonyms).make({"type": 1}, 0, Request(Caller(name, name), NOW, "r"))
    assert key.decode() == pseudonyms.current(name) != name


def test_a_browser_cannot_speak_for_another_by_their_pseudonym() -> None:
    pseudonyms = Pseudonyms(KEYS)
    browser = Request(Caller("eve", "eve"), NOW, "r")
    with pytest.raises(Refusal, match="token"):
        EventMaker(LIMITS, "refuse", pseudonyms).make({"userId": pseudonyms.current("ada"), "type": 1}, 0, browser)
