"""The catalogue of a log with its features, as of any moment of the log.

    catalogue = Catalogue(log.format, ItemFeaturiser(dim=64))
    for rows in first_part:  catalogue.learn(rows)        # items, and what was visited together
    catalogue.settle()                                    # computes the co-visit space
    for rows in the_rest:    catalogue.note(rows)         # items only: they exist, nothing is learned from their visits
    …
    moved = catalogue.refresh(rows)                       # while the rest is replayed: newcomers find their place

    F_i = unit( content_i + covisits_i )

where both are of length 1 or zero (``features``, ``covisits``), so either alone, both with equal weight, or none.

*Contract*: a feature is made of nothing but the item's own content and of visits that were given to ``learn`` and ``refresh``.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kairos.feed.collect import ItemCollector
from kairos.feed.covisits import covisit_counts, covisit_features
from kairos.feed.features import ItemFeaturiser, Vector, unit
from kairos.feed.fold_in import GrowingSpace
from kairos.feed.items import ItemRecord
from kairos.feed.numbering import Numbering
from kairos.feed.sparse import Ints
from kairos.logs.log import LogFormat

# A newcomer that turned by less than this (cosine) is not worth a new record for every subtask of the job.
_STILL_THE_SAME = 0.98


class Catalogue:
    """Items of one log and what is known about them so far."""

    def __init__(self, log_format: LogFormat, featuriser: ItemFeaturiser) -> None:
        self._format = log_format
        self._featuriser = featuriser
        self._collector = ItemCollector()
        self._things = Numbering()
        self._items_of_thing: dict[str, list[ItemRecord]] = {}
        self._learned: list[tuple[Ints, Ints]] = []
        self._groups = Numbering()
        self._space = GrowingSpace(np.zeros((0, featuriser.dim), np.float32), np.zeros(0))
        self._published: dict[int, Vector] = {}
        self.learned_visits = 0

    @property
    def items(self) -> Sequence[ItemRecord]:
        """All items seen so far, in the order they were first seen."""
        return list(self._collector.items.values())

    def add(self, rows: pa.RecordBatch) -> None:
        """Items as ``LogFormat.items`` (or ``ItemFile.items``) makes them."""
        for record in self._collector.observe(rows):
            self._items_of_thing.setdefault(self._thing(record), []).append(record)

    def note(self, rows: pa.RecordBatch) -> None:
        """Rows of the log: that their items exist."""
        if self._format.items is not None:
            self.add(self._format.items(rows))

    def learn(self, rows: pa.RecordBatch) -> None:
        """Rows of the log, of its first part and in order of time: items and visits."""
        self.note(rows)
        groups, things = self._visits(rows, self._groups)
        self.learned_visits += len(groups)
        self._learned.append((groups, things))

    def settle(self) -> None:
        """Computes the space from all that was learned; from now on only newcomers move."""
        if self._learned:
            groups, things = (np.concatenate(part) for part in zip(*self._learned, strict=True))
            counts = covisit_counts(groups, things, len(self._things))
            self._space = GrowingSpace(covisit_features(counts, self._featuriser.dim), counts.row_sums())
        self._learned = []
        self._groups = Numbering()

    def refresh(self, batches: Sequence[pa.RecordBatch]) -> list[ItemRecord]:
        """Learns from visits that just happened, in order of time; the items whose features are new or other than before."""
        if not batches:
            return []
        groups_now = Numbering()
        parts = [self._visits(rows, groups_now) for rows in batches]
        groups, things = (np.concatenate(part) for part in zip(*parts, strict=True))
        moved = self._space.observe(groups, things, len(self._things))
        return [record for number in moved.tolist() if self._has_turned(number) for record in self._items_of(number)]

    def features(self, record: ItemRecord) -> Vector:
        """F_i as of now, (dim,)."""
        return unit(self.content(record) + self.covisits(record))

    def content(self, record: ItemRecord) -> Vector:
        """What the item says about itself, (dim,), of length 1 or zeros."""
        return self._featuriser.features(
            categories=record.categories, text=f"{record.title} {record.summary}", tags=record.tags, price=record.price
        )

    def covisits(self, record: ItemRecord) -> Vector:
        """What its visitors say about it as of now, (dim,), of length 1 or zeros."""
        number = self._things.number_of(self._thing(record))
        known = self._space.features
        return known[number] if number is not None and number < len(known) else np.zeros(self._featuriser.dim, np.float32)

    def _thing(self, record: ItemRecord) -> str:
        covisits = self._format.covisits
        return record.category_path if covisits is not None and covisits.things == "categories" else record.item_id

    def _visits(self, rows: pa.RecordBatch, groups: Numbering) -> tuple[Ints, Ints]:
        if self._format.covisits is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        group, thing = self._format.covisits.visits(rows)
        both = pc.and_(pc.is_valid(group), pc.is_valid(thing))
        return groups.numbers(group.filter(both)), self._things.numbers(thing.filter(both))

    def _has_turned(self, number: int) -> bool:
        now = self._space.features[number]
        before = self._published.get(number)
        if before is not None and float(before @ now) >= _STILL_THE_SAME:
            return False
        self._published[number] = now.copy()
        return True

    def _items_of(self, number: int) -> list[ItemRecord]:
        return self._items_of_thing.get(self._things.name(number), [])
