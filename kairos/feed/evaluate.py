"""Are the features worth anything? Measured by whether the next item somebody touches is near to what they touched before.

    profile = unit( Σ F_i over the last PROFILE different items that the same session (else user) touched strictly earlier )

Each next item that is not in the profile competes with ``CANDIDATES`` others by the inner product with it: with items drawn evenly
from those known so far (AUC), and with items drawn as often as they were recently touched (AUC popular), which shows whether features
know more than what is popular. 0.5 is chance; ``hits`` is how often the next item beats nine tenths of the popular ones. Its chance
is about 0.1, more where few items make up most of what is popular: the control, a random vector for each item, tells.

*Contract*: hold-out in time, step by step: what is measured in a step is measured with the features and the items known at its
beginning; only then the step itself is learned from.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from operator import itemgetter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kairos.feed.catalogue import Catalogue
from kairos.feed.features import Matrix, Vector, unit
from kairos.feed.items import ItemRecord
from kairos.logs.log import Log
from kairos.logs.skipped import SkippedRows
from kairos.logs.window import Window, pieces
from kairos.v1.interaction_pb2 import InteractionType

PROFILE = 10
CANDIDATES = 100
BEST = 0.1
_DRAWN = 4 * CANDIDATES  # some have no features, or are in the profile
_FEWEST = 20
_RECENT_TOUCHES = 20_000  # from which "popular" candidates are drawn
_GROUPS = 200_000  # sessions remembered at once
_NEGATIVE = {int(InteractionType.INTERACTION_TYPE_RETURN), int(InteractionType.INTERACTION_TYPE_DISLIKE)}

MakeFeatures = Callable[[ItemRecord], Vector]


@dataclass(slots=True)
class Score:
    """Means over the touches that were measured. ``covered``: share of them whose item and profile had features."""

    touches: int = 0
    measured: int = 0
    auc: float = 0.0
    auc_popular: float = 0.0
    hits: float = 0.0
    cosine: float = 0.0
    cosine_random: float = 0.0

    @property
    def covered(self) -> float:
        """Share of the touches that were measured, 0..1."""
        return self.measured / self.touches if self.touches else 0.0

    def as_json(self) -> dict[str, float]:
        """All numbers, rounded."""
        names = ("touches", "measured", "covered", "auc", "auc_popular", "hits", "cosine", "cosine_random")
        return {name: round(getattr(self, name), 4) for name in names}

    def add(self, target: float, even: NDArray[np.float32], popular: NDArray[np.float32]) -> None:
        """One touch: the inner products of the profile with the next item and with its rivals, (n,) each."""
        self.measured += 1
        share = 1 / self.measured  # running means
        self.auc += (_beaten(target, even) - self.auc) * share
        self.auc_popular += (_beaten(target, popular) - self.auc_popular) * share
        self.hits += (float(_beaten(target, popular) > 1 - BEST) - self.hits) * share
        self.cosine += (target - self.cosine) * share
        self.cosine_random += (float(even.mean()) - self.cosine_random) * share


@dataclass(slots=True)
class _Variant:
    """One way to make features, with the matrix of what it made so far."""

    make: MakeFeatures
    moves: bool
    score: Score = field(default_factory=Score)
    matrix: Matrix = field(default_factory=lambda: np.zeros((0, 0), np.float32))


class Evaluation:
    """Measures several ways to make features on the same touches."""

    def __init__(self, catalogue: Catalogue, make: Mapping[str, MakeFeatures], moving: frozenset[str], sample: int, seed: int = 0) -> None:
        """``moving``: names of ``make`` whose features are made anew when the catalogue says that items moved.
        ``sample``: about how many touches to measure in each step.
        """
        self._catalogue = catalogue
        self._variants = {name: _Variant(each, name in moving) for name, each in make.items()}
        self._row: dict[str, int] = {}
        self._seen: dict[str, deque[tuple[int, int]]] = {}
        self._recent: deque[int] = deque(maxlen=_RECENT_TOUCHES)
        self._sample = sample
        self._random = np.random.default_rng(seed)

    @property
    def scores(self) -> dict[str, Score]:
        """By kind of features."""
        return {name: variant.score for name, variant in self._variants.items()}

    def run(self, log: Log, window: Window, step_ms: int, measure_from_ms: int) -> None:
        """Walks through the window; steps before ``measure_from_ms`` are learned from but not measured."""
        self._take_up(self._catalogue.items)
        inside = (window.inside(rows) for rows in takewhile(lambda rows: not window.is_over(rows), log.rows()))
        for step, group in groupby(pieces(inside, step_ms, 65_536), key=itemgetter(1)):
            self._step(log, [rows for rows, _step in group], step * step_ms >= measure_from_ms)

    def _step(self, log: Log, batches: list[pa.RecordBatch], measured: bool) -> None:
        touches = [touch for rows in batches for touch in _touches(log, rows)]
        chosen = self._random.random(len(touches)) < (self._sample / max(len(touches), 1) if measured else 0)
        popular = np.array(self._recent, np.int64)
        for (group, item, at_ms), measure in zip(touches, chosen.tolist(), strict=True):
            self._touch(group, item, at_ms, popular if measure else None)
        known_before = len(self._row)
        for rows in batches:
            self._catalogue.note(rows)
        moved = self._catalogue.refresh(batches)
        self._take_up(self._catalogue.items[known_before:])
        self._make_anew(moved)

    def _touch(self, group: str, item: str, at_ms: int, popular: NDArray[np.int64] | None) -> None:
        row = self._row.get(item)
        history = self._seen.setdefault(group, deque(maxlen=2 * PROFILE))
        if popular is not None and len(popular):
            self._measure(row, [each for each, when in history if when < at_ms][-PROFILE:], popular)
        if row is not None:
            history.append((row, at_ms))
            self._recent.append(row)
        if len(self._seen) > _GROUPS:
            del self._seen[next(iter(self._seen))]

    def _measure(self, row: int | None, profile: list[int], popular: NDArray[np.int64]) -> None:
        if not profile or row in profile:
            return
        out_of_bounds = np.array([*profile, -1 if row is None else row])
        drawn = self._random.integers(0, len(self._row), _DRAWN), self._random.choice(popular, _DRAWN)
        even, liked = (rows[~np.isin(rows, out_of_bounds)] for rows in drawn)
        for variant in self._variants.values():
            variant.score.touches += 1
            matrix = variant.matrix
            if row is None or not matrix[row].any():
                continue
            likes = unit(matrix[np.unique(profile)].sum(axis=0))
            rivals = [rows[matrix[rows].any(axis=1)][:CANDIDATES] for rows in (even, liked)]
            if likes.any() and all(len(rows) >= _FEWEST for rows in rivals):
                variant.score.add(float(matrix[row] @ likes), *(matrix[rows] @ likes for rows in rivals))

    def _take_up(self, records: Sequence[ItemRecord]) -> None:
        for record in records:
            self._row[record.item_id] = len(self._row)
        for variant in self._variants.values():
            made = [variant.make(record) for record in records]
            if made:
                new = np.stack(made)
                variant.matrix = np.concatenate([variant.matrix, new]) if len(variant.matrix) else new

    def _make_anew(self, records: Sequence[ItemRecord]) -> None:
        for variant in self._variants.values():
            if variant.moves:
                for record in records:
                    variant.matrix[self._row[record.item_id]] = variant.make(record)


def _touches(log: Log, rows: pa.RecordBatch) -> Iterator[tuple[str, str, int]]:
    """Session or user, item and time of every event that speaks for its item."""
    events = log.format.events(rows, SkippedRows())
    sessions, items, types = (events.fields.get(name) for name in ("context.session_id", "item_id", "type"))
    n = len(events)
    groups = sessions if isinstance(sessions, list) and any(sessions) else events.user_id
    kinds = types if isinstance(types, list) else [types] * n
    if isinstance(items, list):
        for group, item, kind, at_ms in zip(groups, items, kinds, events.at_ms.tolist(), strict=True):
            if item and kind not in _NEGATIVE:
                yield group, item, at_ms


def _beaten(target: float, others: NDArray[np.float32]) -> float:
    """Share of ``others`` below ``target``; a tie is half."""
    return float((others < target).mean() + 0.5 * (others == target).mean())
