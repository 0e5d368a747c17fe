"""All indexes of the catalogue, kept in step."""

from __future__ import annotations

from collections.abc import Iterable

from flink_job.core.index.categories import Categories
from flink_job.core.index.columns import Columns
from flink_job.core.index.near import Near
from flink_job.core.index.newest import NewestFirst, Window, entry_of

Listing = tuple[int, Window, tuple[str, ...]]  # entry, window, categories: how an item is listed


class Indexes:
    """The three indexes over `columns`. Items that can never be visible (sold out, or with an empty window) are in none of them."""

    __slots__ = ("_columns", "_listings", "categories", "near", "newest")

    def __init__(self, dim: int, columns: Columns, look_at: int, categories: Iterable[tuple[int, tuple[str, ...]]]) -> None:
        """Index the rows with their categories; the rest is in the columns."""
        self._columns = columns
        self._listings: dict[int, Listing] = {}
        for row, named in categories:
            listing = self._listing(row, named)
            if listing is not None:
                self._listings[row] = listing
        self.newest = NewestFirst((entry, window) for entry, window, _ in self._listings.values())
        self.categories = Categories(self._listings.values())
        self.near = Near(dim, columns, look_at, ((row, listing[:2]) for row, listing in self._listings.items()))

    def put(self, row: int, categories: tuple[str, ...], *, same_features: bool) -> None:
        """The item of a row is new or has changed."""
        before, now = self._listings.get(row), self._listing(row, categories)
        if before != now:
            self._list(row, before, now)
        if now is None:
            if before is not None:
                self.near.drop(row)
        elif before is None:
            self.near.put(row, now[:2])
        elif not same_features:
            self.near.replace(row, now[:2])
        elif before[:2] != now[:2]:
            self.near.relist(row, now[:2])

    def remove(self, row: int) -> None:
        """The item of a row goes; its key must still be in the columns."""
        before = self._listings.get(row)
        if before is not None:
            self._list(row, before, None)
            self.near.drop(row)

    def _listing(self, row: int, categories: tuple[str, ...]) -> Listing | None:
        columns = self._columns
        window = (max(int(columns.visible_from_ms[row]), 0), int(columns.visible_until_ms[row]))
        if window[0] >= window[1]:
            return None
        return entry_of(int(columns.published_at_ms[row]), int(columns.keys[row]), row), window, categories

    def _list(self, row: int, before: Listing | None, now: Listing | None) -> None:
        if before is not None:
            self.newest.discard(before[0])
            self.categories.discard(before[0], before[2])
            del self._listings[row]
        if now is not None:
            self.newest.add(now[0], now[1])
            self.categories.add(now[0], now[1], now[2])
            self._listings[row] = now
