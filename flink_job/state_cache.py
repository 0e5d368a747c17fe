"""The states of the keys seen last, decoded.

Reading a state from Flink and decoding it costs as much as deciding; people come in visits, so the next event is often of somebody who was just here.
An operator instance is the only writer of its keys and starts empty after a restore, so what is held is what is stored: every change is still
written at once.
"""

from __future__ import annotations

from typing import Generic, TypeVar

State = TypeVar("State")


class StateCache(Generic[State]):
    """The states of the `most` keys used last: users, or items."""

    __slots__ = ("_most", "_states")

    def __init__(self, most: int) -> None:
        self._most = most
        self._states: dict[str, State] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._states

    def take(self, key: str) -> State | None:
        """The state, if it is held; it is held no more until it is put back."""
        return self._states.pop(key, None)

    def put(self, key: str, state: State) -> None:
        """Hold this state; the one used least recently makes room."""
        self._states[key] = state
        if len(self._states) > self._most:
            del self._states[next(iter(self._states))]
