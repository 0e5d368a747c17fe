"""Which of the indexed items are pivots: the ones with the lowest keys.

Keys are hashes of item ids, so the lowest of them are a random sample of the items, and one that depends on nothing but the set of items
(bottom-k sampling; Cohen and Kaplan, PODC 2007). A new item is a pivot with probability `pivots / items`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from math import isqrt

_PER_ROOT_SQUARED = 16  # pivots = 4 · √items: fine cells without a costly search among pivots; benchmarks/bench_catalogue.py
_LEAST_PER_CELL = 32  # in small catalogues fewer pivots, so that a question need not look into many cells
_STALE = 64


def pivot_count(items: int) -> int:
    """How many of so many items are pivots."""
    return min(1 + items // _LEAST_PER_CELL, isqrt(_PER_ROOT_SQUARED * items))


class LowestKeys:
    """Keys, and which of them are among the `pivot_count` lowest.

    >>> lowest = LowestKeys(range(100))
    >>> len(lowest.chosen), lowest.add(-1)
    (4, ([-1], [3]))
    """

    __slots__ = ("_keys", "_waiting", "chosen")

    def __init__(self, keys: Iterable[int] = ()) -> None:
        ordered = sorted(keys)
        count = pivot_count(len(ordered))
        self._keys = set(ordered)
        self.chosen = ordered[:count]
        self._waiting = ordered[count:]  # heap; may hold keys that are gone or chosen

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: int) -> tuple[list[int], list[int]]:
        """Put in a new key. Returns the keys that are chosen now and were not, and the ones that no longer are."""
        self._keys.add(key)
        if self.chosen and key < self.chosen[-1]:
            insort(self.chosen, key)
            left = [self._demote()] if len(self.chosen) > pivot_count(len(self._keys)) else []
            return [key], left
        heappush(self._waiting, key)
        return self._promote(), []

    def discard(self, key: int) -> tuple[list[int], list[int]]:
        """Take out a key that is there. Returns as `add` does."""
        self._keys.remove(key)
        at = bisect_left(self.chosen, key)
        left = []
        if at < len(self.chosen) and self.chosen[at] == key:
            del self.chosen[at]
            left.append(key)
        if len(self.chosen) > pivot_count(len(self._keys)):
            left.append(self._demote())
        if len(self._waiting) > 2 * len(self._keys) + _STALE:
            self._waiting = list(self._keys.difference(self.chosen))
            heapify(self._waiting)
        return self._promote(), left

    def _demote(self) -> int:
        key = self.chosen.pop()
        heappush(self._waiting, key)
        return key

    def _promote(self) -> list[int]:
        promoted: list[int] = []
        while len(self.chosen) < pivot_count(len(self._keys)):
            key = heappop(self._waiting)
            if key in self._keys and not (self.chosen and key <= self.chosen[-1]):
                self.chosen.append(key)
                promoted.append(key)
        return promoted
