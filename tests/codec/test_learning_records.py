"""Item signals, knowledge of items, and item states: what is written reads as it was meant, and what cannot be is refused by name."""

import math
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.codec.errors import DecodeError
from flink_job.codec.item_knowledge import FactsDecoder, encode_facts
from flink_job.codec.item_signals import ItemSignalDecoder, encode_item_signal
from flink_job.codec.item_state import decode_item_state, encode_item_state
from flink_job.codec.item_versions import decode_version
from flink_job.codec.nudges import encode_nudge
from flink_job.codec.state import UnknownStateVersion
from flink_job.core.learning.effects import NudgeUser
from flink_job.core.learning.facts import ItemFacts, PriceFacts, SegmentFacts, WordingFacts
from flink_job.core.learning.signals import ItemSignal, Posted, PushOutcome, PushStage, Visit, VisitHour, Watch, WatchReason, WordingRound
from flink_job.core.learning.state import ItemState
from flink_job.core.local_time import SLOTS
from flink_job.core.signals import Nudge, Trigger
from kairos.v1 import knowledge_pb2, learning_pb2
from tests.codec.messages import decoder, item_record
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, MINUTE

AT = MONDAY_0930
ORIGIN = f"kairos.item-signals/3/7/{AT}"
SIGNALS = ItemSignalDecoder(max_record_bytes=4096, max_id_bytes=128, max_future_ms=MINUTE)
FACTS = FactsDecoder(max_record_bytes=65536, max_id_bytes=128)
BODIES = [
    Visit(["mug", "saucer"], [4.5, 1.0], [AT - 5, AT], [31.5, 0.0], 1),
    PushOutcome("mug", "mugs", PushStage.OPENED, Trigger.PRICE_DROP, AT - DAY, 9, 0.25),
    PushOutcome("mug", "", PushStage.SENT, 0, AT, -1, 0.0),
    Watch("ann", "mug", "", (WatchReason.CART, WatchReason.SUBSCRIBED)),
    Watch("ann", "", "potter", ()),
    Posted("post", "potter", AT - 7),
    WordingRound(["plain", "warm", "short"], [0.5, 0.25, 0.25], PushStage.OPENED, AT - MINUTE),
    VisitHour(167),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_a_signal_reads_as_it_was_written_for_each_of_its_keys(body: Any) -> None:
    signal = ItemSignal("signal-1", ("item/mug", "segment/DE"), AT, "DE", body)
    key, value = encode_item_signal(signal)
    assert key == "item/mug\nsegment/DE"
    assert [SIGNALS.decode(each, value, ORIGIN, AT) for each in key.split("\n")] == [replace(signal, keys=(each,)) for each in signal.keys]


def test_a_visit_carries_the_segments_of_the_user_and_what_is_too_much_of_them_is_cut_off() -> None:
    segments = ("loyal", "parents")
    _, value = encode_item_signal(ItemSignal("signal-1", ("item/mug", "item/saucer"), AT, "DE", BODIES[0], segments))
    assert [SIGNALS.decode(key, value, ORIGIN, AT).segments for key in ("item/mug", "item/saucer")] == [segments, segments]
    _, value = encode_item_signal(ItemSignal("signal-2", ("item/mug",), AT, "DE", BODIES[0], tuple("x" * 40 for _ in range(20))))
    assert SIGNALS.decode("item/mug", value, ORIGIN, AT).segments == ("x" * 32,) * 2


def test_a_signal_without_id_or_time_has_its_places() -> None:
    _, value = encode_item_signal(ItemSignal("", ("item/mug",), 0, "", BODIES[1]))
    signal = SIGNALS.decode("item/mug", value, ORIGIN, AT)
    assert (signal.signal_id, signal.at_ms) == ("kairos.item-signals/3/7", AT)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (Visit([], [], [], []), "visit"),
        (Visit(["mug"] * 17, [1.0] * 17, [AT] * 17, [0.0] * 17), "from 1 to 16"),
        (Visit(["mug", "cup"], [1.0], [AT], [0.0]), "one length"),
        (Visit(["mug"], [math.nan], [AT], [0.0]), "visit.ratings"),
        (Visit(["mug"], [-1.0], [AT], [0.0]), "visit.ratings"),
        (Visit(["mug"], [1.0], [AT], [-1.0]), "visit.rating_sums"),
        (Visit(["mug"], [1.0], [AT + DAY], [0.0]), "visit.at_ms"),
        (Visit(["mug"], [1.0], [AT], [0.0], 2), "visit.told"),
        (Visit([""], [1.0], [AT], [0.0]), "visit.item_ids"),
        (PushOutcome("mug", "", 0, 0, AT), "push.stage"),
        (PushOutcome("mug", "", 1, 0, AT + DAY), "push.sent_at_ms"),
        (WordingRound(["a"], [1.0], 1, AT), "wording"),
        (WordingRound(["a"] * 7, [0.1] * 7, 1, AT), "from 2 to 6"),
        (WordingRound(["a", "b"], [1.0], 1, AT), "one length"),
        (WordingRound(["a", ""], [0.5, 0.5], 1, AT), "wording.template_ids"),
        (WordingRound(["a", "b"], [0.5, 0.0], 1, AT), "wording.propensities"),
        (WordingRound(["a", "b"], [0.5, math.nan], 1, AT), "wording.propensities"),
        (WordingRound(["a", "b"], [0.5, 0.5], PushStage.DISMISSED, AT), "wording.stage"),
        (WordingRound(["a", "b"], [0.5, 0.5], 1, AT + DAY), "wording.sent_at_ms"),
        (VisitHour(168), "visit_hour.slot"),
        (VisitHour(-1), "visit_hour.slot"),
        (Watch("", "mug", "", ()), "watch"),
        (Watch("ann", "", "", ()), "watch"),
        (Watch("ann", "m" * 129, "", ()), "watch"),
        (Watch("ann", "mug", "", (9,)), "watch.reasons"),
    ],
)
def test_what_cannot_be_is_refused_by_name(body: Any, named: str) -> None:
    _, value = encode_item_signal(ItemSignal("s", ("item/mug",), AT, "", body))
    with pytest.raises(DecodeError, match=named):
        SIGNALS.decode("item/mug", value, ORIGIN, AT)


def test_the_future_and_the_empty_are_refused() -> None:
    _, value = encode_item_signal(ItemSignal("s", ("item/mug",), AT + DAY, "", BODIES[0]))
    with pytest.raises(DecodeError, match="occurred_at_ms"):
        SIGNALS.decode("item/mug", value, ORIGIN, AT)
    with pytest.raises(DecodeError, match="body"):
        SIGNALS.decode("item/mug", learning_pb2.ItemSignal(signal_id="s").SerializeToString(), ORIGIN, AT)
    with pytest.raises(DecodeError, match="null"):
        SIGNALS.decode("item/mug", None, ORIGIN, AT)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_signal_and_facts_or_a_decode_error(payload: bytes) -> None:
    for read in (lambda: SIGNALS.decode("item/mug", payload, ORIGIN, AT), lambda: FACTS.decode("item/mug", payload, AT, AT)):
        with suppress(DecodeError):
            read()


ITEM_FACTS = ItemFacts(
    "mug", AT, 31.5, (("BR", 20.25), ("DE", 4.5)), 42.75, ("saucer", "kettle"), (0.75, 0.5), (9.0, 4.0, 2.0, 1.0, 0.5), AT, "mugs", True
)


def test_facts_read_as_they_were_written() -> None:
    assert FACTS.decode("item/mug", encode_facts(ITEM_FACTS), AT, AT) == ITEM_FACTS
    gone = ItemFacts("mug", AT, gone=True)
    assert FACTS.decode("item/mug", encode_facts(gone), AT, AT) == gone == FACTS.decode("item/mug", None, AT, AT)
    slots = np.arange(SLOTS * 4, dtype=np.float32).reshape(SLOTS, 4)
    read = FACTS.decode("segment/DE", encode_facts(SegmentFacts("DE", AT, AT - 1, slots)), AT, AT)
    assert isinstance(read, SegmentFacts)
    assert (read.segment, read.made_at_ms, read.as_of_ms) == ("DE", AT, AT - 1)
    assert read.slots.tolist() == slots.tolist()
    slots[:, 3] = 0.0
    without = encode_facts(SegmentFacts("DE", AT, AT - 1, slots))
    assert not knowledge_pb2.Knowledge.FromString(without).segment.visits_by_slot  # as records of before there were visits
    read = FACTS.decode("segment/DE", without, AT, AT)
    assert isinstance(read, SegmentFacts)
    assert read.slots.tolist() == slots.tolist()
    wording = WordingFacts("plain", AT, (5.0, 10.0, 50.0, 0.0, 2.5, 6.25), AT - 1)
    assert FACTS.decode("wording/plain", encode_facts(wording), AT, AT) == wording
    assert FACTS.decode("wording/plain", None, AT, AT) == WordingFacts("plain", AT, as_of_ms=AT)
    for price in (PriceFacts(AT, 0.002, AT + 1), PriceFacts(AT, 0.0)):
        assert FACTS.decode("price/all", encode_facts(price), AT, AT) == price
    assert FACTS.decode("price/all", None, AT, AT) == PriceFacts(AT)


@pytest.mark.parametrize(
    ("key", "facts", "named"),
    [
        ("item/cup", ITEM_FACTS, "differs from the record's"),
        ("segment/mug", ITEM_FACTS, "differs from the record's"),
        ("item/mug", replace(ITEM_FACTS, made_at_ms=AT + 1), "made_at_ms"),
        ("item/mug", replace(ITEM_FACTS, made_at_ms=0), "made_at_ms"),
        ("item/mug", replace(ITEM_FACTS, popularity=math.nan), "negative or no number"),
        ("item/mug", replace(ITEM_FACTS, outcomes=(-0.5, 0.0, 0.0, 0.0, 0.0)), "negative or no number"),
        ("item/mug", replace(ITEM_FACTS, neighbours=("a",) * 65, similarities=(0.5,) * 65), "at most 64"),
        ("wording/plain", ITEM_FACTS, "differs from the record's"),
        ("wording/", WordingFacts("", AT), "wording.template_id"),
        ("wording/plain", WordingFacts("plain", AT, (-1.0, 0.0, 0.0, 0.0, 0.0, 0.0)), "wording: has a sum"),
        ("wording/plain", WordingFacts("plain", AT, (math.nan, 0.0, 0.0, 0.0, 0.0, 0.0)), "wording: has a sum"),
        ("price/all", ITEM_FACTS, "differs from the record's"),
        ("price/all", PriceFacts(AT, -0.5), "price.price"),
        ("price/all", PriceFacts(AT, math.inf), "price.price"),
        ("price/all", PriceFacts(AT, 0.5, AT), "price.valid_until_ms"),
        ("segment/DE", SegmentFacts("DE", AT, AT, np.zeros((7, 4), np.float32)), "outcomes_by_slot"),
        ("segment/DE", SegmentFacts("DE", AT, AT, np.full((SLOTS, 4), -1, np.float32)), "outcomes_by_slot"),
    ],
)
def test_facts_that_cannot_be_are_refused_by_name(key: str, facts: Any, named: str) -> None:
    with pytest.raises(DecodeError, match=named):
        FACTS.decode(key, encode_facts(facts), AT, AT)


def test_a_nudge_is_a_signal_the_user_operator_takes() -> None:
    payload = encode_nudge(NudgeUser("n-1", "ann", Trigger.PRICE_DROP, "mug", AT, AT + DAY, 0.25, 10.0, 8.0))
    assert decoder().decode("ann", payload, ORIGIN, AT) == Nudge("n-1", Trigger.PRICE_DROP, "mug", AT, AT + DAY, 0.25)


def test_of_an_item_the_item_operator_reads_what_it_needs() -> None:
    record = item_record("mug", price=9.5, stock=3, categories=["home", "mugs"], creator_id="potter", deleted=True)
    version, deleted = decode_version("mug", record, 4096, 128)
    assert deleted
    assert (version.price, version.stock, version.category, version.creator_id) == (9.5, 3, "mugs", "potter")
    plain, _ = decode_version("mug", item_record("mug", creator_id="c" * 129), 4096, 128)
    assert (math.isnan(plain.price), plain.stock, plain.category, plain.creator_id) == (True, None, "", "")
    with pytest.raises(DecodeError, match="item_id"):
        decode_version("cup", record, 4096, 128)


GOLDEN = Path(__file__).parent / "golden" / "item_state_v1.bin"


def golden_state() -> ItemState:
    """Every field has a value that is not the default."""
    state = ItemState(1.5, AT, {"DE": 1.25}, [5.0, 4.0, 3.0, 2.0, 1.0], np.full((SLOTS, 4), 0.5, np.float32), AT + 1, 7.5, AT + 2)
    state.neighbour_ids = ["saucer", "kettle"]
    state.neighbour_key.extend([3, 2**64 - 1])
    state.neighbour_weight.extend([1.5, 0.25])
    state.neighbour_rating_sum.extend([9.0, 0.0])
    state.watchers = ["ann", "Ζωή"]
    state.watched_at_ms.extend([AT, AT + 3])
    state.watch_reasons.extend([1, 6])
    state.updated_at_ms, state.price, state.stock, state.creator_id, state.category = AT + 4, 9.5, 0, "potter", "mugs"
    state.deleted = state.posted = True
    state.seen, state.released_at_ms, state.release_due_ms = b"12345678", AT + 5, AT + 6
    state.unreleased_ratings, state.unreleased_outcomes, state.unreleased_visits = 0.5, 2.0, 3.0
    state.wording = [5.0, 10.0, 50.0, 0.0, 2.5, 6.25]
    return state


def test_every_field_of_an_item_state_is_written_and_read() -> None:
    state, empty = golden_state(), ItemState()
    for each in fields(ItemState):
        assert repr(getattr(state, each.name)) != repr(getattr(empty, each.name)), f"give {each.name} a value above"
    assert repr(decode_item_state(encode_item_state(state))) == repr(state)
    assert repr(decode_item_state(encode_item_state(empty))) == repr(empty)


def test_a_state_of_version_1_reads_as_it_was_written() -> None:
    """The file was written by the release that introduced the version."""
    slots = np.tile(np.array([0.5, 0.5, 0.5, 0.0], np.float32), (SLOTS, 1))
    written = replace(golden_state(), wording=[], slots=slots, unreleased_visits=0.0)  # there were neither wordings nor visits then
    assert repr(decode_item_state(GOLDEN.read_bytes())) == repr(written)
    with pytest.raises(UnknownStateVersion, match="version 2"):
        decode_item_state(b"\x02" + GOLDEN.read_bytes()[1:])
