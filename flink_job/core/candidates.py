"""Finds the few hundred items worth scoring for a user, without scanning the catalogue.

Sources: `interest` (nearest to the profile in feature space), `neighbour` (in the neighbourhood of the newest items the user dealt
with), `category` (fresh ones of the newest item's most specific category), `fresh` (newest of all), `unfinished` (in the cart or on the
wish list), `nudged` (named by a nudge). A learned source (co-visit neighbours, trending) is one more entry in `find`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flink_job.core.catalogue import Catalogue
from flink_job.core.recents import unfinished
from flink_job.core.rules import CandidateRules
from flink_job.core.state import Floats, UserState

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates in order of their keys, so that nothing depends on the order in which they were found.

    `rows` and `keys` (uint64) have one entry per candidate; `by_source` names what each source brought, doubles included.
    """

    rows: Rows
    keys: NDArray[np.uint64]
    by_source: tuple[tuple[str, Rows], ...]

    def sources_of(self, rows: list[int]) -> list[tuple[str, ...]]:
        """The sources that brought each of these candidates."""
        members = [(name, set(brought.tolist())) for name, brought in self.by_source]
        return [tuple(name for name, brought in members if row in brought) for row in rows]


class CandidateFinder:
    """The rules of candidates, ready to use on one catalogue."""

    __slots__ = ("_catalogue", "_rules")

    def __init__(self, rules: CandidateRules, catalogue: Catalogue) -> None:
        self._rules = rules
        self._catalogue = catalogue

    def find(self, state: UserState, profile: Floats, nudged_key: int, now_ms: int) -> Found:
        """Candidates for a user with this profile, (dim,); `nudged_key` 0: none is named."""
        rules, catalogue = self._rules, self._catalogue
        by_source: list[tuple[str, Rows]] = []
        if rules.interest and profile.any():
            by_source.append(("interest", catalogue.near(profile, rules.interest, now_ms)))
        recent = self._rows(state.recent_item[: -1 - rules.neighbours_of : -1])
        if len(recent):
            if rules.neighbours:
                # Items of one neighbourhood bring the same rows, and no row is in two neighbourhoods.
                alike = {rows.tobytes(): rows for row in recent.tolist() if len(rows := catalogue.alike(row, rules.neighbours, now_ms))}
                if alike:
                    by_source.append(("neighbour", np.concatenate(list(alike.values()))))
            categories = catalogue.item(int(recent[0])).categories
            if rules.category and categories:
                by_source.append(("category", catalogue.in_category(categories[-1], rules.category, now_ms)))
        if rules.fresh:
            by_source.append(("fresh", catalogue.fresh(rules.fresh, now_ms)))
        if rules.unfinished and (keys := unfinished(state, rules.unfinished)):
            by_source.append(("unfinished", self._rows(keys)))
        if nudged_key:
            by_source.append(("nudged", self._rows([nudged_key])))
        rows = np.concatenate([rows for _, rows in by_source]) if by_source else np.empty(0, np.intp)
        keys_found, first = np.unique(catalogue.keys[rows], return_index=True)
        return Found(rows[first], keys_found, tuple(by_source))

    def _rows(self, keys: Iterable[int]) -> Rows:
        rows = (self._catalogue.row_of_key(key) for key in keys)
        return np.array([row for row in rows if row >= 0], np.intp)
