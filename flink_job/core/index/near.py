"""Neighbours in feature space: every item is in the cell of its nearest pivot, and a question looks into the cells nearest to it.

An inverted file as in Jégou, Douze, Schmid (TPAMI 2011), but its cells are not trained: the pivots are a sample of the items themselves
(`pivots`), so cells follow the density of the catalogue and yet depend on nothing but the set of items. A question costs one product with the
pivots (4 · √items of them) and one with the codes of the few hundred items it looks at, whatever the size of the catalogue.

Cost of a change: one product with the pivots; for the few changes that concern a pivot (some 6 in √items) one pass over all codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flink_job.core.index.codes import Codes, code_of, codes_of
from flink_job.core.index.columns import NO_ROWS, Columns, Floats, Rows
from flink_job.core.index.newest import NewestFirst, Window
from flink_job.core.index.pivots import LowestKeys

_PROBES = 24  # cells sorted out at first; more only if these hold too few items
_LARGEST_LOOK = 512  # of a larger cell (many items with the same features) the newest are looked at
_BLOCK = 4096  # codes compared at a time with a new pivot
_SETTLED = 256  # items compared at a time with all pivots
_SLOTS = 64
_ROW_BITS = 32
_ROW_MASK = (1 << _ROW_BITS) - 1
_NOWHERE = -1

Pivot = int  # key << 32 | row: ordered by key
Entry = tuple[int, Window]  # as the lists of `newest` keep it


class Near:
    """The neighbour index over rows of `columns`, from where it reads an item's direction and key when it is put in."""

    __slots__ = (
        "_best", "_cell_count", "_cells", "_codes", "_columns", "_dim", "_entries", "_free", "_home", "_look_at", "_pivot_codes",
        "_pivot_keys", "_pivots", "_rank", "_rank_filled", "_slot_of", "_top",
    )  # fmt: skip

    def __init__(self, dim: int, columns: Columns, look_at: int, entries: Iterable[tuple[int, Entry]] = ()) -> None:
        """Index all rows with their entries. `look_at`: items to compare with a question, at least."""
        self._dim = dim
        self._columns = columns
        self._look_at = look_at
        self._entries = dict(entries)
        self._codes: Codes = np.zeros((0, dim), np.float32)
        self._best: Floats = np.zeros(0, np.float32)  # inner product with the pivot of the cell; infinite if in none
        self._home = np.zeros(0, np.int32)  # slot of the pivot
        self._slot_of: dict[Pivot, int] = {}
        self._free: list[int] = []
        self._cells: list[NewestFirst] = []
        self._cell_count = 0  # cells that hold something
        self._pivot_codes: Codes = np.zeros((0, dim), np.float32)
        self._pivot_keys = np.zeros(0, np.uint64)
        self._rank: NDArray[np.float64] = np.zeros(0)  # breaks ties: in (-0.5, 0], falling by key; -inf for a free slot
        self._rank_filled: NDArray[np.float64] = np.zeros(0)  # the same, -inf also for an empty cell
        self._top = 0
        self._make_room()
        rows = np.fromiter(self._entries, np.intp, len(self._entries))
        codes, has_direction = codes_of(columns.features[rows, :-1])
        for row in rows[~has_direction].tolist():
            del self._entries[row]
        rows = rows[has_direction]
        self._codes[rows] = codes[has_direction]
        self._top = int(rows.max(initial=-1)) + 1
        self._pivots = LowestKeys(map(self._pivot, rows.tolist()))
        for pivot in self._pivots.chosen:
            self._open_slot(pivot)
        self._rank_pivots()
        self._settle(rows)

    def put(self, row: int, entry: Entry) -> None:
        """Index a row that is not indexed; without a direction it stays out."""
        code = code_of(self._columns.features[row, :-1])
        if code is None:
            return
        self._make_room()
        self._entries[row] = entry
        self._codes[row] = code
        self._top = max(self._top, row + 1)
        self._change_pivots(*self._pivots.add(self._pivot(row)))
        self._settle_one(row, code)

    def replace(self, row: int, entry: Entry) -> None:
        """The features of a row, and perhaps its entry, have changed."""
        code = code_of(self._columns.features[row, :-1])
        if code is None or row not in self._entries:
            self.drop(row)
            self.put(row, entry)
            return
        self._leave(row)
        self._entries[row] = entry
        self._codes[row] = code
        slot = self._slot_of.get(self._pivot(row))
        if slot is not None:
            members = list(self._cells[slot].rows())
            for member in members:
                self._leave(member)
            self._pivot_codes[slot] = code
            self._settle(np.array(members, np.intp))
            self._attract(slot)
        self._settle_one(row, code)

    def relist(self, row: int, entry: Entry) -> None:
        """The entry of a row has changed, its features have not."""
        before = self._entries.get(row)
        if before is not None:
            self._entries[row] = entry
            cell = self._cells[int(self._home[row])]
            cell.discard(before[0])
            cell.add(*entry)

    def drop(self, row: int) -> None:
        """Take a row out; nothing happens if it is not indexed. Its key must still be the one it was put in with."""
        if row in self._entries:
            self._leave(row)
            del self._entries[row]
            self._change_pivots(*self._pivots.discard(self._pivot(row)))

    def near(self, vector: NDArray[np.floating[Any]], limit: int, now_ms: int) -> Rows:
        """Rows of up to `limit` visible items whose direction is like that of `vector`, (dim,): nearest first, equally near ones newest first.

        Approximate: at least `look_at` items are compared, if there are so many. A vector without direction has no neighbours.
        """
        query = code_of(vector)
        if query is None or limit <= 0:
            return NO_ROWS
        rows = self._look(self._pivot_codes @ query + self._rank_filled, max(self._look_at, limit), now_ms)
        farness: Floats = self._codes.take(rows, axis=0) @ -query
        order = farness.argsort()
        nearest = farness.take(order[: limit + 1])
        if np.count_nonzero(nearest[1:] == nearest[:-1]):
            columns = self._columns
            order = np.lexsort((columns.keys.take(rows), -columns.published_at_ms.take(rows), farness))
        return rows.take(order[:limit])

    def alike(self, rows: Iterable[int], limit: int, now_ms: int) -> Rows:
        """The newest visible rows of the cells that a few `rows` are in, up to `limit` of each, themselves among them. Costs next to nothing."""
        slots = dict.fromkeys(self._home.item(row) for row in rows)  # no row is in two cells
        found = [self._cells[slot].first(limit, now_ms) for slot in slots if slot != _NOWHERE]
        return np.concatenate(found) if found else NO_ROWS

    def _look(self, nearness: NDArray[np.float64], wanted: int, now_ms: int) -> Rows:
        """The visible rows of the cells nearest to a question, until there are enough of them."""
        found = [NO_ROWS]
        count = 0
        cells = self._cells
        for slots in _nearest_first(nearness, self._cell_count):
            for slot in slots:
                rows = cells[slot].first(_LARGEST_LOOK, now_ms)
                found.append(rows)
                count += len(rows)
                if count >= wanted:
                    return np.concatenate(found)
        return np.concatenate(found)

    def _pivot(self, row: int) -> Pivot:
        return int(self._columns.keys[row]) << _ROW_BITS | row

    def _change_pivots(self, chosen: list[Pivot], dropped: list[Pivot]) -> None:
        if not chosen and not dropped:
            return
        opened = [self._open_slot(pivot) for pivot in chosen]
        homeless = [self._close_slot(pivot) for pivot in dropped]
        self._rank_pivots()
        for slot in opened:
            self._attract(slot)
        for rows in homeless:
            self._settle(rows)

    def _open_slot(self, pivot: Pivot) -> int:
        if not self._free:
            slots = len(self._cells)
            self._free = list(range(slots + _SLOTS - 1, slots - 1, -1))
            self._cells.extend(NewestFirst() for _ in range(_SLOTS))
            self._pivot_codes = np.concatenate((self._pivot_codes, np.zeros((_SLOTS, self._dim), np.float32)))
            self._pivot_keys = np.concatenate((self._pivot_keys, np.zeros(_SLOTS, np.uint64)))
        slot = self._free.pop()
        self._slot_of[pivot] = slot
        self._pivot_codes[slot] = self._codes[pivot & _ROW_MASK]
        self._pivot_keys[slot] = pivot >> _ROW_BITS
        return slot

    def _close_slot(self, pivot: Pivot) -> Rows:
        """Returns the rows that need another cell."""
        slot = self._slot_of.pop(pivot)
        cell = self._cells[slot]
        rows = np.array(list(cell.rows()), np.intp)
        self._home[rows] = _NOWHERE
        self._best[rows] = np.inf
        self._cell_count -= bool(cell)
        self._cells[slot] = NewestFirst()
        self._free.append(slot)
        return rows

    def _rank_pivots(self) -> None:
        slots = np.fromiter(self._slot_of.values(), np.intp, len(self._slot_of))
        slots = slots[self._pivot_keys[slots].argsort()]
        self._rank = np.full(len(self._cells), -np.inf)
        self._rank[slots] = np.linspace(0.0, -0.5, len(slots), endpoint=False)
        filled = np.fromiter(map(bool, self._cells), np.bool_, len(self._cells))
        self._rank_filled = np.where(filled, self._rank, -np.inf)

    def _settle_one(self, row: int, code: Codes) -> None:
        nearness = self._pivot_codes @ code
        slot = int((nearness + self._rank).argmax())
        self._enter(row, slot, float(nearness[slot]))

    def _settle(self, rows: Rows) -> None:
        """Give rows that are in no cell their cells."""
        for at in range(0, len(rows), _SETTLED):
            block = rows[at : at + _SETTLED]
            nearness = self._codes[block] @ self._pivot_codes.T
            slots = (nearness + self._rank).argmax(axis=1)
            best = nearness[np.arange(len(block)), slots]
            for row, slot, value in zip(block.tolist(), slots.tolist(), best.tolist(), strict=True):
                self._enter(row, slot, value)

    def _attract(self, slot: int) -> None:
        """Move the rows that are nearer to this new pivot than to their own."""
        code, key = self._pivot_codes[slot], self._pivot_keys[slot]
        for at in range(0, self._top, _BLOCK):
            nearness = self._codes[at : min(at + _BLOCK, self._top)] @ code
            for place in np.flatnonzero(nearness >= self._best[at : at + len(nearness)]).tolist():
                row, value = at + place, float(nearness[place])
                if value > self._best[row] or key < self._pivot_keys[self._home[row]]:
                    self._leave(row)
                    self._enter(row, slot, value)

    def _enter(self, row: int, slot: int, nearness: float) -> None:
        self._home[row] = slot
        self._best[row] = nearness
        cell = self._cells[slot]
        if not cell:
            self._cell_count += 1
            self._rank_filled[slot] = self._rank[slot]
        cell.add(*self._entries[row])

    def _leave(self, row: int) -> None:
        slot = int(self._home[row])
        self._home[row] = _NOWHERE
        self._best[row] = np.inf
        cell = self._cells[slot]
        cell.discard(self._entries[row][0])
        if not cell:
            self._cell_count -= 1
            self._rank_filled[slot] = -np.inf

    def _make_room(self) -> None:
        more = self._columns.capacity - len(self._home)
        if more > 0:
            self._codes = np.concatenate((self._codes, np.zeros((more, self._dim), np.float32)))
            self._best = np.concatenate((self._best, np.full(more, np.inf, np.float32)))
            self._home = np.concatenate((self._home, np.full(more, _NOWHERE, np.int32)))


def _nearest_first(nearness: NDArray[np.float64], count: int) -> Iterator[list[int]]:
    """Slots of the `count` cells that hold something, nearest first: a few, and the others only if they are asked for."""
    if count > _PROBES:
        nearest = nearness.argpartition(-_PROBES)[-_PROBES:]
        yield nearest[nearness.take(nearest).argsort()[::-1]].tolist()
    yield nearness.argsort()[::-1][_PROBES if count > _PROBES else 0 : count].tolist()
