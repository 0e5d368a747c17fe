"""What happened to whom and when, in columns: millions of events at 24 bytes each."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(slots=True)
class EventColumns:
    """One kind of event: the user's number, milliseconds since the epoch, and how much it counts."""

    user: array[int] = field(default_factory=lambda: array("q"))
    at_ms: array[int] = field(default_factory=lambda: array("q"))
    amount: array[float] = field(default_factory=lambda: array("d"))

    def add(self, user: int, at_ms: int, amount: float = 1.0) -> None:
        """One more."""
        self.user.append(user)
        self.at_ms.append(at_ms)
        self.amount.append(amount)

    def total(self, place: Ints, from_ms: Ints, until_ms: Ints) -> Floats:
        """Sum of the amounts per user from `from_ms` (included) to `until_ms`, (n,) each.

        ``place`` (users,): where each user stands in the result, -1 for those who are not in it.
        """
        users, at_ms = np.frombuffer(self.user, np.int64), np.frombuffer(self.at_ms, np.int64)
        at = place[users] if len(users) else users
        known = at >= 0
        at, at_ms = at[known], at_ms[known]
        within = (at_ms >= from_ms[at]) & (at_ms < until_ms[at])
        amounts = np.frombuffer(self.amount, np.float64)[known][within]
        return np.bincount(at[within], amounts, minlength=len(from_ms)).astype(np.float64)
