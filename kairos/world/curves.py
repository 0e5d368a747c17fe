"""Hour-of-week curves: when people use the application, when they open pushes, and when they buy.

A curve has 168 values, Monday 00:00 first, in the user's own time, with mean 1: twice the mean is a good hour, a tenth a bad one.
A user's curve is their persona's, moved by their own ``phase`` (hours later) and flattened to their own ``contrast``:

    curve_u(h) = 1 - contrast_u + contrast_u * persona(h - phase_u)        (mean 1 for every user)

Values between whole hours are interpolated. Where the shapes come from is in docs/world.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

HOURS_OF_WEEK = 168
HOUR_MS = 3_600_000
WEEK_MS = HOURS_OF_WEEK * HOUR_MS
_EPOCH_IS_THURSDAY_MS = 3 * 24 * HOUR_MS

Bumps = tuple[tuple[float, float, float], ...]
"""Daily rhythm as (centre in hours, width in hours, height)."""


class Habit(IntEnum):
    """What a curve is about."""

    ACTIVITY = 0
    OPENING = 1
    CONVERTING = 2


@dataclass(frozen=True, slots=True)
class Rhythm:
    """One persona's day: weekdays and weekends, over a floor."""

    weekday: Bumps
    weekend: Bumps
    floor: float = 0.03


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of daily life, and how common it is."""

    name: str
    share: float
    rhythms: Mapping[Habit, Rhythm]


_EVENING = (20.5, 1.8, 1.0)
_SLEEP_IN = ((10.5, 1.8, 0.8), (15.5, 2.5, 0.6), (21.0, 2.2, 1.0))

PERSONAS = (
    Persona(
        "office",
        0.47,
        {
            Habit.ACTIVITY: Rhythm(((7.6, 0.8, 0.8), (12.6, 0.9, 0.9), (17.5, 1.2, 0.7), _EVENING), _SLEEP_IN),
            Habit.OPENING: Rhythm(((7.5, 0.7, 0.7), (12.5, 0.7, 0.9), (20.8, 1.5, 1.3)), ((10.5, 1.5, 0.8), (20.5, 2.0, 1.1))),
            Habit.CONVERTING: Rhythm(((12.8, 0.8, 0.4), (20.8, 1.6, 1.2)), ((11.0, 2.0, 0.8), (20.0, 2.5, 1.0)), 0.2),
        },
    ),
    Persona(
        "at home",
        0.21,
        {
            Habit.ACTIVITY: Rhythm(
                ((9.5, 1.2, 1.0), (14.5, 1.5, 0.9), (20.5, 1.5, 0.8)), ((10.0, 1.8, 0.9), (16.0, 2.5, 0.6), (20.5, 1.8, 0.8))
            ),
            Habit.OPENING: Rhythm(((9.8, 0.9, 1.2), (14.2, 1.0, 1.0), (20.0, 1.2, 0.6)), ((10.5, 1.5, 1.0), (15.0, 1.5, 0.8))),
            Habit.CONVERTING: Rhythm(((10.5, 1.2, 1.0), (14.5, 1.2, 0.8)), ((10.5, 1.5, 0.8), (20.0, 2.0, 0.5)), 0.2),
        },
    ),
    Persona(
        "night owl",
        0.14,
        {
            Habit.ACTIVITY: Rhythm(((13.0, 1.5, 0.6), (18.5, 1.5, 0.6), (23.3, 2.0, 1.2)), ((14.5, 2.0, 0.7), (23.8, 2.4, 1.2))),
            Habit.OPENING: Rhythm(((13.0, 1.2, 0.5), (22.8, 1.6, 1.4)), ((14.0, 1.5, 0.6), (23.5, 2.0, 1.3))),
            Habit.CONVERTING: Rhythm(((23.0, 1.8, 1.3),), ((23.5, 2.0, 1.2),), 0.25),
        },
    ),
    Persona(
        "early bird",
        0.13,
        {
            Habit.ACTIVITY: Rhythm(
                ((6.0, 1.0, 1.2), (12.0, 1.2, 0.6), (18.5, 1.4, 0.7)), ((7.0, 1.3, 1.1), (13.0, 2.0, 0.5), (18.5, 1.6, 0.7))
            ),
            Habit.OPENING: Rhythm(((6.0, 0.8, 1.5), (12.0, 0.8, 0.5), (18.0, 1.0, 0.6)), ((7.2, 1.2, 1.3), (17.5, 1.5, 0.5))),
            Habit.CONVERTING: Rhythm(((6.5, 1.0, 0.9), (18.5, 1.2, 0.9)), ((7.8, 1.4, 1.0), (18.0, 1.5, 0.7)), 0.2),
        },
    ),
    Persona(
        "late shift",
        0.05,
        {
            Habit.ACTIVITY: Rhythm(((10.5, 1.5, 0.8), (15.5, 1.0, 0.5), (0.8, 1.8, 1.0)), _SLEEP_IN),
            Habit.OPENING: Rhythm(((11.0, 1.2, 1.0), (0.5, 1.2, 1.1)), ((11.0, 1.6, 0.9), (21.0, 1.8, 0.9))),
            Habit.CONVERTING: Rhythm(((11.5, 1.3, 1.1), (0.5, 1.5, 0.6)), ((11.5, 1.8, 0.9), (21.0, 2.0, 0.8)), 0.2),
        },
    ),
)


class Curves:
    """The personas' curves as one table, (n_personas, 3 habits, 168)."""

    def __init__(self, personas: tuple[Persona, ...] = PERSONAS) -> None:
        self.personas = personas
        self.shares = np.array([persona.share for persona in personas]) / sum(persona.share for persona in personas)
        self._table = np.array([[_week(persona.rhythms[habit]) for habit in Habit] for persona in personas])

    def at(
        self,
        habit: Habit,
        persona: NDArray[np.int8],
        phase: NDArray[np.float32],
        contrast: NDArray[np.float32],
        hour_of_week: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Users' curves at their own hour of the week; all arrays of one shape (or broadcast to one)."""
        shifted = np.mod(hour_of_week - phase, HOURS_OF_WEEK)
        before = shifted.astype(np.int64) % HOURS_OF_WEEK
        share = shifted - np.floor(shifted)
        values = self._table[:, int(habit), :]
        between = values[persona, before] * (1 - share) + values[persona, (before + 1) % HOURS_OF_WEEK] * share
        curve: NDArray[np.float64] = 1 - contrast + contrast * between
        return curve


def hour_of_week(civil_ms: NDArray[np.int64], offset_ms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Hours since Monday 00:00 local time, 0 <= h < 168.

    >>> hour_of_week(np.array([0]), np.array([0]))  # 1970-01-01 was a Thursday
    array([72.])
    """
    hours: NDArray[np.float64] = ((civil_ms + offset_ms + _EPOCH_IS_THURSDAY_MS) % WEEK_MS) / HOUR_MS
    return hours


def _week(rhythm: Rhythm) -> NDArray[np.float64]:
    weekday, weekend = _day(rhythm.weekday), _day(rhythm.weekend)
    week: NDArray[np.float64] = np.concatenate([np.tile(weekday, 5), np.tile(weekend, 2)]) + rhythm.floor
    return np.asarray(week / week.mean())


def _day(bumps: Bumps) -> NDArray[np.float64]:
    hours = np.arange(24.0)
    day = np.zeros(24)
    for centre, width, height in bumps:
        distance = np.abs(hours - centre % 24)
        distance = np.minimum(distance, 24 - distance)
        day += height * np.exp(-0.5 * (distance / width) ** 2)
    return day
