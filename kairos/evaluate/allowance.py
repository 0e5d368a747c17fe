"""How many pushes a policy may send: as many as it likes, or about as many as another policy sent by the same time.

"At equal or fewer pushes" needs every baseline at the pushes of Kairos. Dropping some of what it wants at random would be unkind to it; so each
user earns credit at the rate at which Kairos sends, a push costs one credit, and once a day the rate is corrected by what is still missing
(users who are seldom there leave theirs unspent). At no time may it be ahead of Kairos in total.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

_DAY_MS = 86_400_000
_MOST_CREDIT = 2.0  # pushes that can be saved up
_GOLDEN = 0.6180339887498949  # spreads the users' first credits evenly


class Allowance(Protocol):
    """Asked before choosing, told after sending."""

    def advance(self, now_ms: int) -> None:
        """Time goes on."""

    def among(self, users: Rows) -> Rows:
        """Those of them who may be sent something now."""

    def spend(self, user: int) -> bool:
        """One push is wanted; False: not any more."""

    @property
    def lead(self) -> float | None:
        """By how many days' pushes the policy is ahead of (behind: below 0) its model; None without one."""


class Unlimited:
    """As many as the policy likes."""

    lead = None

    def advance(self, now_ms: int) -> None:
        """Nothing to do."""

    def among(self, users: Rows) -> Rows:
        """All of them."""
        return users

    def spend(self, user: int) -> bool:  # noqa: ARG002  # the protocol's
        """Always."""
        return True


class Matched:
    """No more than the model by any time. ``sent_by_day`` is how many it had sent by the end of each day, (days,).

    ``per_user`` False leaves the choice among users to the policy, which then heeds ``lead``.
    """

    def __init__(self, users: int, start_ms: int, sent_by_day: NDArray[np.int64], *, per_user: bool = True) -> None:
        self._until = np.concatenate([[0.0], sent_by_day.astype(float)])
        self._start_ms, self._day = start_ms, 0
        self._credit = np.arange(users) * _GOLDEN % 1.0
        self._per_user = per_user
        self._target, self._total, self._rate = 0.0, 0, 1.0

    @property
    def lead(self) -> float | None:
        """See ``Allowance``."""
        return (self._total - self._target) / self._daily()

    def advance(self, now_ms: int) -> None:
        """Credits grow with what the model sends meanwhile."""
        days = (now_ms - self._start_ms) / _DAY_MS
        target = float(np.interp(days, np.arange(len(self._until)), self._until))
        self._credit = np.minimum(self._credit + self._rate * (target - self._target) / len(self._credit), _MOST_CREDIT)
        self._target = target
        if int(days) > self._day:
            self._day = int(days)
            self._rate = float(np.clip(self._rate * np.clip(1 - 0.5 * (self.lead or 0.0), 0.7, 1.5), 0.5, 50.0))

    def among(self, users: Rows) -> Rows:
        """Those with a credit, no more than there is room for; who has waited longest comes first."""
        room = int(self._target) - self._total
        if not self._per_user:
            return users if room > 0 else users[:0]
        credit = self._credit[users]
        first = np.argsort(-credit, kind="stable")[: max(room, 0)]
        allowed: Rows = users[np.sort(first[credit[first] >= 1.0])]
        return allowed

    def spend(self, user: int) -> bool:
        """Takes a credit."""
        if self._total + 1 > self._target:
            return False
        self._total += 1
        self._credit[user] -= 1.0
        return True

    def _daily(self) -> float:
        return max(float(np.diff(self._until).mean()), 1.0)
