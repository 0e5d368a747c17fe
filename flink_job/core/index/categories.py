"""The category index: for every category its items, newest first."""

from __future__ import annotations

from collections.abc import Iterable

from flink_job.core.index.columns import NO_ROWS, Rows
from flink_job.core.index.newest import NewestFirst, Window


class Categories:
    """One list per category name. An item is in every category it names, general and specific; naming one twice counts once."""

    __slots__ = ("_lists",)

    def __init__(self, listed: Iterable[tuple[int, Window, tuple[str, ...]]] = ()) -> None:
        gathered: dict[str, list[tuple[int, Window]]] = {}
        for entry, window, categories in listed:
            for category in set(categories):
                gathered.setdefault(category, []).append((entry, window))
        self._lists = {category: NewestFirst(entries) for category, entries in gathered.items()}

    def add(self, entry: int, window: Window, categories: tuple[str, ...]) -> None:
        """List an entry that is not listed."""
        for category in set(categories):
            if (newest := self._lists.get(category)) is None:
                newest = self._lists[category] = NewestFirst()
            newest.add(entry, window)

    def discard(self, entry: int, categories: tuple[str, ...]) -> None:
        """Take an entry off the lists of the categories under which it was listed."""
        for category in set(categories):
            newest = self._lists[category]
            newest.discard(entry)
            if not newest:
                del self._lists[category]

    def first(self, category: str, limit: int, now_ms: int) -> Rows:
        """Rows of the `limit` newest visible items of the category, newest first. The array is read-only."""
        newest = self._lists.get(category)
        return NO_ROWS if newest is None else newest.first(limit, now_ms)
