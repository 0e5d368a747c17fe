"""Records as producers send them."""

import hashlib
from typing import Any

import numpy as np

from flink_job.codec.signals import SignalDecoder, SignalLimits
from kairos.v1 import item_pb2, knowledge_pb2, signal_pb2
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, MINUTE

WALL = MONDAY_0930
LIMITS = SignalLimits(max_record_bytes=4_096, max_id_bytes=128, max_age_ms=30 * DAY, max_future_ms=MINUTE)
ORIGIN = f"kairos.interactions/3/4711/{WALL - 1_000}"

BODIES = ("interaction", "feedback", "nudge", "user_update")
ID_FIELD = {"interaction": "event_id", "feedback": "feedback_id", "nudge": "nudge_id", "user_update": "update_id"}


def signal(body: str, **fields: Any) -> bytes:
    """A signal that is fine, with these fields set: `signal("nudge", boost=2.0)`."""
    message = signal_pb2.Signal()
    inner = getattr(message, body)
    inner.user_id = "ann"
    setattr(inner, ID_FIELD[body], "event-1")
    inner.occurred_at_ms = WALL - 5_000
    if body == "interaction":
        inner.type, inner.item_id = 1, "mug"
    elif body == "feedback":
        inner.outcome, inner.command_id = 5, "f" * 32
    elif body == "nudge":
        inner.trigger, inner.item_id = 4, "mug"
    for name, value in fields.items():
        if isinstance(value, dict):
            for key, part in value.items():
                setattr(getattr(inner, name), key, part)
        elif isinstance(value, list):
            getattr(inner, name).extend(value)
        else:
            setattr(inner, name, value)
    return message.SerializeToString()


def decoder() -> SignalDecoder:
    return SignalDecoder(LIMITS)


def item_record(item_id: str = "mug", **fields: Any) -> bytes:
    """A catalogue record that is fine: two features of length 1."""
    values: dict[str, Any] = {"item_id": item_id, "updated_at_ms": WALL, "features": np.array([0.6, 0.8], "<f4").tobytes(), **fields}
    return item_pb2.Item(**values).SerializeToString()


def policy_record(document: str = "{}", **fields: Any) -> bytes:
    """A release of the policy "default", version "2", that is fine: `policy_record("send: {min_score: 0.9}", effective_at_ms=AT)`."""
    values: dict[str, Any] = {"policy_id": "default", "version": "2", "document": document, "made_at_ms": WALL, **fields}
    checksum = values.pop("checksum", hashlib.sha256(values["document"].encode()).digest())
    made_at_ms = values.pop("made_at_ms")
    release = knowledge_pb2.PolicyRelease(checksum=checksum, **values)
    return knowledge_pb2.Knowledge(made_at_ms=made_at_ms, policy=release).SerializeToString()
