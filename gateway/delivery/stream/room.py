"""How much of what clients say may wait for Kafka and the store: it waits in memory, and they may be away for long.

>>> room = Room(2)
>>> room.take(2); room.is_full
True
>>> room.give_back(1); room.is_full
False
"""

NO_ROOM = "too much waits for Kafka: say it again later"
"""In words for who said it."""


class FullError(Exception):
    """There is no room: of this message nothing was taken, and it may be said again later."""


class Room:
    """``most``: messages. Only new ones are turned away: what is taken may be several at once, and keeps its room to its end."""

    __slots__ = ("_most", "_taken")

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be taken."""
        return self._taken >= self._most

    def take(self, number: int) -> None:
        """So many begin to wait."""
        self._taken += number

    def give_back(self, number: int) -> None:
        """So many are done."""
        self._taken -= number
