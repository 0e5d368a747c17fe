"""What a decision read of what all users share, as it was noted: in place of the finder and of the knowledge, to take it again.

Who calls it: the policy, when a decision is taken again over a small catalogue of the items that it touched. What was not noted is not known:
`NotNoted` says so, and never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flink_job.core.candidates import Found
from flink_job.core.catalogue import Catalogue
from flink_job.core.index.columns import NO_ROWS, Rows
from flink_job.core.knowledge import Knowledge
from flink_job.core.learning.facts import PriceFacts
from flink_job.core.outcome_counts import Probabilities
from flink_job.core.rules.learning import LearningRules
from flink_job.core.state import UserState
from flink_job.core.tastes import Tastes
from flink_job.core.witness import Finding, HoursAsked, WeekOfOthers

_HOUR_MS = 3_600_000


class NotNoted(LookupError):
    """It was not read when the decision was taken, so it is not in the record."""

    def __init__(self) -> None:
        super().__init__("it would have looked at candidates or hours that were not looked at then")


@dataclass(frozen=True, slots=True, eq=False)
class Noted:
    """A finding, and the rates that were known of its candidates: of opening and of converting, (n,) each; None: nothing was."""

    finding: Finding
    rates: tuple[Probabilities, Probabilities] | None


class RecalledFinder:
    """Brings what was found, in the order in which it was looked for. `last`: what was brought last."""

    __slots__ = ("_left", "last")

    def __init__(self, noted: Iterable[Noted]) -> None:
        self._left = list(noted)
        self.last: Noted | None = None

    def find(self, state: UserState, tastes: Tastes, nudged_key: int, now_ms: int) -> Found:  # noqa: ARG002  # as any finder
        """What was found at that moment. Raises NotNoted."""
        return self._next(now_ms, nudged_key, only=False)

    def only(self, key: int, now_ms: int) -> Found:
        """The one item, or none if it could not be sent. Raises NotNoted."""
        return self._next(now_ms, key, only=True)

    def _next(self, now_ms: int, about_key: int, *, only: bool) -> Found:
        for at, noted in enumerate(self._left):
            finding = noted.finding
            if (finding.now_ms, finding.about_key, finding.only) == (now_ms, about_key, only):
                self.last = self._left.pop(at)
                return finding.found
        raise NotNoted


class RecalledKnowledge(Knowledge):
    """Answers what it was asked before."""

    def __init__(
        self,
        rules: LearningRules,
        catalogue: Catalogue,
        finder: RecalledFinder,
        hours: Iterable[HoursAsked],
        stopped: Iterable[int],
        price: PriceFacts,
    ) -> None:
        """`stopped`: keys of items that nobody shall be sent."""
        super().__init__(rules, catalogue)
        self.put(price)
        self._finder = finder
        self._weeks = {(asked.country, asked.hour): asked.week for asked in hours}
        self._stopped = frozenset(stopped)

    def __len__(self) -> int:
        last = self._finder.last
        return int(last is not None and last.rates is not None)

    def rates(self, rows: Rows, now_ms: int) -> tuple[Probabilities, Probabilities]:  # noqa: ARG002  # they are of one moment
        """Of the candidates that were brought last. Raises NotNoted."""
        last = self._finder.last
        if last is None or last.rates is None or not _same(rows, last.finding.found.rows):
            raise NotNoted
        return last.rates

    def is_stopped(self, item_key: int) -> bool:
        """As it was known."""
        return item_key in self._stopped

    def week(self, country: str, now_ms: int) -> WeekOfOthers | None:
        """As it was known in that hour. Raises NotNoted."""
        try:
            return self._weeks[(country, now_ms // _HOUR_MS)]
        except KeyError:
            raise NotNoted from None

    def trending(self, country: str, limit: int, now_ms: int) -> Rows:  # noqa: ARG002  # the finder has found already
        """Nothing: it is in what was found."""
        return NO_ROWS

    def neighbours(self, item_key: int, limit: int) -> tuple[Rows, NDArray[np.float32]]:  # noqa: ARG002  # likewise
        """Nothing: it is in what was found."""
        return NO_ROWS, np.empty(0, np.float32)


def _same(rows: Rows, others: Rows) -> bool:
    return len(rows) == len(others) and bool((rows == others).all())
