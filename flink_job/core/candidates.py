"""Finds the few hundred items worth scoring for a user, without scanning the catalogue.

Sources: `interest` (nearest in feature space to the profile of each scenario, among its items), `neighbour` (in the neighbourhood of the newest items
the user dealt with), `category` (fresh ones of the newest item's most specific category), `fresh` (newest of all), `unfinished` (in the cart or on
the wish list), `followed` (newest of the creators followed last), `urgent` (breaking, or with the editors' boost), `nudged` (what the decision is
about). Whoever has none of one source still has the others: a new user gets what is fresh and urgent, a new item is found as fresh, by its
category and by nearness. From what the item operator taught: `trending`
(most popular in the segments and the country of the user, and over all) and `together` (what others dealt with together with the newest item).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from math import ceil
from typing import Protocol

import numpy as np

from flink_job.core.catalogue import Catalogue
from flink_job.core.catalogue_item import URGENT, by_creator
from flink_job.core.index.columns import NO_ROWS, Rows
from flink_job.core.knowledge import Knowledge
from flink_job.core.learning.signals import MOST_SEGMENTS, group_of_segment
from flink_job.core.recents import unfinished
from flink_job.core.rules import CandidateRules
from flink_job.core.state import UserState
from flink_job.core.tastes import Tastes

_FIRST = np.ones(1, np.bool_)
_CREATORS_ASKED = 4


class Found:
    """Candidates, each once.

    `rows`: in ascending order, which says nothing about the items; whoever orders them breaks ties by key. `by_source`: what each source
    brought, doubles included.
    """

    __slots__ = ("_brought", "by_source", "rows")

    def __init__(self, by_source: tuple[tuple[str, Rows], ...]) -> None:
        self.by_source = by_source
        self._brought = np.concatenate([rows for _, rows in by_source]) if by_source else NO_ROWS
        rows = np.sort(self._brought)
        self.rows: Rows = rows[np.concatenate((_FIRST, rows[1:] != rows[:-1]))] if len(rows) else rows

    def sources_of(self, rows: Rows) -> list[tuple[str, ...]]:
        """The sources that brought each of these few candidates."""
        sources: list[list[str]] = [[] for _ in rows]
        which, places = (self._brought == rows[:, np.newaxis]).nonzero()
        ends = list(accumulate(len(brought) for _, brought in self.by_source))
        for candidate, place in zip(which.tolist(), places.tolist(), strict=True):
            name = self.by_source[bisect_right(ends, place)][0]
            if name not in sources[candidate]:
                sources[candidate].append(name)
        return [tuple(names) for names in sources]


class Finder(Protocol):
    """Finds candidates: in the catalogue, or as they were found before."""

    def find(self, state: UserState, tastes: Tastes, nudged_key: int, now_ms: int) -> Found:
        """Candidates for a user with these tastes; `nudged_key` 0: none is named."""

    def only(self, key: int, now_ms: int) -> Found:
        """One item, or none if it cannot be sent."""


class CandidateFinder:
    """The rules of candidates, ready to use on one catalogue."""

    __slots__ = ("_catalogue", "_knowledge", "_rules")

    def __init__(self, rules: CandidateRules, catalogue: Catalogue, knowledge: Knowledge | None = None) -> None:
        self._rules = rules
        self._knowledge = knowledge
        self._catalogue = catalogue

    def find(self, state: UserState, tastes: Tastes, nudged_key: int, now_ms: int) -> Found:
        """Candidates for a user with these tastes; `nudged_key` 0: none is named."""
        rules, catalogue = self._rules, self._catalogue
        by_source: list[tuple[str, Rows]] = []
        if rules.interest and tastes.apart:
            by_source.append(("interest", self._near_each(tastes, now_ms)))
        elif rules.interest and tastes.overall.any():
            by_source.append(("interest", catalogue.near(tastes.overall, rules.interest, now_ms)))
        recent = self._rows(state.recent_item[: -1 - rules.neighbours_of : -1])
        if recent:
            if rules.neighbours and len(neighbours := catalogue.alike(recent, rules.neighbours, now_ms)):
                by_source.append(("neighbour", neighbours))
            categories = catalogue.item(recent[0]).categories
            if rules.category and categories:
                by_source.append(("category", catalogue.in_category(categories[-1], rules.category, now_ms)))
        if rules.fresh:
            by_source.append(("fresh", catalogue.fresh(rules.fresh, now_ms)))
        if rules.unfinished and (keys := unfinished(state, rules.unfinished)):
            by_source.append(("unfinished", self._sendable(keys, now_ms)))
        if (knowledge := self._knowledge) is not None and len(knowledge):
            for group in _groups(state):
                rows = knowledge.trending(group, rules.trending, now_ms)
                by_source += [("trending", rows)] if len(rows) else []
            if rules.together and state.recent_item:
                rows, _ = knowledge.neighbours(state.recent_item[-1], rules.together)
                if len(rows):
                    by_source.append(("together", rows[catalogue.eligible(rows, now_ms)]))
        if rules.followed and state.followed:
            newest = [by_creator(key) for key in state.followed[-1 : -1 - _CREATORS_ASKED : -1]]
            posted = [rows for name in newest if len(rows := catalogue.in_category(name, rules.followed, now_ms))]
            if posted:
                by_source.append(("followed", np.concatenate(posted)))
        if rules.urgent and len(rows := catalogue.in_category(URGENT, rules.urgent, now_ms)):
            by_source.append(("urgent", rows))
        if nudged_key:
            by_source.append(("nudged", self._sendable([nudged_key], now_ms)))
        return Found(tuple(by_source))

    def only(self, key: int, now_ms: int) -> Found:
        """One item, or none if it cannot be sent: for a decision that is about nothing else."""
        return Found((("nudged", self._sendable([key], now_ms)),))

    def _near_each(self, tastes: Tastes, now_ms: int) -> Rows:
        """Nearest to the profile of each scenario among its own items: each brings its share of the quota, rounded up."""
        near_of, quota = self._catalogue.near_of, self._rules.interest
        return np.concatenate([near_of(each.scenario, each.profile, ceil(quota * each.share), now_ms) for each in tastes.apart])

    def _rows(self, keys: Iterable[int]) -> list[int]:
        row_of_key = self._catalogue.row_of_key
        return [row for key in keys if (row := row_of_key(key)) >= 0]

    def _sendable(self, keys: Iterable[int], now_ms: int) -> Rows:
        """The indexes answer with visible items only; what is looked up by its key may be sold out or over."""
        rows = self._rows(keys)
        if not rows:
            return NO_ROWS
        found = np.array(rows, np.intp)
        return found[self._catalogue.eligible(found, now_ms)]


def _groups(state: UserState) -> Iterator[str]:
    """Of whom the user is one, the narrowest first; empty: everybody."""
    for name in state.segments[:MOST_SEGMENTS]:
        yield group_of_segment(name)
    if state.country:
        yield state.country
    yield ""
