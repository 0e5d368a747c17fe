"""How varied the pushes of one operator instance are: over all users, how many items they name; for each user, how their categories are spread.

Coverage is the number of different items among the last `COVERED_PUSHES` items that were pushed: few, and everybody gets the same. The entropy of a
user's last pushes is 0 bits if all are of one category and log₂ k if k are equally frequent; it is noted at each push, so its distribution is over
pushes and not over users.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque

from flink_job.core.diversity import entropy
from flink_job.core.state import FAILED, UserState

COVERED_PUSHES = 10_000
"""Some 2 MB when full: a day and more of a busy instance's pushes."""
ENTROPY_PUSHES = 10
"""A user's last pushes that count, those that failed left out: three days at the default cap."""
ENTROPY_BOUNDS_MBIT = (0, 500, 1000, 1500, 2000, 2500, 3000)
"""Upper bounds of the buckets, in thousandths of a bit; the most there is, log₂ 10, is 3322."""


class Variety:
    """What was pushed lately, and how it was spread."""

    def __init__(self, covered_pushes: int = COVERED_PUSHES) -> None:
        self._covered_pushes = covered_pushes
        self._order: deque[int] = deque()
        self._times: Counter[int] = Counter()
        self.entropies = [0] * (len(ENTROPY_BOUNDS_MBIT) + 1)
        """Pushes by the bucket of their user's entropy."""

    @property
    def covered(self) -> int:
        """Different items among the last ones pushed."""
        return len(self._times)

    def pushed(self, state: UserState, items: int) -> None:
        """A push was sent that names so many items, the last ones that `state` remembers."""
        for key in state.sent_item[-items:]:
            self._order.append(key)
            self._times[key] += 1
        while len(self._order) > self._covered_pushes:
            oldest = self._order.popleft()
            self._times[oldest] -= 1
            if not self._times[oldest]:
                del self._times[oldest]
        seen = [label for label, status in zip(state.sent_category, state.sent_status, strict=True) if status != FAILED]
        mbit = round(1000 * entropy(seen[-ENTROPY_PUSHES:]))
        self.entropies[bisect_left(ENTROPY_BOUNDS_MBIT, mbit)] += 1
