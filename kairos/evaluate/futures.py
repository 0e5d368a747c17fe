"""What a user's future is worth, hour by hour and by how tired they are: the dynamic programme behind the oracle.

A user is in one of two states: reachable with fatigue f, or gone. In every hour one waits or sends the item one would usually find for them:

    wait   Q_w = γ · V(h+1, δf)
    send   Q_s = p·(c + γ·V(h+1, δ(f + n − r))) + (1 − p)·(1 − q)·γ·V(h+1, δ(f + n)) − λ
    V(h, f) = max(Q_w, Q_s)            gone: 0

p, c: opening and converting at that hour of the user's week and that fatigue; n: what a push adds to fatigue, r what an
opened one takes away; q = rate·((f + n)/patience)^power: opting out; δ: an hour of rest; λ: price of a push. γ makes the coming eight weeks
count: a future is discounted to 1/e after that time, so that at the end of a run nobody is used up. Backward over the hours of a week, the week
being taken for the one after it (value iteration). Approximations: the usual item is the same all week; pushes arrive at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kairos.world.behaviour import Behaviour

Floats = NDArray[np.float64]

HOURS = 168
HORIZON_HOURS = 8 * HOURS
DISCOUNT = float(np.exp(-1 / HORIZON_HOURS))
_STEP = 0.4
_STATES = 31  # fatigue 0 to 12: with more, nothing is worth sending
_LEAST_HOUR = 0.02


@dataclass(frozen=True, slots=True)
class Offer:
    """What one usually finds for each user, all (n_users,): logits of opening and converting at a mean hour and rested; match."""

    opening: Floats
    converting: Floats
    match: Floats


class Futures:
    """``hours_open``, ``hours_convert``: each user's curves by the hours of the coming week, (n_users, 168); ``patience``: (n_users,)."""

    def __init__(self, behaviour: Behaviour, patience: Floats) -> None:
        self._behaviour, self._patience = behaviour, patience[:, None]
        self._rest = 0.5 ** (3_600_000 / behaviour.fatigue_halves_ms)
        self._fatigue = _STEP * np.arange(_STATES)[None, :]
        self._values = np.zeros((HOURS + 1, len(patience), _STATES))

    def sweep(self, offer: Offer, hours_open: Floats, hours_convert: Floats, price: float, times: int = 1) -> None:
        """Backward over the coming week, ``times`` times."""
        b = self._behaviour
        opens = b.open_per_log_hour * np.log(np.maximum(hours_open, _LEAST_HOUR)) + offer.opening[:, None]
        converts = b.convert_per_log_hour * np.log(np.maximum(hours_convert, _LEAST_HOUR)) + offer.converting[:, None]
        gains = 1 / (1 + np.exp(-converts))
        tires = b.fatigue_irrelevant * (1 - 0.7 * np.clip(offer.match, 0, 1))[:, None] + b.fatigue_bad_hour * (
            1 - np.clip(hours_open, 0, 1)
        )
        tired = b.open_per_fatigue * self._fatigue
        for _ in range(times):
            after = self._values[0]
            self._values[HOURS] = after
            for hour in range(HOURS - 1, -1, -1):
                p = 1 / (1 + np.exp(-(opens[:, hour, None] + tired)))
                send = self._sent(after, p, gains[:, hour, None], self._fatigue, tires[:, hour, None], self._patience) - price
                after = np.maximum(DISCOUNT * self._at(after, self._rest * self._fatigue), send)
                self._values[hour] = after

    def gain_of_sending(self, hour: int, users: NDArray[np.int64], p: Floats, gain: Floats, tires: Floats, fatigue: Floats) -> Floats:
        """Q_s − Q_w of given items now, ``hour`` hours after the last sweep, without the price; p, gain and tires are (len(users), n_items)."""
        after = self._values[hour + 1][users]
        tired = fatigue[:, None]
        send = self._sent(after, p, gain, tired, tires, self._patience[users])
        gained: Floats = send - DISCOUNT * self._at(after, self._rest * tired)
        return gained

    def _sent(self, after: Floats, p: Floats, gain: Floats, fatigue: Floats, tires: Floats, patience: Floats) -> Floats:
        b = self._behaviour
        then = fatigue + tires
        q = np.minimum(b.opt_out_per_push * (then / patience) ** b.opt_out_power, 0.5)
        opened = gain + DISCOUNT * self._at(after, self._rest * np.maximum(then + b.fatigue_opened, 0))
        value: Floats = p * opened + (1 - p) * (1 - q) * DISCOUNT * self._at(after, self._rest * then)
        return value

    @staticmethod
    def _at(values: Floats, fatigue: Floats) -> Floats:
        """Values, (n, _STATES), at fatigues, (n, m) or (1, m), by straight lines between."""
        place = np.clip(fatigue / _STEP, 0, _STATES - 1.001)
        low = place.astype(np.int64)
        part = place - low
        if len(low) == 1:  # the same for all users
            return values[:, low[0]] * (1 - part) + values[:, low[0] + 1] * part
        between: Floats = np.take_along_axis(values, low, 1) * (1 - part) + np.take_along_axis(values, low + 1, 1) * part
        return between
