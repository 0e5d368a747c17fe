"""Counts by hour of week as bytes and from bytes: outcomes, (168, 3), and visits, (168,), which came later, packed little-endian float32."""

from __future__ import annotations

import numpy as np

from flink_job.core.learning.state import SLOT_COLUMNS, VISITS, SlotCounts
from flink_job.core.local_time import SLOTS

_LITTLE_FLOAT32 = np.dtype("<f4")
_OUTCOME_BYTES = SLOTS * VISITS * _LITTLE_FLOAT32.itemsize
_VISIT_BYTES = SLOTS * _LITTLE_FLOAT32.itemsize


def encode_slots(slots: SlotCounts) -> tuple[bytes, bytes]:
    """Outcomes and visits; where there are no visits, none are written."""
    packed = slots.astype(_LITTLE_FLOAT32)
    visits = packed[:, VISITS]
    return packed[:, :VISITS].tobytes(), visits.tobytes() if visits.any() else b""


def decode_slots(outcomes: bytes, visits: bytes) -> SlotCounts:
    """(168, 4). Raises ValueError, naming the column, for a wrong length."""
    if len(outcomes) != _OUTCOME_BYTES:
        raise ValueError(f"outcomes_by_slot: {len(outcomes)} bytes, {SLOTS} x {VISITS} float32 are {_OUTCOME_BYTES}")
    if len(visits) not in (0, _VISIT_BYTES):
        raise ValueError(f"visits_by_slot: {len(visits)} bytes, {SLOTS} float32 are {_VISIT_BYTES}")
    slots = np.zeros((SLOTS, SLOT_COLUMNS), np.float32)
    slots[:, :VISITS] = np.frombuffer(outcomes, _LITTLE_FLOAT32).reshape(SLOTS, VISITS)
    if visits:
        slots[:, VISITS] = np.frombuffer(visits, _LITTLE_FLOAT32)
    return slots
