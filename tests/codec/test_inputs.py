"""What a decision read, as bytes and back."""

import numpy as np
import pytest

from flink_job.codec.inputs import Call, Shared, decode_call, decode_shared, encode_inputs
from flink_job.codec.state import StateCodec
from flink_job.core.candidates import Found
from flink_job.core.learning.facts import PriceFacts
from flink_job.core.recalled import Noted
from flink_job.core.state import new_user
from flink_job.core.witness import Finding, HoursAsked
from kairos.v1.decision_pb2 import Decision
from tests.codec.messages import WALL, item_record, signal

PAYLOAD = signal("interaction")
STATE = StateCodec.encode(new_user(2, WALL))
RATES = np.array([0.1, 0.1 + 2**-55]), np.array([1 / 3, 5e-324])
FINDING = Finding(WALL, 2**64 - 1, True, Found((("fresh", np.array([1, 0])), ("fresh", np.array([1])))))
WEEK = np.arange(672, dtype=np.float32).reshape(168, 4) / 7, np.zeros((168, 4), np.float32)
PRICE = PriceFacts(1, 0.25, WALL + 1)
SHARED = Shared(
    feature_dim=2,
    items=[item_record("cup"), item_record("mug" * 60)],
    noted=[Noted(FINDING, RATES)],
    hours=[HoursAsked("DE", 9, WEEK), HoursAsked("", 9, None)],
    stopped=[1],
    price=PRICE,
)


def decoded(call: Call, shared: Shared = SHARED) -> Decision:
    head = Decision(decision_id="d").SerializeToString()
    return Decision.FromString(head + encode_inputs(call, shared, 0.25))


@pytest.mark.parametrize(
    "call",
    [
        Call(STATE, PAYLOAD, "topic/1/2/3", 0, WALL, 0),
        Call(None, PAYLOAD, "topic/1/2/3", 0, WALL, WALL + 5),
        Call(STATE, None, "", WALL, WALL, 0),
    ],
    ids=["signal", "new user, held back", "wake-up"],
)
def test_a_call_reads_as_it_was_written(call: Call) -> None:
    assert decode_call(decoded(call).inputs) == call


def test_the_parts_are_joined_to_what_protobuf_would_have_written() -> None:
    decision = decoded(Call(STATE, PAYLOAD, "topic/1/2/3", 0, WALL, 0))
    assert decision.decision_id == "d"
    assert decision.inputs.log_rate == 0.25
    assert [item.item_id for item in decision.inputs.items] == ["cup", "mug" * 60]
    assert decision.inputs.signal.SerializeToString() == PAYLOAD
    assert Decision.FromString(decision.SerializeToString()) == decision


def test_what_is_shared_reads_bit_for_bit() -> None:
    shared = decode_shared(decoded(Call(STATE, PAYLOAD, "", 0, WALL, 0)).inputs)
    (noted,) = shared.noted
    assert (noted.finding.now_ms, noted.finding.about_key, noted.finding.only) == (WALL, 2**64 - 1, True)
    assert [(name, rows.tolist()) for name, rows in noted.finding.found.by_source] == [("fresh", [1, 0]), ("fresh", [1])]
    assert noted.rates is not None
    assert [each.tobytes() for each in noted.rates] == [each.tobytes() for each in RATES]
    first, second = shared.hours
    assert (first.country, first.hour, second.week) == ("DE", 9, None)
    assert first.week is not None
    assert [each.tobytes() for each in first.week] == [each.tobytes() for each in WEEK]
    assert (shared.stopped, shared.feature_dim, list(shared.items), shared.price) == ([1], 2, list(SHARED.items), PRICE)


def test_a_place_that_no_item_has_is_refused() -> None:
    decision = decoded(Call(STATE, PAYLOAD, "", 0, WALL, 0))
    del decision.inputs.items[1]
    with pytest.raises(ValueError, match="place 1 among 1 items"):
        decode_shared(decision.inputs)


def test_rates_that_are_not_of_the_candidates_are_refused() -> None:
    decision = decoded(Call(STATE, PAYLOAD, "", 0, WALL, 0))
    decision.inputs.findings[0].p_open = bytes(8)
    with pytest.raises(ValueError, match="rates of 1 candidates, but 2 were found"):
        decode_shared(decision.inputs)
