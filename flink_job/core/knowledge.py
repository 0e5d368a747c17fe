"""What all users taught, in the decider's memory: popularity, neighbours, outcomes, and when segments open; and what a push costs.

Fed with facts, read by row.

Who calls it: the engine with every knowledge record, in any order; the policy, for every decision that scores candidates. An older record never
replaces a newer one, so what is held depends on the records and not on their order.

Items are held at *places*, by key, because knowledge and catalogue come by different topics in any order. The place of a catalogue row is
looked up once and kept with the row's key; a row that was given to another item is looked up again. Not thread-safe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flink_job.core.catalogue import Catalogue
from flink_job.core.ids import key_of
from flink_job.core.index.columns import NO_ROWS, Rows
from flink_job.core.known_hours import KnownHours
from flink_job.core.known_wordings import KnownWordings
from flink_job.core.learning.facts import Facts, ItemFacts, PriceFacts, SegmentFacts, WordingFacts
from flink_job.core.learning.state import SlotCounts
from flink_job.core.outcome_counts import OutcomeCounts, Probabilities, smoothed
from flink_job.core.rules.learning import LearningRules
from flink_job.core.trending import TopList, height

_EVERYWHERE = ""
_UNKNOWN = 0


@dataclass(slots=True)
class _Held:
    """One item's facts, as they are held."""

    made_at_ms: int
    place: int
    groups: tuple[str, ...]
    rating_sum: float
    neighbours: NDArray[np.uint64]
    similarities: NDArray[np.float32]
    stopped: bool


class Knowledge:
    """What is known, over one catalogue."""

    def __init__(self, rules: LearningRules, catalogue: Catalogue) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._held: dict[int, _Held] = {}
        self._key_of_place: list[int] = [0]
        self._free: list[int] = []
        self._outcomes = OutcomeCounts(rules.outcomes.half_life_ms)
        self._category_code: dict[str, int] = {"": 0}
        self._top: dict[str, TopList] = {}
        self._price = PriceFacts(made_at_ms=0)
        self.hours = KnownHours(rules.slots.half_life_ms)
        self.wordings = KnownWordings(rules.wordings.half_life_ms)
        # By catalogue row: whose row it was when it was looked up, the item's place (0: nothing is known) and the code of its category.
        self._owner: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._place: Rows = np.zeros(0, np.intp)
        self._category: Rows = np.zeros(0, np.intp)

    def __len__(self) -> int:
        return len(self._held)

    def put(self, facts: Facts) -> bool:
        """Take in facts; False if newer ones are held."""
        if isinstance(facts, ItemFacts):
            return self._put_item(facts)
        if isinstance(facts, WordingFacts):
            return self.wordings.put(facts)
        return self.hours.put(facts) if isinstance(facts, SegmentFacts) else self._put_price(facts)

    @property
    def price_told(self) -> PriceFacts:
        """The price of a push that was told last."""
        return self._price

    def price(self, now_ms: int) -> float:
        """What every push costs at `now_ms`, in units of utility: 0 while no price is told, and when the one told is over."""
        told = self._price
        return told.price if not told.valid_until_ms or now_ms < told.valid_until_ms else 0.0

    def trending(self, country: str, limit: int, now_ms: int) -> Rows:
        """Rows of up to `limit` of the most popular items that may be sent at `now_ms`, best first: of this country (empty: of all)."""
        top = self._top.get(country)
        if top is None or limit <= 0:
            return NO_ROWS
        asked = 2 * limit  # some are sold out
        while True:
            places = top.first(asked)
            rows = self._rows_of(places)
            rows = rows[self._catalogue.eligible(rows, now_ms)]
            if len(rows) >= limit or len(places) < asked:
                return rows[:limit]
            asked *= 2

    def neighbours(self, item_key: int, limit: int) -> tuple[Rows, NDArray[np.float32]]:
        """Rows and similarities (0..1, falling) of up to `limit` items that go with this one and are in the catalogue."""
        held = self._held.get(item_key)
        if held is None:
            return NO_ROWS, np.empty(0, np.float32)
        row_of_key = self._catalogue.row_of_key
        rows = np.array([row_of_key(key) for key in held.neighbours.tolist()], np.intp)
        there = rows >= 0
        return rows[there][:limit], held.similarities[there][:limit]

    def rates(self, rows: Rows, now_ms: int) -> tuple[Probabilities, Probabilities]:
        """P(open) and P(convert | open) of the items in `rows`, (n,): smoothed counts of the item, its category and all."""
        self._look_up(rows)
        counts = self._outcomes.at(self._place.take(rows), self._category.take(rows), now_ms)
        return smoothed(self._rules.outcomes, *counts)

    def rating_sum(self, item_key: int) -> float:
        """Σ ratings of the item with this key as last told, 0 if it is not known."""
        held = self._held.get(item_key)
        return 0.0 if held is None else held.rating_sum

    def is_stopped(self, item_key: int) -> bool:
        """Nobody shall be sent the item any more."""
        held = self._held.get(item_key)
        return held is not None and held.stopped

    def week(self, country: str, now_ms: int) -> tuple[SlotCounts, SlotCounts] | None:
        """See `KnownHours.week`."""
        return self.hours.week(country, now_ms)

    def _put_price(self, facts: PriceFacts) -> bool:
        if self._price.made_at_ms >= facts.made_at_ms:
            return False
        self._price = facts
        return True

    def _put_item(self, facts: ItemFacts) -> bool:
        key = key_of(facts.item_id)
        held = self._held.get(key)
        if held is not None and held.made_at_ms >= facts.made_at_ms:
            return False
        self._forget_row_of(key)
        if facts.gone:
            self._forget(key, held)
            return held is not None
        place = held.place if held is not None else self._new_place(key)
        sent, opened, converted, *_ = facts.outcomes
        self._outcomes.put(place, self._code(facts.category), (sent, opened, converted), facts.outcomes_at_ms)
        groups = self._rank(place, key, () if held is None else held.groups, facts)
        self._held[key] = _Held(
            made_at_ms=facts.made_at_ms,
            place=place,
            groups=groups,
            rating_sum=facts.rating_sum,
            neighbours=np.array([key_of(item_id) for item_id in facts.neighbours], np.uint64),
            similarities=np.array(facts.similarities, np.float32),
            stopped=facts.stopped,
        )
        return True

    def _rank(self, place: int, key: int, before: tuple[str, ...], facts: ItemFacts) -> tuple[str, ...]:
        """The item's places in the lists of all and of its groups; the groups."""
        popular = [(name, value) for name, value in ((_EVERYWHERE, facts.popularity), *facts.by_group) if value > 0.0]
        for name in before:
            if all(name != now for now, _ in popular):
                self._top[name].discard(place)
        rules = self._rules.popularity
        for name, value in popular:
            if name not in self._top:
                self._top[name] = TopList(rules.trending)
            self._top[name].put(place, key, height(value, facts.made_at_ms, rules.half_life_ms))
        return tuple(name for name, _ in popular)

    def _new_place(self, key: int) -> int:
        if self._free:
            place = self._free.pop()
            self._key_of_place[place] = key
            return place
        self._key_of_place.append(key)
        return len(self._key_of_place) - 1

    def _forget(self, key: int, held: _Held | None) -> None:
        """The item is gone. What comes later about it is new: records of one item come in order, or after a newer version of its own."""
        if held is not None:
            self._outcomes.put(held.place, 0, (0.0, 0.0, 0.0), held.made_at_ms)
            for name in held.groups:
                self._top[name].discard(held.place)
            self._free.append(held.place)
            del self._held[key]

    def _forget_row_of(self, key: int) -> None:
        """What was looked up for the item's row is not good any more."""
        row = self._catalogue.row_of_key(key)
        if 0 <= row < len(self._owner):
            self._owner[row] = 0

    def _code(self, category: str) -> int:
        return self._category_code.setdefault(category, len(self._category_code))

    def _rows_of(self, places: NDArray[np.intp]) -> Rows:
        """Catalogue rows of the items at these places; those that are not in the catalogue are left out."""
        key_of_place, row_of_key = self._key_of_place, self._catalogue.row_of_key
        return np.array([row for place in places.tolist() if (row := row_of_key(key_of_place[place])) >= 0], np.intp)

    def _look_up(self, rows: Rows) -> None:
        """Make place and category of these catalogue rows good."""
        keys = self._catalogue.keys
        if len(self._owner) < len(keys):
            more = len(keys) - len(self._owner)
            self._owner = np.concatenate((self._owner, np.zeros(more, np.uint64)))
            self._place = np.concatenate((self._place, np.zeros(more, np.intp)))
            self._category = np.concatenate((self._category, np.zeros(more, np.intp)))
        changed = self._owner.take(rows) != keys.take(rows)
        if changed.any():
            for row in rows[changed].tolist():
                item = self._catalogue.item(row)
                held = self._held.get(item.key)
                self._owner[row] = item.key
                self._place[row] = _UNKNOWN if held is None else held.place
                self._category[row] = self._code(item.categories[-1] if item.categories else "")
