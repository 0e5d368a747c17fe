"""The users, as columns: who they are, what they like, how tired of pushes they are.

Every array has one row a user. What a user likes moves with time (``drift``); how tired they are is a sum that halves every few
days and is kept as value and time, so that it costs nothing while nothing happens.
"""

import numpy as np
from numpy.typing import NDArray

from kairos.world.behaviour import DAY_MS, Behaviour
from kairos.world.curves import Curves
from kairos.world.draws import stream
from kairos.world.latent import CREATORS_PER_CATEGORY, DIM, LatentSpace
from kairos.world.memory import Ints, Recent
from kairos.world.places import PLACES
from kairos.world.tastes import Tastes
from kairos.world.values import NEVER_MS, Platform, Profile, Scenario

_STREAM = 2
_DRIFT_STREAM = 3
_FOLLOWS = 8
_PLATFORMS = ((Platform.ANDROID, 0.60), (Platform.IOS, 0.30), (Platform.WEB_DESKTOP, 0.10))


class People:
    """All users of a world. Only the world's own modules write here."""

    def __init__(
        self,
        seed: int,
        n: int,
        scenarios: tuple[Scenario, ...],
        space: LatentSpace,
        curves: Curves,
        behaviour: Behaviour,
        start_ms: int,
    ) -> None:
        rng = stream(seed, _STREAM)
        self.n, self.scenarios = n, scenarios
        self._seed, self._behaviour = seed, behaviour
        self._profiles: dict[int, Profile] = {}

        shares = np.array([place.share for place in PLACES])
        self.place = rng.choice(len(PLACES), n, p=shares / shares.sum()).astype(np.int8)
        kinds, chances = zip(*_PLATFORMS, strict=True)
        self.platform = np.array(kinds, np.int8)[rng.choice(len(kinds), n, p=chances)]
        self.persona = rng.choice(len(curves.shares), n, p=curves.shares).astype(np.int8)
        self.phase = rng.normal(0, 1.0, n).astype(np.float32)
        self.contrast = rng.uniform(0.7, 1.0, n).astype(np.float32)

        self.sessions_per_day = np.zeros((len(scenarios), n))
        self.taste = np.zeros((len(scenarios), n, DIM), np.float32)
        self._tastes: list[Tastes] = []
        self.follows = np.full((n, _FOLLOWS), -1, np.int32)
        self._follow_next = np.zeros(n, np.int64)
        liking = rng.normal(size=(len(scenarios), n))
        for row, scenario in enumerate(scenarios):
            browsing = behaviour.browsing[scenario]
            spread = browsing.sessions_spread
            self.sessions_per_day[row] = browsing.sessions_per_day * np.exp(spread * liking[row] - spread**2 / 2)
            tastes = Tastes(space, scenario, n, rng)
            self._tastes.append(tastes)
            self.taste[row] = tastes.vectors()
            self._follow_some(tastes.favourites, rng)

        self.openness = (behaviour.open_spread * rng.normal(size=n)).astype(np.float32)
        self.patience = (behaviour.patience * np.exp(behaviour.patience_spread * rng.normal(size=n))).astype(np.float32)
        self.price_sensitivity = (behaviour.price_sensitivity * np.exp(0.5 * rng.normal(size=n))).astype(np.float32)

        later = rng.random(n) < behaviour.joins_later
        self.joined_ms = np.where(later, start_ms + (rng.random(n) * behaviour.join_within_ms).astype(np.int64), 0)
        self.opted_out_ms = np.full(n, NEVER_MS, np.int64)
        self.left_ms = np.full(n, NEVER_MS, np.int64)
        self.busy_until_ms = np.zeros(n, np.int64)
        self._fatigue = np.zeros(n)
        self._fatigue_ms = np.zeros(n, np.int64)
        self.cart, self.bought, self.shown = Recent(n, 4), Recent(n, 8), Recent(n, 16)

    def profile(self, user: int) -> Profile:
        """What events tell of the user; one object a user."""
        known = self._profiles.get(user)
        if known is None:
            place = PLACES[self.place[user]]
            known = Profile(
                user_id=user_name(user),
                device_id=f"device-{user:06d}",
                platform=Platform(int(self.platform[user])),
                locale=place.locale,
                time_zone=place.time_zone,
                country=place.country,
            )
            self._profiles[user] = known
        return known

    def fatigue(self, users: Ints, at_ms: Ints) -> NDArray[np.float64]:
        """How tired of pushes the users are: about the number of useless pushes of the last days."""
        elapsed = np.maximum(at_ms - self._fatigue_ms[users], 0)
        left: NDArray[np.float64] = self._fatigue[users] * 0.5 ** (elapsed / self._behaviour.fatigue_halves_ms)
        return left

    def tire(self, users: Ints, by: NDArray[np.float64], at_ms: Ints) -> None:
        """Adds to the fatigue, or takes from it; never below none. Users are distinct."""
        self._fatigue[users] = np.maximum(self.fatigue(users, at_ms) + by, 0)
        self._fatigue_ms[users] = np.maximum(at_ms, self._fatigue_ms[users])

    def follow(self, users: Ints, creators: Ints) -> None:
        """Notes whom they follow; the longest ago gives way."""
        for user, creator in zip(users.tolist(), creators.tolist(), strict=True):
            if creator not in self.follows[user]:
                self.follows[user, self._follow_next[user] % _FOLLOWS] = creator
                self._follow_next[user] += 1

    def drift(self, day: int) -> None:
        """One day's change of taste: a few of the interests give way to others."""
        rng, behaviour = stream(self._seed, _DRIFT_STREAM, day), self._behaviour
        gives_way = 1 - 0.5 ** (DAY_MS / behaviour.taste_halves_ms)
        for row, tastes in enumerate(self._tastes):
            tastes.drift(gives_way, behaviour.new_passion_per_day, rng)
            self.taste[row] = tastes.vectors()

    def _follow_some(self, favourites: NDArray[np.int32], rng: np.random.Generator) -> None:
        for rank in (0, 1):
            follows = np.nonzero(rng.random(self.n) < 0.5)[0]
            creators = favourites[follows, rank] * CREATORS_PER_CATEGORY + rng.integers(0, CREATORS_PER_CATEGORY, len(follows))
            self.follow(follows, creators)


def user_name(user: int) -> str:
    """The id of the user in a row."""
    return f"user-{user:06d}"


def user_number(user_id: str) -> int | None:
    """The row of a user id of this world, or nothing."""
    digits = user_id.removeprefix("user-")
    return int(digits) if user_id.startswith("user-") and len(digits) >= 6 and digits.isascii() and digits.isdigit() else None
