"""What is true of the world, for those who judge policies: the probabilities that users act by, and what lies behind them.

Users and items are rows (``World.user_row``, ``World.item_row``) in arrays that broadcast; times are civil milliseconds. Tastes,
fatigue, carts and prices are those of now; only the clock is that of the time asked for. Reading changes nothing.

    logit P(open)           = base + user + device + match + ln(hour) + fatigue + reasons (cart, followed, price, ...) - staleness
    logit P(convert | open) = base + match + ln(hour) + cart - dearness
    P(opt out | not opened) = rate * (fatigue / patience) ** power
"""

import numpy as np
from numpy.typing import NDArray

from kairos.world.behaviour import Behaviour
from kairos.world.catalogue import Catalogue
from kairos.world.curves import Habit
from kairos.world.habits import Habits
from kairos.world.memory import LONG_AGO_MS, Ints
from kairos.world.pace import Pace
from kairos.world.people import People
from kairos.world.values import NEVER_MS, Platform, Scenario, Urgency

Floats = NDArray[np.float64]
_LEAST_HOUR = 0.02


class Truth:
    """Reads only. One for a world."""

    def __init__(self, people: People, catalogue: Catalogue, habits: Habits, behaviour: Behaviour, pace: Pace) -> None:
        self._people, self._catalogue, self._habits = people, catalogue, habits
        self._behaviour, self._pace = behaviour, pace
        most = max(Scenario) + 1
        self._open_base, self._convert_base = np.zeros(most), np.zeros(most)
        self._conversion_value, self._stale_after = np.zeros(most), np.zeros(most)
        for scenario, pushed in behaviour.pushed.items():
            self._open_base[scenario], self._convert_base[scenario] = pushed.open_base, pushed.convert_base
            self._conversion_value[scenario] = pushed.conversion_value
            self._stale_after[scenario] = pushed.stale_after_ms or np.inf
        self._platform = np.zeros(max(Platform) + 1)
        for platform, logit in behaviour.open_platform.items():
            self._platform[platform] = logit
        self._row_of = np.zeros(most, np.int64)
        for row, scenario in enumerate(people.scenarios):
            self._row_of[scenario] = row

    def open_probability(self, users: Ints, items: Ints, at_ms: Ints) -> Floats:
        """That a push with this item, shown to this rested or tired user at this time, is opened. 0 for who cannot be reached."""
        users, items, at_ms = np.broadcast_arrays(users, items, at_ms)
        return self.opens(users, items, self._pace.life_all(at_ms))

    def conversion_probability(self, users: Ints, items: Ints, at_ms: Ints) -> Floats:
        """That an opened push with this item leads to what it was for, if opened at this time. 0 where nothing is left to buy."""
        users, items, at_ms = np.broadcast_arrays(users, items, at_ms)
        return self.converts(users, items, self._pace.life_all(at_ms))

    def opt_out_probability(self, users: Ints, at_ms: Ints) -> Floats:
        """That the next push which is not opened is the last."""
        users, at_ms = np.broadcast_arrays(users, at_ms)
        return self.opts_out(users, self._pace.life_all(at_ms))

    def fatigue(self, users: Ints, at_ms: Ints) -> Floats:
        """How tired of pushes they are: about the number of useless ones in the last days."""
        return self._people.fatigue(users, self._pace.life_all(at_ms))

    def match(self, users: Ints, items: Ints) -> Floats:
        """Taste and item, -1..1."""
        users, items = np.broadcast_arrays(users, items)
        row = self._row_of[self._catalogue.scenario[items]]
        taste = self._people.taste[row, users]
        together: Floats = np.einsum("...k,...k->...", taste, self._catalogue.vector[items]).astype(np.float64)
        return together

    def value(self, items: Ints) -> Floats:
        """What a conversion is worth now, in euros."""
        price = self._catalogue.price[items]
        worth: Floats = np.where(price > 0, price, self._conversion_value[self._catalogue.scenario[items]])
        return worth

    def week(self, habit: Habit, user: int) -> Floats:
        """The user's activity, opening or converting curve by local hour of the week, Monday 00:00 first, (168,), mean 1."""
        return self._habits.week(habit, user)

    def local_hours(self, users: Ints, at_ms: Ints) -> Floats:
        """Hours since Monday 00:00 where the users live."""
        return self._habits.local_hours(users, self._pace.life_all(at_ms))

    def reachable(self, users: Ints, at_ms: Ints) -> NDArray[np.bool_]:
        """Is a member and has not opted out."""
        return self.reached(users, self._pace.life_all(at_ms))

    # The same in life time, for the world's own modules.

    def opens(self, users: Ints, items: Ints, life_ms: Ints) -> Floats:
        """``open_probability``."""
        people, catalogue, behaviour = self._people, self._catalogue, self._behaviour
        scenario = catalogue.scenario[items]
        hour = np.log(np.maximum(self._habits.at(Habit.OPENING, users, life_ms), _LEAST_HOUR))
        followed = (people.follows[users] == catalogue.creator[items][..., None]).any(axis=-1)
        repeated = people.shown.when(users, items) > LONG_AGO_MS
        logit = (
            self._open_base[scenario]
            + people.openness[users]
            + self._platform[people.platform[users]]
            + behaviour.open_per_match * self.match(users, items)
            + behaviour.open_per_log_hour * hour
            + behaviour.open_per_fatigue * people.fatigue(users, life_ms)
            + behaviour.open_cart * self._cart(users, items, life_ms)
            + behaviour.open_followed * followed
            + behaviour.open_breaking * (catalogue.urgency[items] == Urgency.BREAKING)
            + behaviour.open_discount * people.price_sensitivity[users] * catalogue.discount(items)
            + behaviour.open_repeated * repeated
            + behaviour.open_bought * self._has_it(users, items)
            + np.log(0.5) * np.minimum(catalogue.age_ms(items, life_ms) / self._stale_after[scenario], 8)
        )
        probability: Floats = _sigmoid(logit) * self.reached(users, life_ms)
        return probability

    def converts(self, users: Ints, items: Ints, life_ms: Ints) -> Floats:
        """``conversion_probability``."""
        people, catalogue, behaviour = self._people, self._catalogue, self._behaviour
        hour = np.log(np.maximum(self._habits.at(Habit.CONVERTING, users, life_ms), _LEAST_HOUR))
        logit = (
            self._convert_base[catalogue.scenario[items]]
            + behaviour.convert_per_match * (self.match(users, items) - behaviour.funnel.mean_match)
            + behaviour.convert_per_log_hour * hour
            + behaviour.convert_cart * self._cart(users, items, life_ms)
            + behaviour.convert_per_log_price * people.price_sensitivity[users] * catalogue.dearness(items)
        )
        over = catalogue.gone[items] | catalogue.sold_out[items] | (catalogue.stock[items] == 0) | (catalogue.ends_ms[items] <= life_ms)
        probability: Floats = _sigmoid(logit) * ~(over | self._has_it(users, items))
        return probability

    def opening_hour(self, users: Ints, life_ms: Ints) -> Floats:
        """How good an hour it is for being told something, 1 on average."""
        return self._habits.at(Habit.OPENING, users, life_ms)

    def opts_out(self, users: Ints, life_ms: Ints) -> Floats:
        """``opt_out_probability``."""
        people, behaviour = self._people, self._behaviour
        strain = people.fatigue(users, life_ms) / people.patience[users]
        probability: Floats = np.minimum(behaviour.opt_out_per_push * strain**behaviour.opt_out_power, 0.5)
        return probability

    def reached(self, users: Ints, life_ms: Ints) -> NDArray[np.bool_]:
        """``reachable``."""
        people = self._people
        there: NDArray[np.bool_] = (people.joined_ms[users] <= life_ms) & (np.minimum(people.opted_out_ms, people.left_ms)[users] > life_ms)
        return there

    def _cart(self, users: Ints, items: Ints, life_ms: Ints) -> Floats:
        """1 for what was put into the cart just now, halving as it cools; 0 for what is not in it."""
        since = life_ms - self._people.cart.when(users, items)
        warm: Floats = np.where(
            (since >= 0) & (since < self._behaviour.cart_lasts_ms),
            0.5 ** (np.clip(since, 0, NEVER_MS) / self._behaviour.cart_cools_ms),
            0.0,
        )
        return warm

    def _has_it(self, users: Ints, items: Ints) -> NDArray[np.bool_]:
        has: NDArray[np.bool_] = self._catalogue.durable(items) & (self._people.bought.when(users, items) > LONG_AGO_MS)
        return has


def _sigmoid(logit: Floats) -> Floats:
    probability: Floats = 1 / (1 + np.exp(-logit))
    return probability
