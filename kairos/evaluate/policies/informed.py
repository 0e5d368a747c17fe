"""Kairos with the truth about one thing: what is lost by not knowing it.

The shipped decision, in which one estimate is replaced by the world's own: the hours of the user's week, how much this user opens, or how likely
each candidate is opened and bought. Everything else is as shipped, so the difference to Kairos is what that estimate's errors cost, and the most that
a better one can bring.
"""

from enum import Enum
from typing import Any

import numpy as np

from flink_job.core.candidates import Finder
from flink_job.core.catalogue import Catalogue
from flink_job.core.index.columns import Rows
from flink_job.core.interest import Interest
from flink_job.core.item_signals import ItemSignalMaker
from flink_job.core.knowledge import Knowledge
from flink_job.core.local_time import LocalClock, ZoneOf
from flink_job.core.moment import Moment
from flink_job.core.policy import PushPolicy
from flink_job.core.quiet_hours import QuietClock
from flink_job.core.ranking import Ranker
from flink_job.core.recents import Recents
from flink_job.core.rules import Rules
from flink_job.core.send_time import WeekRates
from flink_job.core.signals import Signal
from flink_job.core.state import Floats, UserState
from flink_job.core.utility import Circumstances, Worth
from kairos.evaluate.ablations import laid_over
from kairos.evaluate.policies.shipped import Shipped
from kairos.evaluate.stage import Stage
from kairos.world import World
from kairos.world.curves import Habit

_LEAST_HOUR = 0.02
_LEAST = 1e-9
_CERTAIN = np.full((2, 168), 1e9, np.float32)
"""How many sends, or opens, a known rate weighs: nothing is left to explore."""

_WHATEVER_THE_SCORE = {"policy": {"send": {"min_score": -1e6}}}
"""Whoever knows what becomes of an item does not ask how well it seems to fit."""


class Fact(Enum):
    """What is known as it is."""

    HOURS = "hours"
    USERS = "users"
    ITEMS = "items"


class Informed(Shipped):
    """Shipped, and told the truth about ``facts``."""

    def __init__(self, stage: Stage, overlay: dict[str, Any], facts: frozenset[Fact]) -> None:
        told = Told(stage.world, facts)
        if Fact.ITEMS in facts:
            overlay = laid_over(overlay, _WHATEVER_THE_SCORE)

        def make(
            rules: Rules, catalogue: Catalogue, zone_of: ZoneOf, knowledge: Knowledge | None, item_signals: ItemSignalMaker | None
        ) -> PushPolicy:
            return _InformedPolicy(rules, catalogue, zone_of, knowledge, item_signals, told)

        super().__init__(stage, overlay, make)


class Told:
    """The truth about the user whose turn it is."""

    def __init__(self, world: World, facts: frozenset[Fact]) -> None:
        self.world, self.facts = world, facts
        self.user = 0
        behaviour, people = world.settings.behaviour, world.people
        platform = np.array([behaviour.open_platform[int(each)] for each in people.platform])  # type: ignore[index]  # an int is its value
        self._inclination = people.openness + platform
        self._usual = float(np.exp(self._inclination).mean())
        self._curves: dict[int, Floats] = {}

    def curves(self) -> Floats:
        """By how much the odds of opening and of converting are multiplied at each hour of the user's week, (2, 168)."""
        known = self._curves.get(self.user)
        if known is None:
            truth, behaviour = self.world.truth, self.world.settings.behaviour
            hours = [truth.week(habit, self.user) for habit in (Habit.OPENING, Habit.CONVERTING)]
            powers = np.array([[behaviour.open_per_log_hour], [behaviour.convert_per_log_hour]])
            known = self._curves[self.user] = (np.maximum(hours, _LEAST_HOUR) ** powers).astype(np.float32)
        return known

    def response(self) -> float:
        """By how much the user's odds of opening are those of the mean user."""
        return float(np.exp(self._inclination[self.user])) / self._usual

    def odds(self, items: Rows, now_ms: int) -> tuple[Floats, Floats]:
        """Of opening and of converting, (n,) each, as they are now but for the user's inclination and the hour."""
        truth, user, now = self.world.truth, np.array([self.user]), np.array([now_ms])
        hour = int(truth.local_hours(user, now)[0]) % 168
        opening, converting = self.curves()[:, hour].tolist()
        p_open, p_convert = truth.open_probability(user, items, now), truth.conversion_probability(user, items, now)
        return _odds(p_open) / (opening * self.response()), _odds(p_convert) / converting


class _InformedPolicy(PushPolicy):
    def __init__(
        self,
        rules: Rules,
        catalogue: Catalogue,
        zone_of: ZoneOf,
        knowledge: Knowledge | None,
        item_signals: ItemSignalMaker | None,
        told: Told,
    ) -> None:
        self._told = told
        super().__init__(rules, catalogue, zone_of, knowledge, item_signals)

    def on_signal(self, user_id: str, state: UserState, signal: Signal, wall_ms: int, hold_until_ms: int = 0) -> Any:
        self._asked_about(user_id)
        return super().on_signal(user_id, state, signal, wall_ms, hold_until_ms)

    def on_wake(self, user_id: str, state: UserState, at_ms: int, wall_ms: int, hold_until_ms: int = 0) -> Any:
        self._asked_about(user_id)
        return super().on_wake(user_id, state, at_ms, wall_ms, hold_until_ms)

    def _make_moment(self, rules: Rules, clock: LocalClock, quiet: QuietClock, knowledge: Knowledge | None) -> Moment:
        return _Hours(rules, clock, quiet, knowledge, self._told)

    def _make_ranker(
        self, rules: Rules, catalogue: Catalogue, interest: Interest, recents: Recents, knowledge: Knowledge | None, finder: Finder | None
    ) -> Ranker:
        if Fact.ITEMS in self._told.facts:
            return _Items(rules, catalogue, interest, recents, knowledge, self._told)
        return super()._make_ranker(rules, catalogue, interest, recents, knowledge, finder)

    def _asked_about(self, user_id: str) -> None:
        row = self._told.world.user_row(user_id)
        assert row is not None  # all that is fed comes from this world
        self._told.user = row


class _Hours(Moment):
    """A moment with the true hours, or the true inclination to open, or both."""

    __slots__ = ("_mean", "_told")

    def __init__(self, rules: Rules, clock: LocalClock, quiet: QuietClock, knowledge: Knowledge | None, told: Told) -> None:
        super().__init__(rules.send_time, clock, quiet, knowledge)
        self._told = told
        self._mean = np.array([[rules.send_time.open_rate], [rules.send_time.convert_rate]], np.float32)

    def rates(self, state: UserState, now_ms: int) -> WeekRates:
        told, estimated = self._told, super().rates(state, now_ms)
        response = told.response() if Fact.USERS in told.facts else estimated.response
        if Fact.HOURS not in told.facts:
            return WeekRates(estimated.rates, estimated.weights, response)
        curves = told.curves()
        return WeekRates((self._mean * curves / curves.mean(axis=1, keepdims=True)).clip(1e-6, 1 - 1e-6), _CERTAIN, response)


class _Items(Ranker):
    """A ranker to whom the true odds of each candidate are known; what the hour and the user add is estimated as ever."""

    __slots__ = ("_told",)

    def __init__(
        self, rules: Rules, catalogue: Catalogue, interest: Interest, recents: Recents, knowledge: Knowledge | None, told: Told
    ) -> None:
        super().__init__(rules, catalogue, interest, recents, knowledge)
        self._told = told

    def _worth(self, state: UserState, candidates: Rows, scored: Floats, now_ms: int, around: Circumstances) -> Worth:  # noqa: ARG002  # its parent's
        catalogue, columns = self._catalogue, self._catalogue.columns
        rows = [self._told.world.item_row(catalogue.item(row).item_id) for row in candidates.tolist()]
        opening, converting = self._told.odds(np.array(rows, np.int64), now_ms)
        p_open, p_convert = _probability(opening * around.open_factor), _probability(converting * around.convert_factor)
        return self.utility.priced(p_open, p_convert, columns.scenario.take(candidates), columns.price.take(candidates), around)


def _odds(probability: Any) -> Floats:
    probability = np.clip(probability, _LEAST, 1 - _LEAST)
    odds: Floats = (probability / (1 - probability)).astype(np.float32)
    return odds


def _probability(odds: Floats) -> Floats:
    probability: Floats = (odds / (1 + odds)).astype(np.float32)
    return probability
