"""The score everything starts from, for the baselines: ``s_ui = I_u · F_i + α · r_ui``, all users as columns.

The formula, its half-lives and its weights are those of the shipped policy (``flink_job.core.interest``, ``flink_job.core.recents``), reckoned
for whole chapters at once, so that what a baseline lacks against Kairos is its decision and not its taste. A test holds the two to each other.
"""

import numpy as np
from numpy.typing import NDArray

from flink_job.core.index.columns import SCENARIO_COUNT
from flink_job.core.rules import Rules
from flink_job.core.signals import InteractionType as Type
from kairos.evaluate.seen import Rows, Seen
from kairos.world.columns import NOBODY, Events

Floats = NDArray[np.float32]
_LEAST_MASS = 1e-300  # a taste of half an hour fades below what a float32 holds in three days, a mean over it does not
_DISLIKES = frozenset({Type.HIDE, Type.DISLIKE, Type.REPORT})
_BUYS = Type.PURCHASE


class Taste:
    """``observe`` every chapter, then ``best`` for a user."""

    def __init__(self, users: int, rules: Rules, seen: Seen) -> None:
        self._rules, self._seen = rules, seen
        self._weights = np.zeros(max(Type) + 1)
        for name, weight in rules.interest.weights.items():
            self._weights[Type[name.upper()]] = weight
        self._sums = np.zeros((2, SCENARIO_COUNT, users, seen.features.shape[1] + 1))  # short and long: features and mass
        self._now_ms: int | None = None
        self._touched: list[dict[int, tuple[float, int]]] = [{} for _ in range(users)]
        self._excluded: list[dict[int, int]] = [{} for _ in range(users)]

    def observe(self, events: Events, now_ms: int) -> None:
        """Takes in what users did up to now."""
        interest = self._rules.interest
        halves = np.array([interest.short_half_life_ms, interest.long_half_life_ms], float)
        if self._now_ms is not None:
            self._sums *= (0.5 ** ((now_ms - self._now_ms) / halves))[:, None, None, None]
        self._now_ms = now_ms
        events = events[(events["item"] != NOBODY) & (self._weights[events["type"]] != 0)]
        if not len(events):
            return
        weight = self._weights[events["type"]]
        features = self._seen.features[events["item"]]
        told = np.concatenate([weight[:, None] * features, np.abs(weight)[:, None]], axis=1)
        for sums, half in zip(self._sums, halves, strict=True):
            faded = 0.5 ** ((now_ms - events["at_ms"]) / half)
            np.add.at(sums, (self._seen.scenario[events["item"]], events["user"]), told * faded[:, None])
        for user, item, kind, by, at_ms in zip(
            *(events[name].tolist() for name in ("user", "item", "type")), weight.tolist(), events["at_ms"].tolist(), strict=True
        ):
            self._touch(user, item, kind, by, at_ms)

    def best(self, user: int, offered: Rows, now_ms: int) -> int | None:
        """The item with the highest score among those offered that may be sent to the user, or nothing."""
        scores = self.scores(user, offered, now_ms)
        for at in np.argsort(-scores, kind="stable").tolist():
            item = int(offered[at])
            if self.may_be_sent(user, item, now_ms):
                return item
        return None

    def scores(self, user: int, offered: Rows, now_ms: int) -> Floats:
        """s_ui of each, (len(offered),)."""
        scenarios = self._seen.scenario[offered]
        scored = np.zeros(len(offered), np.float32)
        for scenario in np.unique(scenarios).tolist():
            of_it = scenarios == scenario
            scored[of_it] = self._seen.features[offered[of_it]] @ self._profile(user, scenario)
        affinity = self._rules.affinity
        for item, (weight, at_ms) in self._touched[user].items():
            place = int(np.searchsorted(offered, item))
            if place < len(offered) and offered[place] == item and weight > 0:
                value = weight * 0.5 ** ((now_ms - at_ms) / affinity.half_life_ms)
                scored[place] += affinity.alpha * value / (value + affinity.saturation)
        return scored

    def sent(self, user: int, item: int, now_ms: int) -> None:
        """Not again for as long as the policy says."""
        self._excluded[user][item] = now_ms + self._rules.items.repeat_after_ms

    def may_be_sent(self, user: int, item: int, now_ms: int) -> bool:
        """Neither sent lately, nor bought, disliked, or looked at a moment ago."""
        touched = self._touched[user].get(item)
        if touched is not None and now_ms - touched[1] < self._rules.items.seen_for_ms:
            return False
        return self._excluded[user].get(item, 0) <= now_ms

    def _profile(self, user: int, scenario: int) -> Floats:
        """The user's among items of the scenario, or over all of them if they have not dealt with any."""
        share = self._rules.interest.short_share
        own = self._sums[:, scenario, user]
        short, long = own if own[1, -1] else self._sums[:, :, user].sum(axis=1)
        profile: Floats = short[:-1] * (share / max(float(short[-1]), _LEAST_MASS))
        profile = profile + long[:-1] * ((1 - share) / max(float(long[-1]), _LEAST_MASS))
        return profile.astype(np.float32)

    def _touch(self, user: int, item: int, kind: int, weight: float, at_ms: int) -> None:
        touched = self._touched[user]
        before = touched.pop(item, None)
        if before is not None:
            weight += before[0] * 0.5 ** ((at_ms - before[1]) / self._rules.affinity.half_life_ms)
        touched[item] = weight, at_ms
        if len(touched) > self._rules.memory.recent_items:
            del touched[next(iter(touched))]
        if kind == _BUYS and self._seen.durable[item]:
            self._excluded[user][item] = at_ms + self._rules.items.bought_for_ms
        elif kind in _DISLIKES:
            self._excluded[user][item] = at_ms + self._rules.items.repeat_after_ms
