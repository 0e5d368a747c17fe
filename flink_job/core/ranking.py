"""The list `argmax_i s_ui` of one user: candidates, their scores, and what may not be sent left out.

A learned ranker replaces the line that calls `scores`; diversity and exploration choose from the list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flink_job.core import history
from flink_job.core.candidates import CandidateFinder, Found
from flink_job.core.catalogue import Catalogue, CatalogueItem
from flink_job.core.effects import ScoredItem
from flink_job.core.index.columns import Rows
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
        candidates = found.rows
        if not len(candidates):
            return Ranked((), (), found)
        interest = catalogue.score(candidates, profile)
        affinity = self._affinities(state, candidates, now_ms)
        scored = scores(interest, rules.affinity.alpha, affinity)
        if item_key and boost:
            scored[candidates == catalogue.row_of_key(item_key)] += np.float32(boost)
        excluded = self._excluded(state, now_ms)
        best: list[int] = []
        items: list[CatalogueItem] = []
        for at in best_first(scored, catalogue.keys, candidates):
            item = catalogue.item(candidates.item(at))
            if item.key not in excluded:
                best.append(at)
                items.append(item)
                if len(best) >= rules.candidates.listed:
                    break
        rows = candidates[best]
        listed = tuple(
            ScoredItem(item.item_id, scored.item(at), interest.item(at), affinity.item(at), sources)
            for at, item, sources in zip(best, items, found.sources_of(rows), strict=True)
        )
        return Ranked(listed, tuple(rows.tolist()), found)

    def _affinities(self, state: UserState, candidates: Rows, now_ms: int) -> Floats:
        """r_ui of each candidate, (n,); `candidates` in ascending order."""
        affinity = np.zeros(len(candidates), np.float32)
        if state.recent_item:
            row_of_key = self._catalogue.row_of_key
            recent = np.array([row_of_key(key) for key in state.recent_item], np.intp)
            at = candidates.searchsorted(recent)
            for place in np.flatnonzero(candidates.take(at, mode="clip") == recent).tolist():
                affinity[at.item(place)] = self._recents.affinity(state, place, now_ms)
        return affinity

    def _excluded(self, state: UserState, now_ms: int) -> set[int]:
        """Keys of items that may not be sent to this user now."""
        items = self._rules.items
        excluded = history.keys_since(state.sent_item, state.sent_at_ms, now_ms - items.repeat_after_ms)
        excluded |= history.keys_since(state.bought_item, state.bought_at_ms, now_ms - items.bought_for_ms)
        seen_since_ms = now_ms - items.seen_for_ms
        for key, at_ms, flags in zip(state.recent_item, state.recent_at_ms, state.recent_flags, strict=True):
            if at_ms > seen_since_ms or flags & DISLIKED:
                excluded.add(key)
        return excluded
