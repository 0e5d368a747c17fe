"""The pushes of one user that this gateway has go one after the other: who may begin, and who waits behind whom.

>>> turns = Turns()
>>> turns.take("ada", "first"), turns.take("ada", "second"), turns.take("lin", "another")
(True, False, True)
>>> turns.done("ada"), turns.done("ada"), turns.take("ada", "third")
('second', None, True)
"""

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Knows the users of whom something is under way."""

    def __init__(self) -> None:
        self._behind: dict[str, deque[T] | None] = {}
        """None: something is under way, and nothing waits, as nearly always."""

    def take(self, user_id: str, what: T) -> bool:
        """Whether it may begin; if not, it waits until ``done`` gives it back."""
        if user_id not in self._behind:
            self._behind[user_id] = None
            return True
        behind = self._behind[user_id]
        if behind is None:
            behind = self._behind[user_id] = deque()
        behind.append(what)
        return False

    def done(self, user_id: str) -> T | None:
        """What was under way of this user is done; what begins now, if something waited."""
        if behind := self._behind[user_id]:
            return behind.popleft()
        del self._behind[user_id]
        return None
