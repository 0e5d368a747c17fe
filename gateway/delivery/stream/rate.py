"""How much a client may say: so many messages at once, refilled steadily."""


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

    def spend(self, now_s: float) -> bool:
        """Whether one more is allowed now; if so it counts."""
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
