"""What the catalogue costs, and what its neighbour index finds, as the catalogue grows.

    python benchmarks/bench_catalogue.py [--items 1000 10000 100000] [--dim 64] [--look-at 400]

One row per catalogue: `clustered` has Zipf-sized groups of similar items in twenty themes, `uniform` has directions without any structure (the
worst case: there are no neighbourhoods to find). Questions are interests of users: the mean of one to three items, with noise. Recall@10 counts
how many of the ten nearest items are among the 200 that `near` returns; likeness compares the mean cosine of the ten best returned with that of the
true ten. Brute force is one matrix product and a partition, in the same process. Times are CPU time, medians of batches,
in microseconds.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a task slot; it must be set before NumPy is imported

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import thread_time

import numpy as np
from numpy.typing import NDArray

from flink_job.core.catalogue import Catalogue
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.ids import key_of

Floats = NDArray[np.float32]

NOW_MS = 1_767_605_400_000
LIMIT = 200
QUESTIONS = 400
SEED = 20260105


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table; times in microseconds."""

    data: str
    items: int
    faster: float
    near: float
    brute: float
    recall: float
    likeness: float
    category: float
    fresh: float
    score: float
    upsert_new: float
    upsert_moved: float
    upsert_text: float
    remove: float
    build_s: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--look-at", type=int, default=400, help="items that near() compares at least")
    options = parser.parse_args()
    print(_HEADER)
    for items in options.items:
        for data, make in (("clustered", clustered), ("uniform", uniform)):
            rng = np.random.default_rng(SEED)
            print(_line(measure(data, make(items + items // 10, options.dim, rng), items, options.look_at, rng)), flush=True)


def clustered(count: int, dim: int, rng: np.random.Generator) -> Floats:
    """Groups of about 250 items (Zipf) around centres that belong to twenty themes; the mean cosine within a group is about 0.67."""
    groups = max(20, count // 250)
    themes = _units(rng.normal(size=(20, dim)))
    centres = _units(0.8 * _units(rng.normal(size=(groups, dim))) + themes[rng.integers(0, 20, groups)])
    size = np.arange(1, groups + 1) ** -0.7
    group = rng.choice(groups, count, p=size / size.sum())
    return _units(centres[group] + rng.normal(size=(count, dim)) * (0.7 / np.sqrt(dim)))


def uniform(count: int, dim: int, rng: np.random.Generator) -> Floats:
    """Directions without structure."""
    return _units(rng.normal(size=(count, dim)))


def measure(data: str, vectors: Floats, items: int, look_at: int, rng: np.random.Generator) -> Measured:
    """Build a catalogue of the first `items` vectors, ask it, change it with the rest."""
    catalogue_items = [_item(at, vector) for at, vector in enumerate(vectors)]
    catalogue = Catalogue(vectors.shape[1], look_at=look_at)
    started = thread_time()
    for item in catalogue_items[:items]:
        catalogue.upsert(item)
    catalogue.near(vectors[0], 1, NOW_MS)
    build_s = thread_time() - started
    questions = _interests(vectors[:items], rng)
    recall, likeness = _quality(catalogue, vectors[:items], questions)
    near = _time(lambda at: catalogue.near(questions[at % QUESTIONS], LIMIT, NOW_MS))
    dense = vectors[:items].copy()
    brute = _time(lambda at: _brute_force(dense, questions[at % QUESTIONS], LIMIT), 20 if items > 10_000 else 200)
    category = _time(lambda at: catalogue.in_category(f"theme{at % 50}", 50, NOW_MS))
    fresh = _time(lambda _: catalogue.fresh(50, NOW_MS))
    rows = [catalogue.near(question, LIMIT, NOW_MS) for question in questions]
    score = _time(lambda at: catalogue.score(rows[at % QUESTIONS], questions[at % QUESTIONS]))
    new = catalogue_items[items:]
    moved = [
        replace(item, features=_units(vector + rng.normal(size=len(vector)) * 0.02), updated_at_ms=NOW_MS + 1)
        for item, vector in zip(catalogue_items[: len(new)], vectors, strict=False)
    ]
    text = [replace(item, updated_at_ms=NOW_MS + 2, payload=b"x") for item in moved]
    return Measured(
        data,
        items,
        brute / near,
        near,
        brute,
        recall,
        likeness,
        category,
        fresh,
        score,
        _time_each(catalogue.upsert, new),
        _time_each(catalogue.upsert, moved),
        _time_each(catalogue.upsert, text),
        _time_each(lambda item: catalogue.remove(item.item_id, NOW_MS + 3), new),
        build_s,
    )


def _quality(catalogue: Catalogue, vectors: Floats, questions: Floats) -> tuple[float, float]:
    hits, found_likeness, true_likeness = 0, 0.0, 0.0
    for question in questions:
        cosines = vectors @ question
        best = np.argpartition(-cosines, 10)[:10]
        rows = catalogue.near(question, LIMIT, NOW_MS)
        found = [int(catalogue.item(int(row)).item_id) for row in rows]
        hits += len(set(found) & set(best.tolist()))
        found_likeness += float(np.sort(cosines[found])[-10:].mean())
        true_likeness += float(cosines[best].mean())
    return hits / (10 * len(questions)), found_likeness / true_likeness


def _interests(vectors: Floats, rng: np.random.Generator) -> Floats:
    interests = np.zeros((QUESTIONS, vectors.shape[1]))
    for at in range(QUESTIONS):
        interests[at] = vectors[rng.integers(0, len(vectors), rng.integers(1, 4))].mean(axis=0)
    return _units(interests + rng.normal(size=interests.shape) * (0.3 / np.sqrt(vectors.shape[1])))


def _brute_force(vectors: Floats, question: Floats, limit: int) -> NDArray[np.intp]:
    nearest: NDArray[np.intp] = np.argpartition(-(vectors @ question), limit)[:limit]
    return nearest


def _time(call: Callable[[int], object], calls: int = 2_000) -> float:
    for at in range(min(calls, QUESTIONS)):
        call(at)
    batches = []
    for batch in range(10):
        started = thread_time()
        for at in range(batch * calls // 10, (batch + 1) * calls // 10):
            call(at)
        batches.append((thread_time() - started) / (calls // 10))
    return median(batches) * 1e6


def _time_each(call: Callable[[CatalogueItem], object], items: Sequence[CatalogueItem]) -> float:
    started = thread_time()
    for item in items:
        call(item)
    return (thread_time() - started) / len(items) * 1e6


def _units(vectors: NDArray[np.float64]) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def _item(at: int, vector: Floats) -> CatalogueItem:
    return CatalogueItem(
        item_id=str(at),
        key=key_of(str(at)),
        updated_at_ms=NOW_MS,
        features=vector,
        categories=("all", f"theme{at % 50}", f"shelf{at % 1000}"),
        price=9.5,
        stock=None,
        valid_from_ms=NOW_MS - 3_600_000,
        valid_until_ms=NOW_MS + 86_400_000 + 1_000 * (at % 5_000),
        published_at_ms=NOW_MS - 60_000 * (key_of(str(at)) % 100_000),
        creator_id="",
        countries=frozenset(),
        languages=frozenset(),
        min_age=0,
        sensitivities=frozenset(),
        consumable=False,
        boost=0.0,
        payload=b"",
    )


_HEADER = (
    f"{'catalogue':>16} | {'× brute':>7} {'near':>6} {'brute':>7} {'recall':>6} {'likeness':>8} | {'category':>8} {'fresh':>6} {'score':>6} | "
    f"{'new':>6} {'moved':>6} {'text':>6} {'remove':>6} {'build s':>7}"
)


def _line(row: Measured) -> str:
    return (
        f"{row.data:>9} {row.items:>6} | {row.faster:7.1f} {row.near:6.1f} {row.brute:7.1f} {row.recall:6.2f} {row.likeness:8.3f} | "
        f"{row.category:8.2f} {row.fresh:6.2f} {row.score:6.2f} | "
        f"{row.upsert_new:6.1f} {row.upsert_moved:6.1f} {row.upsert_text:6.1f} {row.remove:6.1f} {row.build_s:7.2f}"
    )


if __name__ == "__main__":
    main()
