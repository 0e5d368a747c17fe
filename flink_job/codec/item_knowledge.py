"""What is known of items, segments and wordings, and what a push costs, as knowledge records and from them.

Keys: `item/<item_id>`, `segment/<country>`, `wording/<template_id>`, `price/all`; others are not for here.
"""

from __future__ import annotations

import numpy as np
from google.protobuf.message import DecodeError as WireError

from flink_job.codec import errors
from flink_job.codec.errors import DecodeError
from flink_job.codec.limits import is_longer
from flink_job.codec.slots import decode_slots, encode_slots
from flink_job.core.learning.facts import Facts, ItemFacts, PriceFacts, SegmentFacts, WordingFacts
from flink_job.core.learning.signals import ITEM, PRICE_OF_ALL, SEGMENT, WORDING, item_key, segment_key, wording_key
from flink_job.core.learning.state import SLOT_COLUMNS
from flink_job.core.local_time import SLOTS
from flink_job.core.rules.learning import MOST_GROUPS, MOST_NEIGHBOURS
from kairos.v1 import knowledge_pb2

_EVERY_PUSH = PRICE_OF_ALL.partition("/")[2]
_LATEST_MS = 1 << 53
_WORDING_SUMS = ("opened_chosen", "weight_chosen", "squares_chosen", "opened_others", "weight_others", "squares_others")


def tells_facts(key: str) -> bool:
    """A record under this key tells of an item, a segment or a wording, or what a push costs."""
    return key.startswith((ITEM, SEGMENT, WORDING)) or key == PRICE_OF_ALL


def is_gone(facts: Facts) -> bool:
    """Nothing is known of it any more."""
    return type(facts) is ItemFacts and facts.gone


def encode_facts(facts: Facts) -> bytes:
    """The record that tells these facts."""
    message = knowledge_pb2.Knowledge(made_at_ms=facts.made_at_ms)
    if type(facts) is SegmentFacts:
        segment = message.segment
        segment.segment, segment.as_of_ms = facts.segment, facts.as_of_ms
        segment.outcomes_by_slot, segment.visits_by_slot = encode_slots(facts.slots)
    elif type(facts) is WordingFacts:
        wording = message.wording
        wording.template_id, wording.as_of_ms = facts.template_id, facts.as_of_ms
        for name, value in zip(_WORDING_SUMS, facts.sums, strict=True):
            setattr(wording, name, value)
    elif type(facts) is PriceFacts:
        price = message.price
        price.budget_id, price.price, price.valid_until_ms = _EVERY_PUSH, facts.price, facts.valid_until_ms
    elif type(facts) is ItemFacts:
        _fill_item(message.item, facts)
    return message.SerializeToString()


def _fill_item(item: knowledge_pb2.ItemKnowledge, facts: ItemFacts) -> None:
    item.item_id, item.gone = facts.item_id, facts.gone
    if facts.gone:
        return
    item.popularity, item.rating_sum, item.category, item.stopped = facts.popularity, facts.rating_sum, facts.category, facts.stopped
    for name, value in facts.by_group:
        item.popularity_by_segment[name] = value
    for item_id, similarity in zip(facts.neighbours, facts.similarities, strict=True):
        item.neighbours.add(item_id=item_id, similarity=similarity)
    if facts.outcomes_at_ms:
        outcomes = item.outcomes
        outcomes.sent, outcomes.opened, outcomes.converted, outcomes.dismissed, outcomes.opted_out = facts.outcomes
        outcomes.as_of_ms = facts.outcomes_at_ms
        item.uncertainty = 1.0 / (1.0 + facts.outcomes[0]) ** 0.5


class FactsDecoder:
    """Makes facts of knowledge records."""

    def __init__(self, max_record_bytes: int, max_id_bytes: int) -> None:
        self._max_record_bytes = max_record_bytes
        self._max_id_bytes = max_id_bytes

    def decode(self, key: str, payload: bytes | None, timestamp_ms: int, latest_ms: int) -> Facts:
        """The facts in `payload` under `key`; a null tells that an item is gone or a push costs nothing, as of the record's `timestamp_ms`.

        Raises DecodeError; also for facts made after `latest_ms`: no later ones could ever replace them.
        """
        if payload is None:
            return self._nothing(key, timestamp_ms)
        if len(payload) > self._max_record_bytes:
            raise DecodeError(errors.OVERSIZED, f"value: {len(payload)} bytes, at most {self._max_record_bytes} are allowed")
        message = knowledge_pb2.Knowledge()
        try:
            message.ParseFromString(payload)
        except WireError as error:
            raise DecodeError(errors.MALFORMED, "value: is not a kairos.v1.Knowledge") from error
        if message.made_at_ms <= 0:
            raise DecodeError(errors.MISSING_FIELD, "made_at_ms: is missing")
        if message.made_at_ms > latest_ms:
            raise DecodeError(errors.FUTURE, f"made_at_ms: {message.made_at_ms} is after {latest_ms}, the latest that is accepted now")
        which = message.WhichOneof("body")
        if which == "item":
            facts: Facts = self._item(message.item, message.made_at_ms)
            own_key = item_key(message.item.item_id)
        elif which == "segment":
            facts = self._segment(message.segment, message.made_at_ms)
            own_key = segment_key(message.segment.segment)
        elif which == "wording":
            facts = self._wording(message.wording, message.made_at_ms)
            own_key = wording_key(message.wording.template_id)
        elif which == "price":
            facts = _price(message.price, message.made_at_ms)
            own_key = f"price/{message.price.budget_id}"
        else:
            raise DecodeError(
                errors.KEY_MISMATCH, f"body: is {which or 'empty'}, but the key names an item, a segment, a wording or a price"
            )
        if own_key != key:
            raise DecodeError(errors.KEY_MISMATCH, f"body: makes the key {own_key}, which differs from the record's")
        return facts

    def _nothing(self, key: str, timestamp_ms: int) -> Facts:
        if key.startswith(ITEM):
            return ItemFacts(key.removeprefix(ITEM), timestamp_ms, gone=True)
        if key.startswith(WORDING):
            return WordingFacts(key.removeprefix(WORDING), timestamp_ms, as_of_ms=timestamp_ms)
        if key == PRICE_OF_ALL:
            return PriceFacts(timestamp_ms)
        return SegmentFacts(key.removeprefix(SEGMENT), timestamp_ms, timestamp_ms, np.zeros((SLOTS, SLOT_COLUMNS), np.float32))

    def _item(self, item: knowledge_pb2.ItemKnowledge, made_at_ms: int) -> ItemFacts:
        if not item.item_id or is_longer(item.item_id, self._max_id_bytes):
            raise DecodeError(errors.INVALID_FIELD, f"item.item_id: must have from 1 to {self._max_id_bytes} bytes")
        if len(item.neighbours) > MOST_NEIGHBOURS or len(item.popularity_by_segment) > MOST_GROUPS:
            raise DecodeError(errors.INVALID_FIELD, f"item: may have at most {MOST_NEIGHBOURS} neighbours and {MOST_GROUPS} segments")
        counts = item.outcomes
        outcomes = (counts.sent, counts.opened, counts.converted, counts.dismissed, counts.opted_out)
        similarities = tuple(neighbour.similarity for neighbour in item.neighbours)
        numbers = (item.popularity, item.rating_sum, *outcomes, *similarities, *item.popularity_by_segment.values())
        if not all(0.0 <= number < 1e300 for number in numbers):
            raise DecodeError(errors.INVALID_FIELD, "item: has a count or a similarity that is negative or no number")
        return ItemFacts(
            item_id=item.item_id,
            made_at_ms=made_at_ms,
            popularity=item.popularity,
            by_group=tuple(sorted(item.popularity_by_segment.items())),
            rating_sum=item.rating_sum,
            neighbours=tuple(neighbour.item_id for neighbour in item.neighbours),
            similarities=similarities,
            outcomes=outcomes,
            outcomes_at_ms=counts.as_of_ms,
            category=item.category,
            stopped=item.stopped,
            gone=item.gone,
        )

    def _segment(self, segment: knowledge_pb2.SegmentKnowledge, made_at_ms: int) -> SegmentFacts:
        try:
            slots = decode_slots(segment.outcomes_by_slot, segment.visits_by_slot)
        except ValueError as error:
            raise DecodeError(errors.INVALID_FIELD, f"segment.{error}") from error
        if not (np.isfinite(slots).all() and slots.min() >= 0):
            raise DecodeError(
                errors.INVALID_FIELD, "segment.outcomes_by_slot or segment.visits_by_slot: holds a value that is negative or no number"
            )
        return SegmentFacts(segment.segment, made_at_ms, segment.as_of_ms, slots)

    def _wording(self, wording: knowledge_pb2.WordingKnowledge, made_at_ms: int) -> WordingFacts:
        if not wording.template_id or is_longer(wording.template_id, self._max_id_bytes):
            raise DecodeError(errors.INVALID_FIELD, f"wording.template_id: must have from 1 to {self._max_id_bytes} bytes")
        sums = tuple(getattr(wording, name) for name in _WORDING_SUMS)
        if not all(0.0 <= value < 1e150 for value in sums):  # their squares are numbers, too
            raise DecodeError(errors.INVALID_FIELD, "wording: has a sum that is negative or no number")
        return WordingFacts(wording.template_id, made_at_ms, sums, wording.as_of_ms)


def _price(price: knowledge_pb2.BudgetPrice, made_at_ms: int) -> PriceFacts:
    if not 0.0 <= price.price < 1e300:
        raise DecodeError(errors.INVALID_FIELD, f"price.price: must be a number that is not negative, not {price.price}")
    if price.valid_until_ms and not made_at_ms < price.valid_until_ms <= _LATEST_MS:
        raise DecodeError(errors.INVALID_FIELD, f"price.valid_until_ms: {price.valid_until_ms} is no moment after made_at_ms")
    return PriceFacts(made_at_ms, price.price, price.valid_until_ms)
