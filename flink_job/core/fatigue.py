"""How tired a user is of pushes: `F(t) = Σ_k c_k · 2^(−(t − t_k)/h)`, over sends and what became of them; never below 0 when read.

Kept as two numbers, exact whatever the order of arrival: the sum, and the time it is decayed to: a newer
term decays the sum to its own time, an older one is added decayed.
"""

from __future__ import annotations

from math import ceil, log2

from flink_job.core.rules import FatigueRules
from flink_job.core.state import UserState


class Fatigue:
    """The rules of fatigue, ready to use."""

    __slots__ = ("_rate", "dismissed", "limit", "opened", "sent")

    def __init__(self, rules: FatigueRules) -> None:
        self._rate = -1.0 / rules.half_life_ms
        self.sent = rules.sent
        self.dismissed = rules.dismissed
        self.opened = rules.opened
        self.limit = rules.limit

    def add(self, state: UserState, amount: float, at_ms: int) -> None:
        """Something happened at `at_ms` that tires the user by `amount`, or rests them."""
        age_ms = at_ms - state.fatigue_at_ms
        if age_ms >= 0:
            state.fatigue = state.fatigue * 2.0 ** (age_ms * self._rate) + amount
            state.fatigue_at_ms = at_ms
        else:
            state.fatigue += amount * 2.0 ** (-age_ms * self._rate)

    def at(self, state: UserState, now_ms: int) -> float:
        """`F(now)`, 0 or more."""
        if state.fatigue <= 0.0:
            return 0.0
        held: float = state.fatigue * 2.0 ** (max(now_ms - state.fatigue_at_ms, 0) * self._rate)
        return held

    def falls_to_limit_ms(self, state: UserState, now_ms: int) -> int:
        """When the sum will have fallen to the limit, `now_ms` if it has."""
        held = self.at(state, now_ms)
        if held <= self.limit:
            return now_ms
        return now_ms + ceil(log2(held / self.limit) / -self._rate)
