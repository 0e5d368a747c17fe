"""Newest first: the recency index, and the list behind every category.

An *entry* is one integer, `publication time falling | item key | row`, so that ascending integers are newest first, equal times are ordered
by key, and the row comes along without a look-up. The answer to the last question is kept with the span of time over which it holds; a change
behind its end leaves it alone. Entries outside their window are put aside when met, and come back when `now_ms` enters the window from either
side: they are met once, not at every question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import chain

import numpy as np

from flink_job.core.index.blocks import SortedBlocks
from flink_job.core.index.columns import FOREVER, NO_ROWS, Rows

_ROW_BITS = 32
_KEY_BITS = 64
_ROW_MASK = (1 << _ROW_BITS) - 1
_LEAST_LOOK = 64

Window = tuple[int, int]
ALWAYS: Window = (0, FOREVER)


def entry_of(published_at_ms: int, key: int, row: int) -> int:
    """The entry of an item; `published_at_ms` is an int64, `key` 64 bits, `row` 32 bits."""
    return ((FOREVER - published_at_ms) << _KEY_BITS | key) << _ROW_BITS | row


class NewestFirst:
    """Entries with their windows `(from_ms, until_ms)`; an item is visible in `from_ms <= now_ms < until_ms`."""

    __slots__ = ("_aside", "_ended", "_entries", "_last", "_since", "_to_come", "_until", "_visible", "_whole", "_windows")

    def __init__(self, entries: Iterable[tuple[int, Window]] = ()) -> None:
        listed = list(entries)
        self._entries = SortedBlocks(entry for entry, _ in listed)
        self._windows = {entry: window for entry, window in listed if window != ALWAYS}
        self._aside: set[int] = set()
        self._to_come: list[tuple[int, int]] = []  # heap of (from_ms, entry), may hold entries that are no longer aside
        self._ended: list[tuple[int, int]] = []  # heap of (-until_ms, entry), likewise
        self._visible: Rows = NO_ROWS  # the answer, good for since <= now_ms < until
        self._since = FOREVER
        self._until = 0
        self._last = 0  # entry of the last visible row
        self._whole = False  # nothing is behind the last

    def __bool__(self) -> bool:
        return bool(self._entries) or bool(self._aside)

    def add(self, entry: int, window: Window) -> None:
        """List an entry that is not listed."""
        if window != ALWAYS:
            self._windows[entry] = window
        self._entries.add(entry)
        self._forget_if_reached(entry)

    def discard(self, entry: int) -> None:
        """Take an entry off the list; nothing happens if it is not there."""
        self._windows.pop(entry, None)
        if entry in self._aside:
            self._aside.remove(entry)
        elif self._entries.discard(entry):
            self._forget_if_reached(entry)

    def rows(self) -> Iterator[int]:
        """The rows of all entries, visible or not, in no order."""
        return (entry & _ROW_MASK for entry in chain(self._entries, self._aside))

    def first(self, limit: int, now_ms: int) -> Rows:
        """Rows of the `limit` newest visible entries, newest first. The array is read-only."""
        if not self._since <= now_ms < self._until or (len(self._visible) < limit and not self._whole):
            self._look(max(limit, _LEAST_LOOK), now_ms)
        return self._visible[:limit]

    def _forget_if_reached(self, entry: int) -> None:
        if self._whole or entry <= self._last:
            self._since = FOREVER

    def _look(self, wanted: int, now_ms: int) -> None:
        self._bring_back(now_ms)
        rows: list[int] = []
        hidden: list[int] = []
        since, until, last, whole = 0, FOREVER, 0, True
        window_of = self._windows.get
        for entry in self._entries:
            window = window_of(entry)
            if window is not None:
                if not window[0] <= now_ms < window[1]:
                    hidden.append(entry)
                    continue
                since = max(since, window[0])
                until = min(until, window[1])
            rows.append(entry & _ROW_MASK)
            if len(rows) == wanted:
                last, whole = entry, False
                break
        for entry in hidden:
            self._put_aside(entry, now_ms)
        if self._to_come:
            until = min(until, self._to_come[0][0])
        if self._ended:
            since = max(since, -self._ended[0][0])
        self._visible = np.array(rows, np.intp)
        self._visible.setflags(write=False)  # callers get views of it
        self._since, self._until, self._last, self._whole = since, until, last, whole

    def _put_aside(self, entry: int, now_ms: int) -> None:
        from_ms, until_ms = self._windows[entry]
        self._entries.discard(entry)
        self._aside.add(entry)
        if now_ms < from_ms:
            heappush(self._to_come, (from_ms, entry))
        else:
            heappush(self._ended, (-until_ms, entry))

    def _bring_back(self, now_ms: int) -> None:
        if len(self._to_come) + len(self._ended) > 2 * len(self._aside) + _LEAST_LOOK:
            self._to_come = [waiting for waiting in self._to_come if waiting[1] in self._aside]
            self._ended = [waiting for waiting in self._ended if waiting[1] in self._aside]
            heapify(self._to_come)
            heapify(self._ended)
        while self._to_come and self._to_come[0][0] <= now_ms:
            self._list_again(heappop(self._to_come)[1])
        while self._ended and -self._ended[0][0] > now_ms:
            self._list_again(heappop(self._ended)[1])

    def _list_again(self, entry: int) -> None:
        if entry in self._aside:
            self._aside.remove(entry)
            self._entries.add(entry)
