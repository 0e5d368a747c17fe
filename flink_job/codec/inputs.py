"""What a decision read, as the field `inputs` of its record and from it.

States, signals and items are there as bytes already. Encoded messages may be put into others and joined, so none of them is parsed to be written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from flink_job.codec.slots import decode_slots, encode_slots
from flink_job.core.candidates import Found
from flink_job.core.index.columns import Rows
from flink_job.core.learning.facts import PriceFacts
from flink_job.core.outcome_counts import Probabilities
from flink_job.core.recalled import Noted
from flink_job.core.witness import Finding, HoursAsked
from kairos.v1 import decision_pb2
from kairos.v1.decision_pb2 import Inputs

_LITTLE_FLOAT64 = np.dtype("<f8")
_LENGTH_DELIMITED = 2
_TOLD = 1
"""When the price was told, which does not matter any more."""
_IN_DECISION = decision_pb2.Decision.INPUTS_FIELD_NUMBER


@dataclass(frozen=True, slots=True)
class Call:
    """What the policy was called with. `state`: the user's as it is stored, None for a new one.

    Either a signal's record was read at `origin`, or (`payload` None) the wake-up for `wake_at_ms` fired.
    """

    state: bytes | None
    payload: bytes | None
    origin: str
    wake_at_ms: int
    wall_ms: int
    hold_until_ms: int


@dataclass(frozen=True, slots=True)
class Shared:
    """What all users share, as far as it was read: records of items, ascending by their rows; findings in rows of that order; see `Inputs`."""

    feature_dim: int
    items: Sequence[bytes]
    noted: Sequence[Noted]
    hours: Sequence[HoursAsked]
    stopped: Sequence[int]
    price: PriceFacts


def encode_inputs(call: Call, shared: Shared, log_rate: float) -> bytes:
    """The field, to be joined to an encoded Decision."""
    head = Inputs(
        wake_at_ms=call.wake_at_ms,
        wall_ms=call.wall_ms,
        hold_until_ms=call.hold_until_ms,
        origin=call.origin,
        state_version=call.state[0] if call.state else 0,
        feature_dim=shared.feature_dim,
        findings=map(_finding, shared.noted),
        hours=map(_hours, shared.hours),
        stopped=shared.stopped,
        log_rate=log_rate,
        price=shared.price.price,
        price_valid_until_ms=shared.price.valid_until_ms,
    )
    parts = [head.SerializeToString()]
    if call.state is not None:
        parts += _field(Inputs.USER_FIELD_NUMBER, call.state[1:])
    if call.payload is not None:
        parts += _field(Inputs.SIGNAL_FIELD_NUMBER, call.payload)
    for item in shared.items:
        parts += _field(Inputs.ITEMS_FIELD_NUMBER, item)
    return b"".join(_field(_IN_DECISION, b"".join(parts)))


def decode_call(inputs: Inputs) -> Call:
    """What the policy was called with."""
    return Call(
        state=bytes([inputs.state_version]) + inputs.user.SerializeToString() if inputs.HasField("user") else None,
        payload=inputs.signal.SerializeToString() if inputs.HasField("signal") else None,
        origin=inputs.origin,
        wake_at_ms=inputs.wake_at_ms,
        wall_ms=inputs.wall_ms,
        hold_until_ms=inputs.hold_until_ms,
    )


def decode_shared(inputs: Inputs) -> Shared:
    """What all users share. Raises ValueError for columns of a wrong length, and for places that no item has."""
    places = [*inputs.stopped, *(place for finding in inputs.findings for each in finding.sources for place in each.places)]
    if max(places, default=-1) >= len(inputs.items):
        raise ValueError(f"place {max(places)} among {len(inputs.items)} items")
    return Shared(
        feature_dim=inputs.feature_dim,
        items=[item.SerializeToString() for item in inputs.items],
        noted=list(map(_noted, inputs.findings)),
        hours=list(map(decode_hours, inputs.hours)),
        stopped=list(inputs.stopped),
        price=PriceFacts(_TOLD, inputs.price, inputs.price_valid_until_ms),
    )


def decode_hours(message: decision_pb2.KnownHours) -> HoursAsked:
    """What was known of others' hours. Raises ValueError for columns of a wrong length."""
    if not message.everybody:
        return HoursAsked(message.country, message.hour, None)
    everybody = decode_slots(message.everybody, message.everybody_visits)
    return HoursAsked(message.country, message.hour, (everybody, decode_slots(message.segment, message.segment_visits)))


def _finding(noted: Noted) -> decision_pb2.Finding:
    finding = noted.finding
    message = decision_pb2.Finding(now_ms=finding.now_ms, about=finding.about_key, only=finding.only)
    for source, rows in finding.found.by_source:
        message.sources.add(source=source, places=rows.tolist())
    if noted.rates is not None:
        message.p_open, message.p_convert = (rates.astype(_LITTLE_FLOAT64).tobytes() for rates in noted.rates)
    return message


def _noted(message: decision_pb2.Finding) -> Noted:
    found = Found(tuple((each.source, np.array(each.places, np.intp)) for each in message.sources))
    finding = Finding(message.now_ms, message.about, message.only, found)
    if not message.p_open:
        return Noted(finding, None)
    return Noted(finding, (_rates(message.p_open, found.rows), _rates(message.p_convert, found.rows)))


def _rates(packed: bytes, rows: Rows) -> Probabilities:
    rates: Probabilities = np.frombuffer(packed, _LITTLE_FLOAT64).astype(np.float64)
    if len(rates) != len(rows):
        raise ValueError(f"rates of {len(rates)} candidates, but {len(rows)} were found")
    return rates


def _hours(asked: HoursAsked) -> decision_pb2.KnownHours:
    message = decision_pb2.KnownHours(country=asked.country, hour=asked.hour)
    if asked.week is not None:
        everybody, segment = asked.week
        message.everybody, message.everybody_visits = encode_slots(everybody)
        message.segment, message.segment_visits = encode_slots(segment)
    return message


def _field(number: int, payload: bytes) -> Iterable[bytes]:
    """A message as a field of another, as protobuf writes it."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(payload)), payload


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
