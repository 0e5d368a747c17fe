"""Which items may not be sent to a user now, each by the name of the rule that forbids it.

Most items are for everybody, so what is asked for each candidate is a look into a few sets; the rest only for items with restrictions.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from flink_job.core import history
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.index.labels import UNLABELLED, label_of
from flink_job.core.knowledge import Knowledge
from flink_job.core.purposes import purpose_of
from flink_job.core.rules import Cap, Rules
from flink_job.core.state import DISLIKED, UserState

_YEAR_MS = 31_556_952_000
_EPOCH_YEAR = 1970


class Eligibility:
    """The rules of items, ready to use."""

    __slots__ = ("_by_category", "_by_creator", "_items", "_knowledge", "_release_ms")

    def __init__(self, rules: Rules, knowledge: Knowledge | None = None) -> None:
        self._knowledge = knowledge
        self._items = rules.items
        self._by_category = [cap for cap in rules.gates.caps if cap.per == "category"]
        self._by_creator = [cap for cap in rules.gates.caps if cap.per == "creator"]
        self._release_ms = rules.gates.release_unconfirmed_after_ms

    def for_user(self, state: UserState, now_ms: int) -> Excluded:
        """What this user excludes now, gathered once for all candidates."""
        rules = self._items
        excluded: dict[int, str] = {}
        seen_since_ms = now_ms - rules.seen_for_ms
        for key, at_ms, flags in zip(state.recent_item, state.recent_at_ms, state.recent_flags, strict=True):
            if flags & DISLIKED:
                excluded[key] = "disliked"
            elif at_ms > seen_since_ms:
                excluded[key] = "seen"
        for key in history.keys_since(state.sent_item, state.sent_at_ms, now_ms - rules.repeat_after_ms):
            excluded[key] = "sent_before"
        bought = dict(zip(state.bought_item, state.bought_at_ms, strict=True))
        categories = self._full(self._by_category, state, now_ms, state.sent_category)
        creators = self._full(self._by_creator, state, now_ms, state.sent_creator)
        return Excluded(self, state, now_ms, excluded, bought, categories, creators)

    def still_used_ms(self, item: CatalogueItem) -> int:
        """For how long after a purchase the user needs no other: a durable one is bought once, a consumable is used up."""
        if not item.consumable:
            return self._items.bought_for_ms
        return item.replenish_after_ms or self._items.consumed_for_ms

    def is_stopped(self, item_key: int) -> bool:
        """Too many who got it dismissed it or left."""
        return self._knowledge is not None and self._knowledge.is_stopped(item_key)

    def _full(self, caps: Iterable[Cap], state: UserState, now_ms: int, column: array[int]) -> set[int]:
        """The labels in a column of the sent pushes for which a cap is full: `cap_opens_at_ms` of each, in one pass over those in the window."""
        full: set[int] = set()
        times, release_ms = state.sent_at_ms, self._release_ms
        for cap in caps:
            counts: dict[int, int] = {}
            for row in range(len(times) - 1, -1, -1):
                if times[row] + cap.window_ms <= now_ms:
                    break
                label = column[row]
                if label != UNLABELLED and history.counts_until_ms(state, row, cap.window_ms, release_ms) > now_ms:
                    counts[label] = counts.get(label, 0) + 1
                    if counts[label] == cap.count:
                        full.add(label)
        return full


class Excluded:
    """What may not be sent to one user at one moment."""

    __slots__ = ("_bought", "_by_key", "_categories", "_creators", "_now_ms", "_rules", "_state")

    def __init__(
        self,
        rules: Eligibility,
        state: UserState,
        now_ms: int,
        by_key: dict[int, str],
        bought: dict[int, int],
        categories: set[int],
        creators: set[int],
    ) -> None:
        self._rules = rules
        self._state = state
        self._now_ms = now_ms
        self._by_key = by_key
        self._bought = bought
        self._categories = categories
        self._creators = creators

    def why(self, item: CatalogueItem) -> str:
        """The rule that forbids the item, empty if none does."""
        key = item.key
        bought_at_ms = self._bought.get(key)
        if bought_at_ms is not None and self._now_ms - bought_at_ms < self._rules.still_used_ms(item):
            return "bought"  # before "seen": who has just bought it has seen it too
        if (rule := self._by_key.get(key)) is not None:
            return rule
        if self._categories and item.categories and label_of(item.categories[-1]) in self._categories:
            return "category_cap"
        if self._creators and label_of(item.creator_id) in self._creators:
            return "creator_cap"
        if self._rules.is_stopped(key):
            return "stopped"
        purposes = self._state.purposes
        if purposes is not None and purpose_of(item.scenario) not in purposes:
            return "purpose"
        return self._audience(item) if item.restricted else ""

    def _audience(self, item: CatalogueItem) -> str:
        """What is not known of a user counts against age and themes, which need a yes, but not against country and language."""
        state = self._state
        if item.countries and state.country and state.country not in item.countries:
            return "country"
        if item.languages and state.locale and not item.languages & {state.locale, state.locale.split("-", 1)[0]}:
            return "language"
        if item.min_age and (not state.birth_year or self._year() - state.birth_year <= item.min_age):
            return "age"
        if item.sensitivities and not item.sensitivities <= set(state.purposes or ()):
            return "sensitivity"
        if item.segments and not item.segments & set(state.segments):
            return "segment"
        return ""

    def _year(self) -> int:
        return _EPOCH_YEAR + self._now_ms // _YEAR_MS
