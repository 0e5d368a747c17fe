"""What a run leaves: every push with what became of it, and what became of every user. Plain arrays, so that processes can hand them on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flink_job.core.signals import InteractionType as Type
from flink_job.core.signals import Outcome
from kairos.evaluate.stage import Wish
from kairos.world import World
from kairos.world.reactions import Report
from kairos.world.values import NEVER_MS, Scenario
from kairos.world.world import Chapter

SENT = np.dtype(
    [
        ("user", np.int32),
        ("item", np.int32),
        ("category", np.int16),
        ("at_ms", np.int64),
        ("cold", np.bool_),
        ("hour_error", np.float32),  # hours to the user's best allowed hour of that day
        ("displayed", np.bool_),
        ("opened", np.bool_),
        ("dismissed", np.bool_),
        ("converted_ms", np.int64),  # 0: not
        ("value", np.float64),  # of the conversion, euros
        ("expected", np.float32),  # P(open) · P(convert | open) by the world's truth, when it was sent
    ]
)

#: An item is cold for about the first tenth of its kind's life (kairos/world/lifecycle.py): nothing is known of how it does.
COLD_MS = {Scenario.SHOP: 5 * 86_400_000, Scenario.NEWS: 5 * 3_600_000, Scenario.SOCIAL: int(2.4 * 3_600_000)}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One policy on one world, finished."""

    sent: NDArray[np.void]
    joined_ms: NDArray[np.int64]
    """Per user; 0: before the start."""
    opted_out_ms: NDArray[np.int64]
    """Per user; never: ``NEVER_MS``. Who left altogether is in it."""
    bought: NDArray[np.float64]
    """Per user: euros of everything bought less what was sent back, by a push or not."""
    items: int
    """How many items there were in all."""
    start_ms: int
    end_ms: int
    seconds: float
    """Of CPU."""


class Ledger:
    """Keeps the accounts of a run."""

    def __init__(self, world: World, best_hours: NDArray[np.float64]) -> None:
        """``best_hours``: each user's best allowed hour on each day of the week, Monday first, (n_users, 7)."""
        self._world, self._best_hours = world, best_hours
        self._rows = np.zeros(1024, SENT)
        self._n = 0
        self._row_of: dict[str, int] = {}
        self._bought = np.zeros(world.people.n)
        self._items_at_start = {*world.items.live(world.settings.start_ms).tolist()}
        self._cold_ms = np.zeros(max(Scenario) + 1, np.int64)
        for scenario, cold_ms in COLD_MS.items():
            self._cold_ms[scenario] = cold_ms

    def sent(self, wish: Wish, now_ms: int) -> None:
        """A push goes out."""
        if self._n == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        items, row = self._world.items, self._rows[self._n]
        row["user"], row["item"], row["at_ms"], row["category"] = wish.user, wish.item, now_ms, items.category[wish.item]
        row["cold"] = now_ms - items.published_ms[wish.item] < self._cold_ms[items.scenario[wish.item]]
        truth, user, item, now = self._world.truth, np.array([wish.user]), np.array([wish.item]), np.array([now_ms])
        opens, converts = truth.open_probability(user, item, now), truth.conversion_probability(user, item, now)
        row["expected"] = (opens * converts).item()
        self._row_of[wish.command_id] = self._n
        self._n += 1

    def happened(self, chapter: Chapter) -> None:
        """Reactions and purchases."""
        events = chapter.interactions
        for kind, sign in ((Type.PURCHASE, 1.0), (Type.RETURN, -1.0)):
            these = events[events["type"] == kind]
            np.add.at(self._bought, these["user"], sign * these["value"])
        for report in chapter.reports:
            self._react(report)

    def close(self, end_ms: int, seconds: float) -> Outcomes:
        """The accounts as they stand."""
        people, settings = self._world.people, self._world.settings
        sent = self._rows[: self._n]
        if len(sent):
            hours = self._world.truth.local_hours(sent["user"].astype(np.int64), sent["at_ms"])
            best = self._best_hours[sent["user"], hours.astype(np.int64) // 24]
            apart = np.abs(hours % 24 - best)
            sent["hour_error"] = np.minimum(apart, 24 - apart)
        return Outcomes(
            sent=sent,
            joined_ms=people.joined_ms.copy(),
            opted_out_ms=np.where(people.opted_out_ms <= end_ms, people.opted_out_ms, NEVER_MS),
            bought=self._bought,
            items=len(self._items_at_start) + int((self._world.items.published_ms[: self._world.items.n] > settings.start_ms).sum()),
            start_ms=settings.start_ms,
            end_ms=end_ms,
            seconds=seconds,
        )

    def _react(self, report: Report) -> None:
        at = self._row_of.get(report.command_id)
        if at is None:
            return
        row = self._rows[at]
        if report.outcome is Outcome.CONVERTED:
            row["converted_ms"], row["value"] = report.at_ms, report.value
        elif report.outcome is Outcome.OPENED:
            row["opened"] = True
        elif report.outcome is Outcome.DISPLAYED:
            row["displayed"] = True
        elif report.outcome is Outcome.DISMISSED:
            row["dismissed"] = True
