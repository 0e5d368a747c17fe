"""Item signals as bytes and from bytes."""

from __future__ import annotations

from google.protobuf.message import DecodeError as WireError

from flink_job.codec import errors
from flink_job.codec.errors import DecodeError
from flink_job.codec.item_versions import LONGEST_CATEGORY
from flink_job.codec.limits import is_longer
from flink_job.codec.origin import parse_origin
from flink_job.codec.signals import words_of
from flink_job.core.learning.signals import (
    KEY_SEPARATOR,
    MOST_SEGMENTS,
    MOST_WORDINGS,
    ItemSignal,
    ItemSignalBody,
    Posted,
    PushOutcome,
    PushStage,
    Visit,
    VisitHour,
    Watch,
    WatchReason,
    WordingRound,
)
from flink_job.core.local_time import SLOTS
from flink_job.core.rules.learning import MOST_VISITED
from kairos.v1 import learning_pb2

_STAGES = frozenset(int(stage) for stage in PushStage)
_WORDING_STAGES = frozenset({int(PushStage.SENT), int(PushStage.OPENED)})
_REASONS = frozenset(int(reason) for reason in WatchReason)
_MOST_RATING = 1e9
_LONGEST_SIGNAL_ID = 160


def encode_item_signal(signal: ItemSignal) -> tuple[str, bytes]:
    """Key and value of the record."""
    message = learning_pb2.ItemSignal(signal_id=signal.signal_id, occurred_at_ms=signal.at_ms, country=signal.country)
    if signal.segments:
        message.segments.extend(signal.segments)
    body = signal.body
    if type(body) is Visit:
        visit = message.visit
        visit.item_ids.extend(body.item_ids)
        visit.ratings.extend(body.ratings)
        visit.at_ms.extend(body.at_ms)
        visit.rating_sums.extend(body.rating_sums)
        visit.told = body.told
    elif type(body) is PushOutcome:
        push = message.push
        push.item_id, push.category, push.sent_at_ms, push.propensity = body.item_id, body.category, body.sent_at_ms, body.propensity
        push.stage = body.stage  # type: ignore[assignment]  # the numbers are the contract's
        push.trigger = body.trigger  # type: ignore[assignment]
        if body.slot >= 0:
            push.slot = body.slot
    elif type(body) is Watch:
        watch = message.watch
        watch.user_id, watch.item_id, watch.creator_id = body.user_id, body.item_id, body.creator_id
        watch.reasons.extend(body.reasons)  # type: ignore[arg-type]
    elif type(body) is Posted:
        posted = message.posted
        posted.item_id, posted.creator_id, posted.published_at_ms = body.item_id, body.creator_id, body.published_at_ms
    elif type(body) is WordingRound:
        wording = message.wording
        wording.template_ids.extend(body.template_ids)
        wording.propensities.extend(body.propensities)
        wording.stage, wording.sent_at_ms = body.stage, body.sent_at_ms  # type: ignore[assignment]
    elif type(body) is VisitHour:
        message.visit_hour.slot = body.slot
    return KEY_SEPARATOR.join(signal.keys), message.SerializeToString()


class ItemSignalDecoder:
    """Makes item signals of records, for one of the keys they concern."""

    __slots__ = ("_last", "_last_payload", "_max_future_ms", "_max_id_bytes", "_max_record_bytes", "_message")

    def __init__(self, max_record_bytes: int, max_id_bytes: int, max_future_ms: int) -> None:
        self._max_record_bytes = max_record_bytes
        self._max_id_bytes = max_id_bytes
        self._max_future_ms = max_future_ms
        self._message = learning_pb2.ItemSignal()
        self._last_payload = b""
        self._last: ItemSignal | None = None

    def decode(self, key: str, payload: bytes | None, origin: str, wall_ms: int) -> ItemSignal:
        """The signal in `payload`, for `key`. Raises DecodeError. Its body is shared with the other keys': not to be changed."""
        last = self._last
        if last is not None and payload == self._last_payload:  # one record comes once for each of its keys, one after the other
            return ItemSignal(last.signal_id, (key,), last.at_ms, last.country, last.body, last.segments)
        if payload is None:
            raise DecodeError(errors.NULL_VALUE, "value: an item signal cannot be null")
        if len(payload) > self._max_record_bytes:
            raise DecodeError(errors.OVERSIZED, f"value: {len(payload)} bytes, at most {self._max_record_bytes} are allowed")
        message = self._message
        try:
            message.ParseFromString(payload)
        except WireError as error:
            raise DecodeError(errors.MALFORMED, "value: is not a kairos.v1.ItemSignal") from error
        if len(message.signal_id) > _LONGEST_SIGNAL_ID:
            raise DecodeError(errors.INVALID_FIELD, f"signal_id: may have at most {_LONGEST_SIGNAL_ID} characters")
        at_ms = message.occurred_at_ms or parse_origin(origin).timestamp_ms
        latest_ms = wall_ms + self._max_future_ms
        body = self._body(message, latest_ms)
        if at_ms > latest_ms:
            raise DecodeError(errors.FUTURE, f"occurred_at_ms: {at_ms - wall_ms} ms ahead, at most {self._max_future_ms} are accepted")
        segments = words_of(message.segments)[:MOST_SEGMENTS] if message.segments else ()
        signal = ItemSignal(message.signal_id or parse_origin(origin).record_id, (key,), at_ms, message.country[:2], body, segments)
        if message.signal_id and message.occurred_at_ms:  # else it is not the payload alone that says what it is
            self._last_payload, self._last = payload, signal
        return signal

    def _body(self, message: learning_pb2.ItemSignal, latest_ms: int) -> ItemSignalBody:
        which = message.WhichOneof("body")
        if which == "visit":
            return self._visit(message.visit, latest_ms)
        if which == "push":
            return self._push(message.push, latest_ms)
        if which == "watch":
            return self._watch(message.watch)
        if which == "posted":
            posted = message.posted
            self._check_ids("posted", posted.item_id, posted.creator_id)
            return Posted(posted.item_id, posted.creator_id, min(posted.published_at_ms, latest_ms))
        if which == "wording":
            return self._wording(message.wording, latest_ms)
        if which == "visit_hour":
            return _visit_hour(message.visit_hour)
        raise DecodeError(errors.UNKNOWN_KIND, "body: holds none of visit, push, watch, posted, wording, visit_hour")

    def _visit(self, visit: learning_pb2.Visit, latest_ms: int) -> Visit:
        ids, ratings, at_ms, rating_sums = list(visit.item_ids), list(visit.ratings), list(visit.at_ms), list(visit.rating_sums)
        if not 0 < len(ids) == len(ratings) == len(at_ms) == len(rating_sums) <= MOST_VISITED:
            raise DecodeError(errors.INVALID_FIELD, f"visit: its columns must have one length, from 1 to {MOST_VISITED}")
        self._check_ids("visit.item_ids", *ids)
        if not all(0.0 < rating <= _MOST_RATING for rating in ratings):
            raise DecodeError(errors.INVALID_FIELD, f"visit.ratings: must be above 0, not {min(ratings)}")
        if not all(0.0 <= rating_sum <= _MOST_RATING for rating_sum in rating_sums):
            raise DecodeError(errors.INVALID_FIELD, f"visit.rating_sums: must not be negative, but one is {min(rating_sums)}")
        if max(at_ms) > latest_ms:
            raise DecodeError(errors.FUTURE, f"visit.at_ms: {max(at_ms)} is after {latest_ms}, the latest that is accepted now")
        if not 0 <= visit.told <= len(ids):
            raise DecodeError(errors.INVALID_FIELD, f"visit.told: {visit.told} of {len(ids)} items")
        return Visit(ids, ratings, at_ms, rating_sums, visit.told)

    def _push(self, push: learning_pb2.PushOutcome, latest_ms: int) -> PushOutcome:
        self._check_ids("push", push.item_id)
        if push.stage not in _STAGES:
            raise DecodeError(errors.INVALID_FIELD, f"push.stage: {push.stage} is no stage")
        if push.sent_at_ms > latest_ms:
            raise DecodeError(errors.FUTURE, f"push.sent_at_ms: {push.sent_at_ms} is after {latest_ms}, the latest that is accepted now")
        slot = push.slot if push.HasField("slot") else -1
        return PushOutcome(push.item_id, push.category[:LONGEST_CATEGORY], push.stage, push.trigger, push.sent_at_ms, slot, push.propensity)

    def _watch(self, watch: learning_pb2.Watch) -> Watch:
        self._check_ids("watch", watch.user_id, watch.item_id or watch.creator_id)
        if not _REASONS.issuperset(watch.reasons):
            raise DecodeError(errors.INVALID_FIELD, f"watch.reasons: {list(watch.reasons)} has one that is no reason")
        return Watch(watch.user_id, watch.item_id, watch.creator_id, tuple(watch.reasons))

    def _wording(self, told: learning_pb2.WordingRound, latest_ms: int) -> WordingRound:
        ids, propensities = list(told.template_ids), list(told.propensities)
        if not 2 <= len(ids) == len(propensities) <= MOST_WORDINGS:
            raise DecodeError(errors.INVALID_FIELD, f"wording: its columns must have one length, from 2 to {MOST_WORDINGS}")
        self._check_ids("wording.template_ids", *ids)
        if not all(0.0 < propensity <= 1.0 for propensity in propensities):
            raise DecodeError(errors.INVALID_FIELD, "wording.propensities: must be above 0 and at most 1")
        if told.stage not in _WORDING_STAGES:
            raise DecodeError(errors.INVALID_FIELD, f"wording.stage: {told.stage} is neither sent nor opened")
        if told.sent_at_ms > latest_ms:
            raise DecodeError(errors.FUTURE, f"wording.sent_at_ms: {told.sent_at_ms} is after {latest_ms}, the latest that is accepted now")
        return WordingRound(ids, propensities, told.stage, told.sent_at_ms)

    def _check_ids(self, name: str, *ids: str) -> None:
        for each in ids:
            if not each:
                raise DecodeError(errors.MISSING_FIELD, f"{name}: an id is missing")
            if is_longer(each, self._max_id_bytes):
                raise DecodeError(errors.INVALID_FIELD, f"{name}: an id may have at most {self._max_id_bytes} bytes")


def _visit_hour(told: learning_pb2.VisitHour) -> VisitHour:
    if not 0 <= told.slot < SLOTS:
        raise DecodeError(errors.INVALID_FIELD, f"visit_hour.slot: must be from 0 to {SLOTS - 1}, not {told.slot}")
    return VisitHour(told.slot)
