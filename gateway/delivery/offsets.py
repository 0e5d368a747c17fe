"""How far a partition is done when its records finish in any order: the position to commit is before the first that is not.

>>> offsets = OffsetTracker()
>>> for offset in (10, 11, 12): offsets.begin(offset)
>>> offsets.finish(11); offsets.position
10
>>> offsets.finish(10); offsets.position
12
"""

from collections import deque


class OffsetTracker:
    """Of one partition, from its assignment to its revocation. Offsets begin in ascending order, with gaps (compaction, transactions)."""

    __slots__ = ("_finished", "_open", "position")

    def __init__(self) -> None:
        self.position: int | None = None
        """Offset of the next record to read, after a crash now. None: no record has begun."""
        self._open: deque[int] = deque()
        self._finished: set[int] = set()

    def begin(self, offset: int) -> None:
        """The record at ``offset`` was handed out."""
        if self.position is None:
            self.position = offset
        self._open.append(offset)

    def finish(self, offset: int) -> None:
        """What became of the record at ``offset`` is known, and told."""
        self._finished.add(offset)
        while self._open and self._open[0] in self._finished:
            first = self._open.popleft()
            self._finished.discard(first)
            self.position = self._open[0] if self._open else first + 1

    @property
    def under_way(self) -> int:
        """Records that have begun and not finished."""
        return len(self._open) - len(self._finished)
