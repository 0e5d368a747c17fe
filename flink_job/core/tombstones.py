"""Items that were removed: a version that is older and comes later does not bring them back."""

from __future__ import annotations

from heapq import heapify, heappop, heappush


class Tombstones:
    """When items were removed, for the `bound` latest removals."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._removed_at_ms: dict[str, int] = {}
        self._oldest: list[tuple[int, str]] = []  # heap; may hold removals that were forgotten or are out of date

    def covers(self, item_id: str, updated_at_ms: int) -> bool:
        """Whether a version of that time was removed."""
        return self._removed_at_ms.get(item_id, updated_at_ms - 1) >= updated_at_ms

    def remember(self, item_id: str, updated_at_ms: int) -> None:
        """The item was removed as of then."""
        if self.covers(item_id, updated_at_ms):
            return
        self._removed_at_ms[item_id] = updated_at_ms
        heappush(self._oldest, (updated_at_ms, item_id))
        while len(self._removed_at_ms) > self._bound:
            removed_at_ms, oldest = heappop(self._oldest)
            if self._removed_at_ms.get(oldest) == removed_at_ms:
                del self._removed_at_ms[oldest]
        if len(self._oldest) > 2 * self._bound + 1:
            self._oldest = [(at_ms, removed) for removed, at_ms in self._removed_at_ms.items()]
            heapify(self._oldest)

    def forget(self, item_id: str) -> None:
        """The item is back."""
        self._removed_at_ms.pop(item_id, None)
