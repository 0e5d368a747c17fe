"""How much somebody may say: so much at once, refilled steadily (token buckets)."""

from collections import OrderedDict


class Allowance:
    """Of one. Times are seconds of any steady clock.

    >>> allowance = Allowance(per_s=2, burst=1, now_s=0.0)
    >>> [allowance.spend(0.0), allowance.spend(0.1), allowance.wait_s(1), allowance.spend(0.6)]
    [True, False, 0.4, True]
    """

    __slots__ = ("_at_s", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at_s = now_s

    def spend(self, now_s: float, count: int = 1) -> bool:
        """Whether so many more are allowed now; if so they count."""
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < count:
            return False
        self._left -= count
        return True

    def wait_s(self, count: int) -> float:
        """How long after the last word so many more are allowed, if ever so many are."""
        return (count - self._left) / self._per_s


class Allowances:
    """One for each of the ``most`` who spoke last; whoever is forgotten has rested, or is one of very many."""

    def __init__(self, per_s: float, burst: float, most: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._most = most
        self._of: OrderedDict[str, Allowance] = OrderedDict()

    def of(self, who: str, now_s: float) -> Allowance:
        """Theirs; full if it is their first word."""
        found = self._of.get(who)
        if found is None:
            found = self._of[who] = Allowance(self._per_s, self._burst, now_s)
            if len(self._of) > self._most:
                self._of.popitem(last=False)
        else:
            self._of.move_to_end(who)
        return found
