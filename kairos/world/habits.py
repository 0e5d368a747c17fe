"""Users' hour-of-week curves at moments in time: curves, people and their zones brought together."""

import numpy as np
from numpy.typing import NDArray

from kairos.world.curves import HOUR_MS, Curves, Habit, hour_of_week
from kairos.world.memory import Ints
from kairos.world.pace import Pace
from kairos.world.people import People
from kairos.world.places import utc_offsets_ms

_QUARTER_MS = HOUR_MS // 4
_KEPT_QUARTERS = 4096


class Habits:
    """Reads curves; offsets of zones are looked up once for each quarter of an hour (zones change on no finer grid)."""

    def __init__(self, people: People, curves: Curves, pace: Pace) -> None:
        self._people, self._curves, self._pace = people, curves, pace
        self._offsets: dict[int, Ints] = {}
        self._everybody = np.arange(people.n)

    def at(self, habit: Habit, users: Ints, life_ms: Ints) -> NDArray[np.float64]:
        """The users' curve at these moments of life, mean 1 over a week; ``users`` and ``life_ms`` broadcast."""
        users, life_ms = np.broadcast_arrays(users, life_ms)
        people = self._people
        hours = self.local_hours(users, life_ms)
        return self._curves.at(habit, people.persona[users], people.phase[users], people.contrast[users], hours)

    def of_everybody(self, habit: Habit, life_ms: int) -> NDArray[np.float64]:
        """All users' curve at one moment, (n_users,)."""
        return self.at(habit, self._everybody, np.int64(life_ms))  # type: ignore[arg-type]  # a scalar broadcasts

    def week(self, habit: Habit, user: int) -> NDArray[np.float64]:
        """One user's curve by the hours of their own week, Monday 00:00 first, (168,)."""
        people = self._people
        row = np.full(168, user)
        return self._curves.at(habit, people.persona[row], people.phase[row], people.contrast[row], np.arange(168.0))

    def local_hours(self, users: Ints, life_ms: Ints) -> NDArray[np.float64]:
        """Hours since Monday 00:00 where the users live."""
        civil = self._pace.civil_all(life_ms)
        return hour_of_week(civil, self._offset(self._people.place[users], civil))

    def _offset(self, places: NDArray[np.int8], civil: Ints) -> Ints:
        quarters = civil // _QUARTER_MS
        first = int(quarters.flat[0]) if quarters.size else 0
        if bool((quarters == first).all()):
            return self._offsets_at(first)[places]
        offsets = np.empty(civil.shape, np.int64)
        for quarter in np.unique(quarters).tolist():
            here = quarters == quarter
            offsets[here] = self._offsets_at(quarter)[places[here]]
        return offsets

    def _offsets_at(self, quarter: int) -> Ints:
        known = self._offsets.get(quarter)
        if known is None:
            if len(self._offsets) >= _KEPT_QUARTERS:
                self._offsets.clear()
            known = self._offsets[quarter] = utc_offsets_ms(quarter * _QUARTER_MS)
        return known
