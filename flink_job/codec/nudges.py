"""Nudges as bytes."""

from __future__ import annotations

import math

from flink_job.core.learning.effects import NudgeUser
from kairos.v1 import signal_pb2


def encode_nudge(nudge: NudgeUser) -> bytes:
    """The signal that asks for a decision about `nudge.user_id`, which is its key."""
    signal = signal_pb2.Signal()
    body = signal.nudge
    body.nudge_id, body.user_id, body.item_id = nudge.nudge_id, nudge.user_id, nudge.item_id
    body.trigger = int(nudge.trigger)  # type: ignore[assignment]  # the numbers are the contract's
    body.occurred_at_ms, body.expires_at_ms, body.boost = nudge.at_ms, nudge.expires_at_ms, nudge.boost
    if not math.isnan(nudge.price_before):
        body.price_before, body.price_after = nudge.price_before, nudge.price_after
    return signal.SerializeToString()
