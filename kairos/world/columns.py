"""Interactions as columns: how a world makes them, sorts them and keeps those whose time has not come.

One structured array, one row an interaction. Text is not in it; numbers refer to users, items and commands, and ``Narrator``
turns rows into values when they are told.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOBODY = -1

EVENT = np.dtype(
    [
        ("at_ms", np.int64),  # life time
        ("number", np.int64),  # unique in the world: the event id is made of it
        ("user", np.int32),
        ("type", np.int8),
        ("scenario", np.int8),
        ("item", np.int32),  # NOBODY: none
        ("query", np.int32),  # the item whose words are searched for
        ("creator", np.int32),
        ("quantity", np.int16),
        ("value", np.float64),
        ("dwell_ms", np.int32),
        ("completion", np.float32),
        ("session", np.int64),
        ("ordered", np.bool_),  # belongs to the order of its session
        ("command", np.int64),  # the push that led here
    ]
)

Events = NDArray[np.void]


def rows(n: int, **columns: Any) -> Events:
    """``n`` rows; columns that are not given are empty."""
    events = np.zeros(n, EVENT)
    for name in ("item", "query", "creator", "command"):
        events[name] = NOBODY
    for name, values in columns.items():
        events[name] = values
    return events


def joined(parts: Sequence[Events]) -> Events:
    """One array of all; ``np.concatenate`` would compare the column types of every part again."""
    together = np.empty(sum(map(len, parts)), EVENT)
    end = 0
    for part in parts:
        begin, end = end, end + len(part)
        together[begin:end] = part
    return together


class Future:
    """Events that were reckoned ahead of their time."""

    def __init__(self) -> None:
        self._later = np.zeros(0, EVENT)
        self._new: list[Events] = []

    def add(self, events: Events) -> None:
        """Keeps them until their time; in any order."""
        if len(events):
            self._new.append(events)

    def take(self, until_ms: int) -> Events:
        """All of ``at_ms <= until_ms``, in order of time and, at the same time, of number."""
        if self._new:
            together = joined([self._later, *self._new])
            self._later = together[np.lexsort((together["number"], together["at_ms"]))]
            self._new.clear()
        end = int(np.searchsorted(self._later["at_ms"], until_ms, side="right"))
        now, self._later = self._later[:end], self._later[end:]
        return now

    def __len__(self) -> int:
        return len(self._later) + sum(len(events) for events in self._new)
