"""The list `argmax_i s_ui` of one user: candidates, their scores, and what may not be sent left out.

A learned ranker replaces the line that calls `scores`; diversity and exploration choose from the list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flink_job.core import history
from flink_job.core.candidates import CandidateFinder, Found
from flink_job.core.catalogue import Catalogue
from flink_job.core.effects import ScoredItem
from flink_job.core.interest import Interest
from flink_job.core.recents import Recents
from flink_job.core.rules import Rules
from flink_job.core.scoring import best_first, scores
from flink_job.core.state import DISLIKED, Floats, UserState


@dataclass(frozen=True, slots=True)
class Ranked:
    """Items that may be sent, by falling score (equal ones by key), with their catalogue rows, and all that was found."""

    items: tuple[ScoredItem, ...]
    rows: tuple[int, ...]
    found: Found


class Ranker:
    """Ranks the catalogue for one user at a time."""

    __slots__ = ("_catalogue", "_finder", "_interest", "_recents", "_rules")

    def __init__(self, rules: Rules, catalogue: Catalogue, interest: Interest, recents: Recents) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._interest = interest
        self._recents = recents
        self._finder = CandidateFinder(rules.candidates, catalogue)

    def rank(self, state: UserState, item_key: int, boost: float, now_ms: int) -> Ranked:
        """The argmax list of a user; `boost` is added to the score of the item `item_key` that a nudge names (0: none)."""
        rules, catalogue = self._rules, self._catalogue
        profile = self._interest.profile(state)
        found = self._finder.find(state, profile, item_key, now_ms)
        if not len(found.rows):
            return Ranked((), (), found)
        interest = catalogue.score(found.rows, profile)
        affinity = self._affinities(state, found, now_ms)
        scored = scores(interest, rules.affinity.alpha, affinity)
        if item_key and boost:
            scored[found.keys == np.uint64(item_key)] += np.float32(boost)
        sendable = catalogue.eligible(found.rows, now_ms)
        excluded = self._excluded(state, now_ms)
        best: list[int] = []
        for at in best_first(scored).tolist():
            if sendable[at] and int(found.keys[at]) not in excluded:
                best.append(at)
                if len(best) >= rules.candidates.listed:
                    break
        rows = found.rows[best].tolist()
        items = tuple(
            ScoredItem(catalogue.item(row).item_id, float(scored[at]), float(interest[at]), float(affinity[at]), sources)
            for at, row, sources in zip(best, rows, found.sources_of(rows), strict=True)
        )
        return Ranked(items, tuple(rows), found)

    def _affinities(self, state: UserState, found: Found, now_ms: int) -> Floats:
        """r_ui of each candidate, (n,)."""
        affinity = np.zeros(len(found.keys), np.float32)
        if state.recent_item:
            recent = np.frombuffer(state.recent_item, np.uint64)
            at = found.keys.searchsorted(recent)
            at[at == len(found.keys)] = 0
            among = found.keys[at] == recent
            affinity[at[among]] = self._recents.affinities(state, now_ms)[among]
        return affinity

    def _excluded(self, state: UserState, now_ms: int) -> set[int]:
        """Keys of items that may not be sent to this user now."""
        items = self._rules.items
        excluded = history.keys_since(state.sent_item, state.sent_at_ms, now_ms - items.repeat_after_ms)
        excluded |= history.keys_since(state.bought_item, state.bought_at_ms, now_ms - items.bought_for_ms)
        excluded |= history.keys_since(state.recent_item, state.recent_at_ms, now_ms - items.seen_for_ms)
        excluded.update(key for key, flags in zip(state.recent_item, state.recent_flags, strict=True) if flags & DISLIKED)
        return excluded
