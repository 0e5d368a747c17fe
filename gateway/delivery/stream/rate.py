"""How much a client may say: so many messages at once, refilled steadily."""

from collections import OrderedDict


class Allowance:
    """A token bucket. Times are seconds of any steady clock.

    >>> allowance = Allowance(per_s=2, burst=1, now_s=0.0)
    >>> [allowance.spend(0.0), allowance.spend(0.1), allowance.spend(0.6)]
    [True, False, True]
    """

    __slots__ = ("_at_s", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s = now_s

    def spend(self, now_s: float, count: int = 1) -> bool:
        """Whether so many more are allowed now; if so they count. More than fit at once count as many as do."""
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        cost = min(count, self._burst)
        if self._left < cost:
            return False
        self._left -= cost
        return True


class Allowances:
    """One for each of the ``most`` users who spoke last; whoever spoke before them has rested long enough."""

    def __init__(self, per_s: float, burst: float, most: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._most = most
        self._of: OrderedDict[str, Allowance] = OrderedDict()

    def spend(self, user_id: str, now_s: float, count: int = 1) -> bool:
        """Whether this user may say so many more now; if so they count."""
        allowance = self._of.pop(user_id, None) or Allowance(self._per_s, self._burst, now_s)
        self._of[user_id] = allowance
        if len(self._of) > self._most:
            self._of.popitem(last=False)
        return allowance.spend(now_s, count)
