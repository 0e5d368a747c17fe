"""What a record must be, beyond its types: what the job would make a dead letter of is refused here, with the field named.

The job's own rules are `flink_job/codec/signals.py` and `items.py`; a test holds that whatever passes here passes there. Limits that the schemas
state and the job does not enforce (it cuts off) are enforced here, where somebody can be told.
"""

from __future__ import annotations

import difflib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import available_timezones

from gateway.collector.refusal import Refusal
from kairos.v1 import feedback_pb2, interaction_pb2, item_pb2, signal_pb2

_KINDS = frozenset(interaction_pb2.InteractionType.values()) - {interaction_pb2.INTERACTION_TYPE_UNSPECIFIED}
_OUTCOMES = frozenset(feedback_pb2.Outcome.values()) - {feedback_pb2.OUTCOME_UNSPECIFIED}
_ABOUT_ALL_PUSHES = (feedback_pb2.OUTCOME_SUBSCRIBED, feedback_pb2.OUTCOME_UNSUBSCRIBED)
_MOST_ATTRIBUTES = 32
_MOST_ITEM_ATTRIBUTES = 64
_LONGEST_ATTRIBUTE = 256
_MOST_CATEGORIES = 16
_MOST_TAGS = 32
_LONGEST_TITLE = 200
_LONGEST_SUMMARY = 500
_LONGEST_ZONE = 64
_LONGEST_LOCALE = 35
_MOST_WORDS, _LONGEST_WORD = 16, 32


@dataclass(frozen=True, slots=True)
class RecordLimits:
    """The job's limits: sizes in bytes, times in milliseconds, `feature_dim` numbers in an item's features."""

    max_record_bytes: int
    max_id_bytes: int
    max_age_ms: int
    max_future_ms: int
    feature_dim: int


def check_interaction(message: interaction_pb2.Interaction, limits: RecordLimits, now_ms: int) -> None:
    """Raises Refusal."""
    check_id("eventId", message.event_id, limits)
    check_id("userId", message.user_id, limits)
    if message.type not in _KINDS:
        raise _missing_or_unknown("type", message.type, "interaction type")
    check_time("occurredAtMs", message.occurred_at_ms, limits, now_ms)
    check_id("itemId", message.item_id, limits)
    check_id("creatorId", message.creator_id, limits)
    if not 0 <= message.completion <= 1:
        raise Refusal("invalid_field", "completion", "must be between 0 and 1")
    if not 0 <= message.rating <= 1:
        raise Refusal("invalid_field", "rating", "must be between 0 and 1: scale stars to it")
    for name in ("value", "quantity"):
        _check_finite(name, getattr(message, name))
    if message.HasField("context"):
        context = message.context
        _check_place("context.", context.country, context.locale)
        if len(context.time_zone) > _LONGEST_ZONE:
            raise Refusal("invalid_field", "context.timeZone", f"may have at most {_LONGEST_ZONE} characters")
    if message.attributes:
        _check_attributes(message.attributes, _MOST_ATTRIBUTES, _LONGEST_ATTRIBUTE)


def check_feedback(message: feedback_pb2.Feedback, limits: RecordLimits, now_ms: int) -> None:
    """Raises Refusal."""
    check_id("feedbackId", message.feedback_id, limits)
    check_id("userId", message.user_id, limits)
    check_id("commandId", message.command_id, limits)
    if message.outcome not in _OUTCOMES:
        raise _missing_or_unknown("outcome", message.outcome, "outcome")
    if not message.command_id and message.outcome not in _ABOUT_ALL_PUSHES:
        raise Refusal("missing_field", "commandId", "which push is it about?")
    check_time("occurredAtMs", message.occurred_at_ms, limits, now_ms)
    _check_finite("value", message.value)


def check_item(message: item_pb2.Item, limits: RecordLimits) -> None:
    """Raises Refusal."""
    if not message.item_id:
        raise Refusal("missing_field", "itemId", "is missing")
    check_id("itemId", message.item_id, limits)
    check_id("creatorId", message.creator_id, limits)
    if message.features:
        _check_features(message.features, limits.feature_dim)
    for name, given in (("price", message.price), ("listPrice", message.list_price), ("editorialBoost", message.editorial_boost)):
        _check_finite(name, given)
    for name, count, most in (("categories", len(message.categories), _MOST_CATEGORIES), ("tags", len(message.tags), _MOST_TAGS)):
        if count > most:
            raise Refusal("invalid_field", name, f"{count} are given, at most {most} are allowed")
    for language, text in message.texts.items():
        if len(text.title) > _LONGEST_TITLE:
            raise Refusal("invalid_field", f"texts.{language[:35]}.title", f"may have at most {_LONGEST_TITLE} characters")
        if len(text.summary) > _LONGEST_SUMMARY:
            raise Refusal("invalid_field", f"texts.{language[:35]}.summary", f"may have at most {_LONGEST_SUMMARY} characters")
    if message.attributes:
        _check_attributes(message.attributes, _MOST_ITEM_ATTRIBUTES, limits.max_record_bytes)


def check_user_update(message: signal_pb2.UserUpdate, limits: RecordLimits, now_ms: int) -> None:
    """Raises Refusal."""
    check_id("updateId", message.update_id, limits)
    check_id("userId", message.user_id, limits)
    check_time("occurredAtMs", message.occurred_at_ms, limits, now_ms)
    _check_place("", message.country, message.locale)
    for name, words in (("purposes", message.purposes), ("segments", message.segments)):
        if len(words) > _MOST_WORDS:
            raise Refusal("invalid_field", name, f"{len(words)} are given, at most {_MOST_WORDS} are allowed")
        for place, word in enumerate(words):
            if len(word) > _LONGEST_WORD:
                raise Refusal("invalid_field", f"{name}[{place}]", f"may have at most {_LONGEST_WORD} characters")
    if message.time_zone and message.time_zone not in zones():
        near = difflib.get_close_matches(message.time_zone[:_LONGEST_ZONE], zones(), n=1)
        raise Refusal("invalid_field", "timeZone", "there is no such time zone" + (f"; did you mean {near[0]}?" if near else ""))


def check_id(field: str, text: str, limits: RecordLimits) -> None:
    """An id is short, and does not begin with a null: that is how the job marks records without a key. Raises Refusal."""
    if len(text) > limits.max_id_bytes or (not text.isascii() and len(text.encode()) > limits.max_id_bytes):
        raise Refusal("invalid_field", field, f"may have at most {limits.max_id_bytes} bytes")
    if text.startswith("\0"):
        raise Refusal("invalid_field", field, "may not begin with a null")


def check_time(field: str, at_ms: int, limits: RecordLimits, now_ms: int) -> None:
    """0 is none: Kafka's time stamp counts then. Raises Refusal."""
    if not at_ms:
        return
    if now_ms - at_ms > limits.max_age_ms:
        raise Refusal("too_late", field, f"{now_ms - at_ms} ms ago, at most {limits.max_age_ms} are accepted")
    if at_ms - now_ms > limits.max_future_ms:
        raise Refusal("future", field, f"{at_ms - now_ms} ms ahead, at most {limits.max_future_ms} are accepted")


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Names of time zones that are known here."""
    return frozenset(available_timezones())


def _missing_or_unknown(field: str, number: int, what: str) -> Refusal:
    if number == 0:
        return Refusal("missing_field", field, f"is missing: which {what}?")
    return Refusal("invalid_field", field, f"{number} is no {what}")


def _check_place(inside: str, country: str, locale: str) -> None:
    """The job would cut off: of PRT, Portugal's three letters, PR would be left, which is Puerto Rico."""
    if country and (len(country) != 2 or not country.isalpha()):
        raise Refusal("invalid_field", f"{inside}country", "must be two letters (ISO 3166-1 alpha-2)")
    if len(locale) > _LONGEST_LOCALE:
        raise Refusal("invalid_field", f"{inside}locale", f"may have at most {_LONGEST_LOCALE} characters")


def _check_finite(field: str, number: float) -> None:
    if not math.isfinite(number):
        raise Refusal("invalid_field", field, "must be a finite number")


def _check_attributes(attributes: Mapping[str, str], most: int, longest: int) -> None:
    if len(attributes) > most:
        raise Refusal("invalid_field", "attributes", f"{len(attributes)} are given, at most {most} are allowed")
    for key, value in attributes.items():
        if len(key.encode()) > longest or len(value.encode()) > longest:
            raise Refusal("invalid_field", f"attributes.{key[:64]}", f"keys and values may have at most {longest} bytes")


def _check_features(packed: bytes, dim: int) -> None:
    if len(packed) != 4 * dim:
        raise Refusal(
            "invalid_field", "features", f"{len(packed)} bytes, but {dim} little-endian float32 (catalogue.feature_dim) are {4 * dim}"
        )
    if not all(map(math.isfinite, struct.unpack(f"<{dim}f", packed))):
        raise Refusal("invalid_field", "features", "holds a value that is not a finite number")
