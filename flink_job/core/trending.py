"""The most popular items, of all and of one country, kept in order.

Decayed popularities fade alike, so their order never changes by itself: `log2 p(t) + t / h` is the same for every t. That number, taken once when an
item's popularity is told, is what a list is sorted by, and an answer needs no look at the clock.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from math import log2

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]
_NONE: Places = np.empty(0, np.intp)
_NONE.setflags(write=False)


def height(popularity: float, at_ms: int, half_life_ms: int) -> float:
    """What orders popularities told at different times; `popularity` > 0.

    >>> height(8.0, 0, 1000) == height(4.0, 1000, 1000)  # 8 has become 4 after one half-life
    True
    """
    return log2(popularity) + at_ms / half_life_ms


class TopList:
    """The `most` highest of the places it was told of, equal ones by key. One that was pushed out is back when it is told of again."""

    __slots__ = ("_answer", "_entries", "_entry_of", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: list[tuple[float, int, int]] = []  # (-height, key, place), ascending
        self._entry_of: dict[int, tuple[float, int, int]] = {}
        self._answer: Places | None = _NONE

    def put(self, place: int, key: int, at_height: float) -> None:
        """The item at `place` has this height now."""
        entry = (-at_height, key, place)
        held = self._entry_of.get(place)
        if held == entry:
            return
        if held is not None:
            self._take_out(held)
        elif len(self._entries) >= self._most and entry > self._entries[-1]:
            return
        insort(self._entries, entry)
        self._entry_of[place] = entry
        if len(self._entries) > self._most:
            self._take_out(self._entries[-1])
        self._answer = None

    def discard(self, place: int) -> None:
        """The item at `place` is not in the list any more."""
        held = self._entry_of.get(place)
        if held is not None:
            self._take_out(held)

    def first(self, limit: int) -> Places:
        """Places of the `limit` highest, highest first. The array is read-only."""
        if self._answer is None:
            self._answer = np.array([place for _, _, place in self._entries], np.intp)
            self._answer.setflags(write=False)
        return self._answer[:limit]

    def _take_out(self, entry: tuple[float, int, int]) -> None:
        del self._entries[bisect_left(self._entries, entry)]
        del self._entry_of[entry[2]]
        self._answer = None
