"""Several items in one push: the one that was drawn, and others that are worth sending and unlike it."""

from __future__ import annotations

import numpy as np

from flink_job.core.catalogue import Catalogue
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.choosing import worth_of
from flink_job.core.diversity import Diversity, select
from flink_job.core.ranking import Ranked
from flink_job.core.rules import Rules
from flink_job.core.signals import Trigger
from flink_job.core.state import PendingWake, UserState


class Digests:
    """The rules of digests, ready to use. `triggers`: the occasions that may lead to one."""

    __slots__ = ("_capped", "_catalogue", "_diversity", "_more", "_relevance", "_rules", "triggers")

    def __init__(self, rules: Rules, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._diversity = Diversity(rules.diversity, catalogue)
        self._more = rules.diversity.digest_items - 1
        self._relevance = rules.diversity.digest_relevance
        self._rules = rules
        self._capped = {cap.per for cap in rules.gates.caps}
        self.triggers = frozenset(Trigger[name.upper()] for name in rules.diversity.digest_occasions if self._more)

    def others(self, state: UserState, cause: PendingWake, ranked: Ranked, chosen: int, now_ms: int) -> tuple[int, ...]:
        """The places in the list of what goes with the item at `chosen`, in the order in which they are picked (`diversity.select`).

        None for a decision about a certain item. What is not good enough to be sent by itself is not picked, and where caps count categories or
        creators, no two items share one: the place that is left under a cap is taken once.
        """
        if cause.item_key:
            return ()
        worth, good = worth_of(ranked, self._rules)
        rows = np.array(ranked.rows, np.intp)
        items = [self._catalogue.item(row) for row in ranked.rows]
        directions = self._catalogue.directions(rows)
        before = self._catalogue.directions(self._diversity.pushed(state, now_ms).rows)
        picked = [chosen]
        worth[~good] = 0.0
        while len(picked) <= self._more:
            for place, item in enumerate(items):
                if place not in picked and self._shares_a_cap(item, items[picked[-1]]):
                    worth[place] = 0.0
            more = select(worth, directions, self._catalogue.keys.take(rows), before, 1, self._relevance, picked)
            if not more:
                break
            picked += more
        return tuple(picked[1:])

    def _shares_a_cap(self, item: CatalogueItem, other: CatalogueItem) -> bool:
        same_category = bool(item.categories) and item.categories[-1:] == other.categories[-1:]
        same_creator = bool(item.creator_id) and item.creator_id == other.creator_id
        return (same_category and "category" in self._capped) or (same_creator and "creator" in self._capped)
