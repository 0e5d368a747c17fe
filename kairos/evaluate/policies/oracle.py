"""The oracle: knows tastes, hours, fatigue and what a push does, and sends what is worth more than waiting.

Once a day it looks at all items for all users, keeps the best few, and reckons what each user's future is worth (``futures``). Every hour it
weighs those items, what was published since and what lies in carts against not sending, by the world's own probabilities of this hour, and
sends the best one that gains. It knows the truth but not the luck, nor the future: fatigue, later chances and the loss of the user are priced.

Not the best there can be, and said to be greedy: one user at a time, no plan beyond the usual item, deliveries taken for immediate. With a
model to match, the price of a push follows the number sent.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kairos.evaluate.futures import HOURS, Futures, Offer
from kairos.evaluate.stage import Stage, Wish
from kairos.world.curves import Habit
from kairos.world.world import Chapter

_HOUR_MS = 3_600_000
_DAY_HOURS = 24
_KEPT = 16  # items a user and day
_USUAL = 2  # which of them the future is reckoned with: the best are soon used up
_FIRST_SWEEPS = 10
# What a push must bring beyond waiting for the usual item, in conversions: chances better than usual come again as well, and `futures` does not know
# of them. Conversions a user-month over eight weeks (250 users, default world, seed 1): 1.98 at 0, 2.14 at 0.02, 2.18 at 0.03, 2.16 at 0.04. What
# favours the oracle can only make Kairos look worse.
_PRICE = 0.03
_LEAST = 1e-9

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Oracle:
    """It wants conversions, each as much as another."""

    def __init__(self, stage: Stage) -> None:
        world = stage.world
        self._stage, self._world = stage, world
        self._start_ms = world.settings.start_ms
        self._users = np.arange(world.people.n)
        self._futures = Futures(world.settings.behaviour, world.people.patience.astype(float))
        self._curves = {
            habit: np.array([world.truth.week(habit, user) for user in self._users]) for habit in (Habit.OPENING, Habit.CONVERTING)
        }
        self._kept = np.zeros((world.people.n, 0), np.int64)
        self._new: list[int] = []
        self._sent = np.zeros((world.people.n, 2 * world.items.n), bool)
        self._price = _PRICE
        self._hours = -1
        self._planned = -1

    def step(self, chapter: Chapter, now_ms: int) -> Iterable[Wish]:
        """Once an hour."""
        self._new += [self._world.items.row_of[change.item_id] for change in chapter.changes if not change.deleted]
        hours = (now_ms - self._start_ms) // _HOUR_MS
        if hours <= self._hours:
            return
        self._hours = hours
        if self._world.items.n > self._sent.shape[1]:
            self._sent = np.concatenate([self._sent, np.zeros_like(self._sent)], axis=1)
        if self._planned < 0 or hours - self._planned >= _DAY_HOURS:
            self._plan(now_ms)
            self._planned = hours
        users = self._stage.allowance.among(np.flatnonzero(self._world.truth.reachable(self._users, np.full(1, now_ms))))
        if not len(users):
            return
        items = self._in_sight(users)
        gained = self._gained(users, items, now_ms, hours - self._planned) - self._price
        self._kept[users] = np.take_along_axis(items, np.argpartition(-gained, _KEPT - 1, axis=1)[:, :_KEPT], 1)
        best = gained.argmax(axis=1)
        gain = gained[np.arange(len(users)), best]
        for at in np.argsort(-gain, kind="stable").tolist():
            user, item = int(users[at]), int(items[at, best[at]])
            if gain[at] <= 0 or not self._stage.allowance.spend(user):
                break
            self._sent[user, item] = True
            yield Wish(user, item, self._stage.names.next(user, now_ms))

    def _plan(self, now_ms: int) -> None:
        """The best items of all, and what users' futures are worth."""
        truth, users = self._world.truth, self._users[:, None]
        lead = self._stage.allowance.lead
        if lead is not None and self._planned >= 0:
            self._price *= float(np.exp(np.clip(0.4 * lead, -0.5, 0.5)))
        live = self._world.items.live(now_ms)
        p = truth.open_probability(users, live[None, :], np.full((1, 1), now_ms))
        c = truth.conversion_probability(users, live[None, :], np.full((1, 1), now_ms))
        gain = p * c * ~self._sent[:, live]
        kept = np.argpartition(-gain, min(_KEPT, len(live) - 1), axis=1)[:, :_KEPT]
        kept = np.take_along_axis(kept, np.argsort(-np.take_along_axis(gain, kept, 1), axis=1), 1)
        self._kept, self._new = live[kept], []
        usual = kept[:, min(_USUAL, kept.shape[1]) - 1]
        rows = self._users
        first = np.floor(truth.local_hours(self._users, np.full(1, now_ms))).astype(np.int64)
        coming = (first[:, None] + np.arange(HOURS)) % HOURS
        ahead = {habit: np.take_along_axis(curve, coming, 1) for habit, curve in self._curves.items()}
        self._futures.sweep(
            self._rested(p[rows, usual], c[rows, usual], live[usual], ahead, now_ms),
            ahead[Habit.OPENING],
            ahead[Habit.CONVERTING],
            self._price,
            times=1 if self._planned >= 0 else _FIRST_SWEEPS,
        )

    def _rested(self, p: Floats, c: Floats, items: Ints, ahead: dict[Habit, Floats], now_ms: int) -> Offer:
        """Probabilities of now as logits at a mean hour and without fatigue. Of who is not there, nothing is expected."""
        behaviour = self._world.settings.behaviour
        hour = {habit: np.log(np.maximum(curve[:, 0], 0.02)) for habit, curve in ahead.items()}
        tired = behaviour.open_per_fatigue * self._world.truth.fatigue(self._users, np.full(1, now_ms))
        return Offer(
            opening=_logit(p) - behaviour.open_per_log_hour * hour[Habit.OPENING] - tired,
            converting=_logit(c) - behaviour.convert_per_log_hour * hour[Habit.CONVERTING],
            match=self._world.truth.match(self._users, items),
        )

    def _in_sight(self, users: Ints) -> Ints:
        """Candidates of each user, (n, m): the best of the day, what is new, what lies in the cart."""
        cart = self._world.people.cart.items[users].astype(np.int64)
        new, self._new = np.unique(np.array(self._new, np.int64)), []
        new = np.broadcast_to(new, (len(users), len(new)))
        kept = self._kept[users]
        return np.concatenate([kept, new, np.where(cart >= 0, cart, kept[:, :1])], axis=1)

    def _gained(self, users: Ints, items: Ints, now_ms: int, hour: int) -> Floats:
        truth, behaviour = self._world.truth, self._world.settings.behaviour
        now = np.full((1, 1), now_ms)
        p = truth.open_probability(users[:, None], items, now)
        gain = truth.conversion_probability(users[:, None], items, now)
        gain[self._sent[users[:, None], items]] = -1.0  # never the same item again
        good_hour = np.clip(truth.opening_hour(users, np.full(1, now_ms)), 0, 1)[:, None]
        tires = behaviour.fatigue_irrelevant * (1 - 0.7 * np.clip(truth.match(users[:, None], items), 0, 1))
        tires = tires + behaviour.fatigue_bad_hour * (1 - good_hour)
        return self._futures.gain_of_sending(hour, users, p, gain, tires, truth.fatigue(users, np.full(1, now_ms)))


def _logit(p: Floats) -> Floats:
    p = np.clip(p, _LEAST, 1 - _LEAST)
    odds: Floats = np.log(p / (1 - p))
    return odds
