"""When a segment is there and opens pushes: decayed sends, opens, conversions and visits by hour of week, (168, 4). The prior of every user's own.

An outcome counts in the slot and as of the time of the *sending*, never of the opening: what is to be chosen is when to send. A visit counts in the
slot and as of the time in which it began. All fade alike.

Counts are kept as of a landmark, `outcomes_at_ms`: what comes after it weighs more than 1, so that a signal changes one number. The landmark moves in
steps; fading by the milliseconds between the signals of a busy segment would be lost in the digits of a float32.
"""

from __future__ import annotations

import numpy as np

from flink_job.core.learning.fading import fading
from flink_job.core.learning.signals import PushStage
from flink_job.core.learning.state import SLOT_COLUMNS, VISITS, ItemState
from flink_job.core.local_time import SLOTS
from flink_job.core.rules.learning import SlotRules

_STEPS = 16
"""In which the landmark moves within a half-life."""
_COLUMN = {PushStage.SENT: 0, PushStage.OPENED: 1, PushStage.CONVERTED: 2}


def add_slot_outcome(rules: SlotRules, state: ItemState, stage: int, slot: int, sent_at_ms: int) -> bool:
    """Something became of a push sent in `slot`; False if that is nothing a slot counts."""
    column = _COLUMN.get(stage)  # type: ignore[call-overload]  # an int finds the IntEnum of its value
    if column is None or not 0 <= slot < SLOTS:
        return False
    _add(rules, state, slot, column, sent_at_ms)
    return True


def add_slot_visit(rules: SlotRules, state: ItemState, slot: int, began_at_ms: int) -> None:
    """Somebody of the segment was there; the visit began in `slot` at `began_at_ms`."""
    _add(rules, state, slot, VISITS, began_at_ms)


def _add(rules: SlotRules, state: ItemState, slot: int, column: int, at_ms: int) -> None:
    if state.slots is None:
        state.slots = np.zeros((SLOTS, SLOT_COLUMNS), np.float32)
    age_ms, half_life_ms = at_ms - state.outcomes_at_ms, rules.half_life_ms
    if age_ms * _STEPS >= half_life_ms:
        state.slots *= np.float32(fading(age_ms, half_life_ms))
        state.outcomes_at_ms, age_ms = at_ms, 0
    state.slots[slot, column] += np.float32(fading(-age_ms, half_life_ms))
