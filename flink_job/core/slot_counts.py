"""What is remembered of a user's hours: visits by the hour of the week, and sends, opens and conversions by the hour of *sending*.

Decayed counts `n(t) = Σ_k 2^(−(t − t_k) / h)`, kept by forward decay (Cormode, Shkapenyuk, Srivastava, Xu, ICDE 2009) as sums relative to a
landmark, exact whatever the order of arrival, and only for hours in which there was something. An open counts for the hour in which its push
was sent and as of that moment, whenever it came: so opens are decayed like the sends they belong to, and their ratio is a rate.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from flink_job.core.rules.send_time import SendTimeRules
from flink_job.core.state import Floats, UserState

_MOST_DOUBLINGS = 32
"""Growth over the landmark after which it moves; 2³² leaves a float32 all its digits."""
_LEAST_COUNT = 2.0**-20
"""A count that has faded so far when the landmark moves is forgotten."""
_SENT, _OPENED, _CONVERTED = range(3)


class SlotCounts:
    """The rules of remembering hours, ready to use."""

    __slots__ = ("_activity_rate", "_fastest_rate", "_outcome_rate", "_visit_gap_ms")

    def __init__(self, rules: SendTimeRules) -> None:
        self._visit_gap_ms = rules.visit_gap_ms
        self._activity_rate = 1.0 / rules.activity_half_life_ms
        self._outcome_rate = 1.0 / rules.outcome_half_life_ms
        self._fastest_rate = max(self._activity_rate, self._outcome_rate)

    def is_new_visit(self, state: UserState, at_ms: int) -> bool:
        """An interaction at that moment begins a visit; asked first, it saves finding the slot of most."""
        return at_ms - state.visit_at_ms >= self._visit_gap_ms

    def observe_activity(self, state: UserState, last_slot: int, at_ms: int) -> None:
        """The user did something. If that begins a visit, the one before, in `last_slot`, counts; what arrives older than that one does not.

        The visit that goes on does not count yet: decisions are mostly taken while the user is there, and with it in the counts, now would always
        look like one of their hours.
        """
        last_ms = state.visit_at_ms
        if at_ms - last_ms < self._visit_gap_ms:
            return
        state.visit_at_ms = at_ms
        if not last_ms:
            return
        weight = 2.0 ** (self._age_ms(state, last_ms) * self._activity_rate)
        slots = state.activity_slot
        row = bisect_left(slots, last_slot)
        if row < len(slots) and slots[row] == last_slot:
            state.activity[row] += weight
        else:
            slots.insert(row, last_slot)
            state.activity.insert(row, weight)

    def observe_sent(self, state: UserState, slot: int, sent_at_ms: int) -> None:
        """A push was sent in `slot` at `sent_at_ms`."""
        self._add(state, slot, _SENT, 1.0, sent_at_ms)

    def observe_opened(self, state: UserState, slot: int, sent_at_ms: int) -> None:
        """A push that was sent in `slot` at `sent_at_ms` was opened."""
        self._add(state, slot, _OPENED, 1.0, sent_at_ms)

    def observe_converted(self, state: UserState, slot: int, sent_at_ms: int) -> None:
        """A push that was sent in `slot` at `sent_at_ms` led to a conversion."""
        self._add(state, slot, _CONVERTED, 1.0, sent_at_ms)

    def observe_failed(self, state: UserState, slot: int, sent_at_ms: int) -> None:
        """A push counted as sent in `slot` at `sent_at_ms` reached no device: as if it had not been sent."""
        self._add(state, slot, _SENT, -1.0, sent_at_ms)

    def activity(self, state: UserState, now_ms: int) -> tuple[NDArray[np.uint8], Floats]:
        """Slots with visits, ascending, and their decayed counts, each (n,)."""
        fade = np.float32(2.0 ** ((state.slots_at_ms - now_ms) * self._activity_rate))
        return np.frombuffer(state.activity_slot.tobytes(), np.uint8), np.frombuffer(state.activity.tobytes(), np.float32) * fade

    def outcomes(self, state: UserState, now_ms: int) -> tuple[NDArray[np.uint8], Floats]:
        """Slots of sending, ascending, (n,), and decayed counts of sends, opens, conversions, (n, 3)."""
        fade = np.float32(2.0 ** ((state.slots_at_ms - now_ms) * self._outcome_rate))
        counts = np.frombuffer(state.outcomes.tobytes(), np.float32) * fade
        return np.frombuffer(state.outcome_slot.tobytes(), np.uint8), np.maximum(counts, 0.0).reshape(-1, 3)

    def _add(self, state: UserState, slot: int, column: int, amount: float, at_ms: int) -> None:
        amount *= 2.0 ** (self._age_ms(state, at_ms) * self._outcome_rate)
        slots = state.outcome_slot
        row = bisect_left(slots, slot)
        if row == len(slots) or slots[row] != slot:
            slots.insert(row, slot)
            state.outcomes[3 * row : 3 * row] = array("f", (0.0, 0.0, 0.0))
        state.outcomes[3 * row + column] += amount

    def _age_ms(self, state: UserState, at_ms: int) -> int:
        """How far `at_ms` is after the landmark, which moves if that is too far."""
        if not state.slots_at_ms:  # nothing is remembered yet
            state.slots_at_ms = at_ms
        age_ms = at_ms - state.slots_at_ms
        if age_ms * self._fastest_rate <= _MOST_DOUBLINGS:
            return age_ms
        slots, visits = self.activity(state, at_ms)
        kept = visits > _LEAST_COUNT
        state.activity_slot, state.activity = array("B", slots[kept].tobytes()), array("f", visits[kept].tobytes())
        slots, counts = self.outcomes(state, at_ms)
        kept = counts.max(axis=1, initial=0.0) > _LEAST_COUNT
        state.outcome_slot, state.outcomes = array("B", slots[kept].tobytes()), array("f", counts[kept].tobytes())
        state.slots_at_ms = at_ms
        return 0
