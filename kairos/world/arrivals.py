"""When visits begin: a Poisson process for every user, whose rate follows their week.

All users' processes are drawn as one: how many visits in a tick, then whose. The draws depend on the seed and the tick alone, so
what becomes of pushes never changes who would have come; who has left or is busy is taken out afterwards.
"""

import numpy as np
from numpy.typing import NDArray

from kairos.world.behaviour import DAY_MS
from kairos.world.columns import NOBODY
from kairos.world.curves import Habit
from kairos.world.draws import stream
from kairos.world.habits import Habits
from kairos.world.memory import Ints
from kairos.world.people import People
from kairos.world.settings import WorldSettings
from kairos.world.views import Visits

_STREAM = 5
_EVENTS_PER_VISIT = 14.0  # before anything was measured
_FORGETS = 0.02
_MOST_VISITS_PER_USER = 1.5  # in a tick; a visit lasts about as long as one, so with more nearly everybody is busy
COMFORTABLE_EVENTS_PER_S = 0.01  # of one user at pace 1


class Arrivals:
    """Draws visits; keeps to a rate of events if one is set."""

    def __init__(self, settings: WorldSettings, people: People, habits: Habits) -> None:
        self._settings, self._people, self._habits = settings, people, habits
        self._events_per_visit = _EVENTS_PER_VISIT
        self._drawn = 0

    def draw(self, tick: int, from_ms: int, length_ms: int) -> list[tuple[Visits, np.random.Generator]]:
        """The visits that begin in a tick, by scenario, in order of time; each with the generator for what happens in them."""
        people = self._people
        hour = self._habits.of_everybody(Habit.ACTIVITY, from_ms + length_ms // 2)
        expected = people.sessions_per_day * hour * (length_ms / DAY_MS)  # (n_scenarios, n_users)
        expected *= self._lift(float(expected.sum()), length_ms)
        self._drawn = 0
        drawn = []
        for row, scenario in enumerate(people.scenarios):
            rng = stream(self._settings.seed, _STREAM, tick, int(scenario))
            cumulative = np.cumsum(expected[row])
            n = int(rng.poisson(cumulative[-1]))
            user = np.minimum(np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right"), people.n - 1)
            at_ms = np.sort(from_ms + (rng.random(n) * length_ms).astype(np.int64))
            nothing = np.full(n, NOBODY, np.int64)
            number = (tick << 24) + (row << 21) + np.arange(n)
            drawn.append((Visits(scenario, user, at_ms, number, nothing, nothing), rng))
            self._drawn += n
        return drawn

    def came_of_it(self, events: int) -> None:
        """How many events the last tick's visits made: the rate is kept by this."""
        if self._drawn:
            weight = min(1.0, _FORGETS * self._drawn)
            self._events_per_visit += min(weight, 0.5) * (events / self._drawn - self._events_per_visit)

    def present(self, visits: Visits) -> NDArray[np.bool_]:
        """Which of the visitors are members, and not in a visit already."""
        people, user = self._people, visits.user
        free = (
            (people.joined_ms[user] <= visits.at_ms) & (people.left_ms[user] > visits.at_ms) & (people.busy_until_ms[user] <= visits.at_ms)
        )
        first: Ints = np.unique(user, return_index=True)[1]
        once = np.zeros(len(user), bool)
        once[first] = True
        here: NDArray[np.bool_] = free & once
        return here

    def _lift(self, visits: float, length_ms: int) -> float:
        """By how much visits must be multiplied to keep the rate."""
        settings = self._settings
        target = settings.rate or settings.floor
        if target is None or visits <= 0:
            return 1.0
        wanted = target * length_ms / 1_000 / settings.pace / max(self._events_per_visit, 0.1)
        lift = min(wanted, _MOST_VISITS_PER_USER * self._people.n) / visits
        return lift if settings.rate is not None else max(1.0, lift)
