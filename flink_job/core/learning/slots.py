"""When a segment's pushes are opened: decayed sends, opens and conversions by hour of week of sending, (168, 3). The prior of every user's own.

An outcome counts in the slot and as of the time of the *sending*, never of the opening: what is to be chosen is when to send.
"""

from __future__ import annotations

import numpy as np

from flink_job.core.learning.fading import times
from flink_job.core.learning.signals import PushStage
from flink_job.core.learning.state import SLOTS, ItemState
from flink_job.core.rules.learning import SlotRules

_COLUMN = {PushStage.SENT: 0, PushStage.OPENED: 1, PushStage.CONVERTED: 2}


def add_slot_outcome(rules: SlotRules, state: ItemState, stage: int, slot: int, sent_at_ms: int) -> bool:
    """Something became of a push sent in `slot`; False if that is nothing a slot counts."""
    column = _COLUMN.get(stage)  # type: ignore[call-overload]  # an int finds the IntEnum of its value
    if column is None or not 0 <= slot < SLOTS:
        return False
    if state.slots is None:
        state.slots = np.zeros((SLOTS, 3), np.float32)
    state.outcomes_at_ms, held, new = times(state.outcomes_at_ms, sent_at_ms, rules.half_life_ms)
    if held != 1.0:
        state.slots *= np.float32(held)
    state.slots[slot, column] += np.float32(new)
    return True
