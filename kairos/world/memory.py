"""The last few items of every user, with times: carts, purchases, pushes seen. Bounded: the oldest gives way."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
LONG_AGO_MS = -(1 << 60)


class Recent:
    """For each of ``n`` users the last ``width`` items and when they were noted.

    >>> cart = Recent(n=2, width=2)
    >>> cart.note(np.array([1, 1]), np.array([7, 8]), np.array([100, 200]))
    >>> cart.when(np.array([0, 1, 1]), np.array([7, 7, 8])) > LONG_AGO_MS
    array([False,  True,  True])
    """

    def __init__(self, n: int, width: int) -> None:
        self.items = np.full((n, width), -1, np.int32)
        self.at_ms = np.full((n, width), LONG_AGO_MS, np.int64)
        self._next = np.zeros(n, np.int64)

    def note(self, users: Ints, items: Ints, at_ms: Ints) -> None:
        """One entry each; a user may occur more than once, the later occurrence is the newer."""
        width = self.items.shape[1]
        order = np.argsort(users, kind="stable")
        ordered = users[order]
        first = np.searchsorted(ordered, ordered, side="left")
        rank = np.empty(len(users), np.int64)
        rank[order] = np.arange(len(users)) - first
        slots = (self._next[users] + rank) % width
        self.items[users, slots] = items
        self.at_ms[users, slots] = at_ms
        np.add.at(self._next, users, 1)

    def forget(self, users: Ints, items: Ints) -> None:
        """Removes entries; unknown ones are ignored."""
        rows, slots = np.nonzero(self.items[users] == items[:, None])
        self.items[users[rows], slots] = -1
        self.at_ms[users[rows], slots] = LONG_AGO_MS

    def when(self, users: Ints, items: Ints) -> Ints:
        """When the item was last noted for the user, else ``LONG_AGO_MS``. The two may be of any shapes that broadcast."""
        users, items = np.broadcast_arrays(users, items)
        at: Ints = np.where(self.items[users] == items[..., None], self.at_ms[users], LONG_AGO_MS).max(axis=-1)
        return at

    def newest(self, users: Ints, since_ms: Ints, until_ms: Ints) -> Ints:
        """The user's newest item noted in ``since_ms <= t < until_ms``, or -1; all (n,)."""
        at = self.at_ms[users]
        at = np.where((at >= since_ms[:, None]) & (at < until_ms[:, None]), at, LONG_AGO_MS)
        slot = at.argmax(axis=1)
        rows = np.arange(len(users))
        items: Ints = np.where(at[rows, slot] > LONG_AGO_MS, self.items[users, slot], -1).astype(np.int64)
        return items
