"""Which item of the list is sent: drawn with a known probability among those that are good enough."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flink_job.core.catalogue import Catalogue
from flink_job.core.draws import uniform
from flink_job.core.exploration import Exploration
from flink_job.core.ranking import Ranked
from flink_job.core.reasons import Reason
from flink_job.core.rules import Rules


class Chooser:
    """The rules of choosing, ready to use."""

    __slots__ = ("_always_the_best", "_by_utility", "_catalogue", "_exploration", "_least", "_min_score", "_rules")

    def __init__(self, rules: Rules, catalogue: Catalogue) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._exploration = Exploration(rules.exploration)
        self._always_the_best = not rules.exploration.temperature and not rules.exploration.uniform_share
        self._by_utility = rules.utility.enabled
        self._least = rules.utility.least
        self._min_score = rules.send.min_score

    def reason_against_all(self, ranked: Ranked) -> Reason | None:
        """Why none of the list is good enough, None if one is."""
        if not ranked.items:
            return Reason.NO_CANDIDATE
        best = ranked.items[0]
        if best.score < self._min_score:
            return Reason.BELOW_THRESHOLD
        return Reason.NOT_WORTH_IT if self._by_utility and best.utility < self._least else None

    def choose(self, ranked: Ranked, command: str) -> tuple[int, tuple[float, ...]]:
        """The place in the list of what is sent, and the probability that each had; what is not good enough has none.

        The draw is named after the command, so a decision that is taken again after a crash falls on the same item (docs/decisions/0007).
        """
        if self._always_the_best:
            return 0, (1.0, *(0.0,) * (len(ranked.items) - 1))
        worth, good = worth_of(ranked, self._rules)
        places = np.flatnonzero(good)
        worth = worth[places]
        best = worth.item(0)
        keys = self._catalogue.keys.take(np.array(ranked.rows)[places])
        choice = self._exploration.choose(worth / best if best > 0 else worth, keys, uniform(command, 0, "item"))
        propensities = np.zeros(len(ranked.items))
        propensities[places] = choice.propensities
        return places.item(choice.chosen), tuple(propensities.tolist())


def worth_of(ranked: Ranked, rules: Rules) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """By what the items of the list are weighed, and which are good enough to be sent by themselves, (n,) each."""
    by_utility = rules.utility.enabled
    worth = np.array([item.utility if by_utility else item.score for item in ranked.items])
    good = np.array([item.score >= rules.send.min_score for item in ranked.items])
    if by_utility:
        good &= worth >= rules.utility.least
    return worth, good
