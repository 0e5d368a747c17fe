"""The states of the users seen last, decoded.

Reading a state from Flink and decoding it costs as much as deciding; people come in visits, so the next event is often of somebody who was just here.
An operator instance is the only writer of its keys and starts empty after a restore, so what is held is what is stored: every change is still
written at once.
"""

from __future__ import annotations

from flink_job.core.state import UserState


class StateCache:
    """The `most` users used last."""

    __slots__ = ("_most", "_states")

    def __init__(self, most: int) -> None:
        self._most = most
        self._states: dict[str, UserState] = {}

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._states

    def take(self, user_id: str) -> UserState | None:
        """The state, if it is held; it is held no more until it is put back."""
        return self._states.pop(user_id, None)

    def put(self, user_id: str, state: UserState) -> None:
        """Hold this state; the one used least recently makes room."""
        self._states[user_id] = state
        if len(self._states) > self._most:
            del self._states[next(iter(self._states))]
