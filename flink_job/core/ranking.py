"""The list of one user: candidates, their scores and what they are worth, and what may not be sent left out.

Ordered by utility where the policy weighs it, else by the score `s_ui`. A learned model replaces `utility.respond`. What is like the last
pushes comes further down; exploration chooses from the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from flink_job.core.candidates import CandidateFinder, Finder, Found
from flink_job.core.catalogue import Catalogue
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.diversity import Diversity, Pushed, demoted
from flink_job.core.effects import ScoredItem
from flink_job.core.eligibility import Eligibility
from flink_job.core.index.columns import Rows
from flink_job.core.interest import Interest
from flink_job.core.knowledge import Knowledge
from flink_job.core.recents import Recents, unfinished
from flink_job.core.rules import Rules
from flink_job.core.scoring import best_first, scores
from flink_job.core.state import Floats, UserState
from flink_job.core.tastes import Tastes
from flink_job.core.utility import Candidates, Circumstances, Utility, Worth

_LAST = np.float32(-1e30)
"""What is below the least score comes behind all that is not, in its own order."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Items that may be sent, best first (equal ones by key), with their catalogue rows; and all that was found.

    `dropped`: how many better ones each rule forbade. `about_dropped_by`: the rule that forbids the item that was asked for.
    """

    items: tuple[ScoredItem, ...]
    rows: tuple[int, ...]
    found: Found
    dropped: tuple[tuple[str, int], ...] = ()
    about_dropped_by: str = ""


class Ranker:
    """Ranks the catalogue for one user at a time."""

    __slots__ = (
        "_catalogue",
        "_diversity",
        "_eligibility",
        "_finder",
        "_interest",
        "_knowledge",
        "_looks_back",
        "_recents",
        "_rules",
        "utility",
    )

    def __init__(
        self,
        rules: Rules,
        catalogue: Catalogue,
        interest: Interest,
        recents: Recents,
        knowledge: Knowledge | None = None,
        finder: Finder | None = None,
    ) -> None:
        """`finder` None: candidates are found in the catalogue."""
        self._rules = rules
        self._catalogue = catalogue
        self._interest = interest
        self._recents = recents
        self._eligibility = Eligibility(rules, knowledge)
        self._diversity = Diversity(rules.diversity, catalogue)
        self._looks_back = rules.diversity.last > 0
        self._finder = finder or CandidateFinder(rules.candidates, catalogue, knowledge)
        self._knowledge = knowledge
        self.utility = Utility(rules.utility)

    def rank(
        self, state: UserState, item_key: int, boost: float, now_ms: int, around: Circumstances, about_key: int = 0, only_key: int = 0
    ) -> Ranked:
        """The list for a user; of one item at most if only `only_key` will do.

        `boost` is added to the score of the item `item_key` that the decision is about (0: none). `about_key`: the item whose
        exclusion is to be told, the same or the one that was planned.
        """
        rules, catalogue = self._rules, self._catalogue
        tastes = self._interest.tastes(state)
        finder = self._finder
        found = finder.only(only_key, now_ms) if only_key else finder.find(state, tastes, item_key, now_ms)
        excluded = self._eligibility.for_user(state, now_ms)
        about = self._why_not(about_key, excluded.why, now_ms) if about_key else ""
        candidates = found.rows
        if not len(candidates):
            return Ranked((), (), found, about_dropped_by=about)
        interest = self._interests(candidates, tastes)
        affinity = self._affinities(state, candidates, now_ms)
        scored = scores(interest, rules.affinity.alpha, affinity)
        scored += catalogue.columns.boost.take(candidates)
        if item_key and boost:
            scored[candidates == catalogue.row_of_key(item_key)] += np.float32(boost)
        worth: Worth | None = None
        order = scored
        if rules.utility.enabled:
            worth = self._worth(state, candidates, scored, now_ms, around)
            order = np.where(scored >= np.float32(rules.send.min_score), worth.utility, scored + _LAST)
        pushed = self._diversity.pushed(state, now_ms) if self._looks_back and state.sent_item else None
        enough = rules.candidates.listed if pushed is None else rules.candidates.looked_at
        best: list[int] = []
        dropped: dict[str, int] = {}
        for at in best_first(order, catalogue.keys, candidates):
            item = catalogue.item(candidates.item(at))
            if rule := excluded.why(item):
                dropped[rule] = dropped.get(rule, 0) + 1
                continue
            best.append(at)
            if len(best) >= enough:
                break
        cost = self.utility.cost(around) if worth else 0.0
        best, factors = self._diverse(best, order, candidates, pushed, cost)
        rows = candidates[best]
        listed = tuple(
            ScoredItem(
                catalogue.item(row).item_id,
                scored.item(at),
                interest.item(at),
                affinity.item(at),
                sources,
                worth.p_open.item(at) if worth else 0.0,
                worth.p_convert.item(at) if worth else 0.0,
                (worth.utility.item(at) + cost) * factor - cost if worth else 0.0,
                factor,
            )
            for at, row, factor, sources in zip(best, rows.tolist(), factors, found.sources_of(rows), strict=True)
        )
        return Ranked(listed, tuple(rows.tolist()), found, tuple(sorted(dropped.items())), about)

    def _diverse(
        self, best: list[int], order: Floats, candidates: Rows, pushed: Pushed | None, cost: float
    ) -> tuple[list[int], list[float]]:
        """The list out of the best, in its order after diversity's factors, and those.

        A factor lessens what a push may bring, not what it costs: a repetition is worth sending less often, not only later in the list.
        """
        listed = self._rules.candidates.listed
        if not best or pushed is None or not len(pushed.rows):
            return best[:listed], [1.0] * len(best[:listed])
        factors = self._diversity.factors(candidates[best], pushed)
        places = (-demoted(order[best] + cost, factors)).argsort(kind="stable")[:listed].tolist()
        return [best[place] for place in places], [factors.item(place) for place in places]

    def _worth(self, state: UserState, candidates: Rows, scored: Floats, now_ms: int, around: Circumstances) -> Worth:
        columns = self._catalogue.columns
        begun = np.zeros(len(candidates), np.float32)
        if keys := unfinished(state, self._rules.candidates.unfinished):
            row_of_key = self._catalogue.row_of_key
            begun[np.isin(candidates, [row_of_key(key) for key in keys])] = 1.0
        age_ms = (now_ms - columns.published_at_ms.take(candidates)).clip(0)
        asked = Candidates(scored, columns.scenario.take(candidates), columns.price.take(candidates), age_ms, begun)
        known = self._knowledge.rates(candidates, now_ms) if self._knowledge is not None and len(self._knowledge) else None
        return self.utility.of(asked, around, known)

    def _interests(self, candidates: Rows, tastes: Tastes) -> Floats:
        """`I_u · F_i` of each candidate by the profile of its scenario, (n,)."""
        catalogue = self._catalogue
        if not tastes.apart:
            return catalogue.score(candidates, tastes.overall)
        scenarios = catalogue.columns.scenario.take(candidates)
        first, *others = np.bincount(scenarios).nonzero()[0].tolist()
        if not others:
            return catalogue.score(candidates, tastes.of(first))
        interest = np.empty(len(candidates), np.float32)
        for scenario in (first, *others):
            of_it = scenarios == scenario
            interest[of_it] = catalogue.score(candidates[of_it], tastes.of(scenario))
        return interest

    def _why_not(self, key: int, why: Callable[[CatalogueItem], str], now_ms: int) -> str:
        """The rule that forbids one item, also if no source brought it."""
        row = self._catalogue.row_of_key(key)
        if row < 0:
            return "gone"
        if not self._catalogue.eligible(np.array([row], np.intp), now_ms)[0]:
            return "sold_out"
        return why(self._catalogue.item(row))

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
