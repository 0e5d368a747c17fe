"""Command ids that were handled: a bounded memory against duplicates.

>>> seen = SeenIds(2)
>>> for command_id in ("a", "b", "a", "c"): seen.add(command_id)
>>> "a" in seen, "b" in seen
(True, False)
"""

from collections import OrderedDict

DEFAULT_SIZE = 100_000


class SeenIds:
    """The ``size`` ids that were added or met most recently; older ones are forgotten.

    How large? After a failure the job writes again what it wrote since its last checkpoint: pushes per second, times the checkpoint
    interval plus the time a restart takes. 100,000 ids (about 20 MB) cover 1,000 pushes a second for 100 seconds. It is
    memory: what must survive a restart of *this* program belongs into a store (docs/consuming.md).
    """

    def __init__(self, size: int = DEFAULT_SIZE) -> None:
        if size < 1:
            raise ValueError(f"size must be 1 or more, not {size}")
        self._size = size
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, command_id: str) -> None:
        """Remember this command id."""
        self._ids[command_id] = None
        self._ids.move_to_end(command_id)
        if len(self._ids) > self._size:
            self._ids.popitem(last=False)

    def __contains__(self, command_id: str) -> bool:
        if command_id not in self._ids:
            return False
        self._ids.move_to_end(command_id)
        return True

    def __len__(self) -> int:
        return len(self._ids)
