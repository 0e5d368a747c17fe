"""What any sender knows of a world: its items as the catalogue has them, what users did, who no longer wants pushes, and their time zones.

For the policies that are not Kairos. Columns by the world's rows, filled from what the world tells (and not from its truth).
"""

import numpy as np
from numpy.typing import NDArray

from flink_job.core.signals import InteractionType as Type
from flink_job.core.signals import Outcome
from kairos.feed.features import ItemFeaturiser
from kairos.world import ItemChange, World
from kairos.world.values import NEVER_MS, Scenario
from kairos.world.world import Chapter

Rows = NDArray[np.int64]
_UNWANTED = frozenset({Outcome.UNSUBSCRIBED, Outcome.REJECTED, Outcome.TOKEN_INVALID})


class Seen:
    """One for a run; ``take`` every chapter first."""

    def __init__(self, world: World, feature_dim: int) -> None:
        self._world = world
        self._featuriser = ItemFeaturiser(feature_dim)
        self._everybody = np.arange(world.people.n)
        capacity = 2 * world.items.n
        self.features = np.zeros((capacity, feature_dim), np.float32)
        self.deleted = np.ones(capacity, bool)
        self.in_stock = np.ones(capacity, bool)
        self.until_ms = np.zeros(capacity, np.int64)
        self.durable = np.zeros(capacity, bool)
        self.scenario = np.zeros(capacity, np.int64)
        self.wants = np.ones(world.people.n, bool)
        """Who has not switched pushes off, (n_users,)."""
        self.known = np.zeros(world.people.n, bool)
        """Of whom anything was heard."""
        self._priced: dict[int, float | None] = {}
        for change in world.catalogue():
            self._change(change)

    def take(self, chapter: Chapter) -> None:
        """Item changes, and who wants no more."""
        for change in chapter.changes:
            self._change(change)
        self.known[chapter.interactions["user"]] = True
        for report in chapter.reports:
            if report.outcome in _UNWANTED:
                self.wants[report.user] = False

    def offered(self, now_ms: int) -> Rows:
        """Items that can be had now."""
        rows: Rows = np.flatnonzero(~self.deleted & self.in_stock & (self.until_ms > now_ms))
        return rows

    def local_hours(self, now_ms: int) -> NDArray[np.float64]:
        """Hours since Monday 00:00 where each user lives, (n_users,); everybody's zone is in their events."""
        return self._world.truth.local_hours(self._everybody, np.full(1, now_ms))

    def _change(self, change: ItemChange) -> None:
        row = self._world.items.row_of[change.item_id]
        if row >= len(self.deleted):
            self._grow()
        self.deleted[row] = change.deleted
        self.in_stock[row] = change.stock is None or change.stock > 0
        self.until_ms[row] = change.valid_until_ms or NEVER_MS
        self.scenario[row] = change.scenario
        self.durable[row] = change.scenario == Scenario.SHOP and not change.consumable
        if not change.deleted and (row not in self._priced or self._priced[row] != change.price):
            self._priced[row] = change.price
            self.features[row] = self._featuriser.features(
                categories=change.categories, text=change.title, tags=change.tags, price=change.price
            )

    def _grow(self) -> None:
        for name in ("features", "deleted", "in_stock", "until_ms", "durable", "scenario"):
            column = getattr(self, name)
            more = np.ones_like(column) if name in ("deleted", "in_stock") else np.zeros_like(column)
            setattr(self, name, np.concatenate([column, more]))


TRIGGERS = np.zeros(max(Type) + 1, bool)
"""Interaction types upon which marketing tools send: those that show interest in something just now."""
for _type in (
    Type.VIEW,
    Type.CLICK,
    Type.FAVOURITE,
    Type.CART,
    Type.REMOVE_FROM_CART,
    Type.SEARCH,
    Type.LIKE,
    Type.SHARE,
    Type.COMMENT,
    Type.FOLLOW,
):
    TRIGGERS[_type] = True
