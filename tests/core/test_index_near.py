"""The neighbour index: exact codes, recall, ties, cells and pivots."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flink_job.core.catalogue import Catalogue
from flink_job.core.index.codes import MOST_DIMENSIONS, SCALE, code_of, codes_of
from flink_job.core.index.pivots import LowestKeys, pivot_count
from tests.core.catalogue_items import MONDAY_0930, ids, item, unit, units

AT = MONDAY_0930


def clustered(count: int, dim: int, seed: int = 5) -> NDArray[np.float32]:
    """Vectors around forty centres, cosine about 0.8 within a group."""
    rng = np.random.default_rng(seed)
    centres = units(40, dim, seed)
    return np.array([unit(centres[rng.integers(40)] + 0.5 * direction) for direction in units(count, dim, seed + 1)])


@pytest.mark.parametrize("dim", [1, 2, 3, 7, 8, 9, 16, 64, 100, 128, 200])
def test_codes_are_the_same_one_by_one_and_in_any_batch(dim: int) -> None:
    vectors = units(300, dim) * np.random.default_rng(1).uniform(0.1, 9, (300, 1)).astype(np.float32)
    vectors[17] = 0
    one_by_one = [code_of(vector) for vector in vectors]
    for size in (1, 2, 5, 299, 300):
        codes, has_direction = codes_of(vectors[:size])
        for at in range(size):
            code = one_by_one[at]
            assert has_direction[at] == (code is not None)
            assert codes[at].tobytes() == (np.zeros(dim, np.float32) if code is None else code).tobytes()


def test_products_of_codes_are_exact_whatever_adds_them_up() -> None:
    for dim in (3, 64, 500):
        codes, _ = codes_of(units(900, dim))
        whole = codes.astype(np.int64)
        expected = whole @ whole[:50].T
        assert ((codes @ codes[:50].T) == expected).all()
        for at in range(50):
            assert ((codes @ codes[at]) == expected[:, at]).all()


def test_partial_sums_of_the_longest_codes_fit_float32() -> None:
    assert (SCALE + MOST_DIMENSIONS**0.5 / 2) ** 2 < 2**24


@pytest.mark.parametrize("vector", [[0, 0, 0], [np.nan, 0, 1], [np.inf, 0, 0]])
def test_a_vector_without_direction_has_no_neighbours(vector: list[float]) -> None:
    catalogue = Catalogue(3)
    catalogue.upsert(item("a", features=unit([1, 2, 3])))
    catalogue.upsert(item("zero", features=np.zeros(3, np.float32)))
    assert len(catalogue.near(np.array(vector), 9, AT)) == 0
    assert ids(catalogue, catalogue.near(np.array([-1.0, 0, 0]), 9, AT)) == ["a"]


def test_the_length_of_the_question_does_not_matter() -> None:
    catalogue = Catalogue(8)
    vectors = units(500, 8)
    for at, vector in enumerate(vectors):
        catalogue.upsert(item(str(at), features=vector))
    expected = catalogue.near(vectors[3], 20, AT).tolist()
    assert catalogue.near(vectors[3].astype(np.float64) * 1e-9, 20, AT).tolist() == expected
    assert catalogue.near(vectors[3] * np.float32(64), 20, AT).tolist() == expected


def test_all_items_are_compared_when_they_are_few_and_come_nearest_first() -> None:
    catalogue = Catalogue(6, look_at=400)
    vectors = units(390, 6)
    for at, vector in enumerate(vectors):
        catalogue.upsert(item(str(at), features=vector))
    question = unit(vectors[0] + vectors[1])
    found = ids(catalogue, catalogue.near(question, 30, AT))
    cosines = vectors @ question
    assert set(found) == {str(at) for at in np.argsort(-cosines)[:30]}
    assert (np.diff(cosines[[int(name) for name in found]]) < 1e-3).all()


def test_most_of_the_true_neighbours_are_found_among_many_items() -> None:
    catalogue = Catalogue(32, look_at=400)
    vectors = clustered(8000, 32)
    for at, vector in enumerate(vectors):
        catalogue.upsert(item(str(at), features=vector))
    hits = 0
    for at in range(100):
        question = unit(vectors[at] + 0.3 * units(1, 32, at)[0])
        nearest = np.argsort(-(vectors @ question))[:10]
        hits += len({str(near) for near in nearest} & set(ids(catalogue, catalogue.near(question, 200, AT))))
    assert hits / 1000 > 0.8


def test_of_equally_near_items_the_newest_come_first() -> None:
    catalogue = Catalogue(4)
    for at in range(2000):
        catalogue.upsert(item(str(at), features=unit([1, 2, 3, 4]), published_at_ms=at))
    assert ids(catalogue, catalogue.near(unit([1, 2, 3, 4]), 5, AT)) == ["1999", "1998", "1997", "1996", "1995"]
    assert len(catalogue.near(unit([1, 0, 0, 0]), 200, AT)) == 200


def test_expired_items_do_not_use_up_what_is_looked_at() -> None:
    catalogue = Catalogue(8, look_at=50)
    vectors = clustered(3000, 8)
    for at, vector in enumerate(vectors):
        catalogue.upsert(item(str(at), features=vector, valid_until_ms=AT if at % 10 else 0))
    assert len(catalogue.near(vectors[0], 200, AT - 1)) == 200
    after = ids(catalogue, catalogue.near(vectors[0], 200, AT))
    assert len(after) == 200
    assert all(int(name) % 10 == 0 for name in after)
    assert len(catalogue.near(vectors[0], 400, AT)) == 300


def test_time_may_go_backwards_between_questions() -> None:
    catalogue, asked_once = Catalogue(8, look_at=60), []
    vectors = clustered(1500, 8)
    items = [
        item(str(at), features=vector, valid_from_ms=AT + at % 40, valid_until_ms=AT + 20 + at % 90) for at, vector in enumerate(vectors)
    ]
    for each in items:
        catalogue.upsert(each)
    times = [AT + offset for offset in (5, 50, 10, 120, 0, 30, 29, 30, 200, 25)]
    for now_ms in times:
        fresh = Catalogue(8, look_at=60)
        for each in items:
            fresh.upsert(each)
        asked_once.append(ids(fresh, fresh.near(vectors[7], 40, now_ms)))
    assert [ids(catalogue, catalogue.near(vectors[7], 40, now_ms)) for now_ms in times] == asked_once


@given(st.lists(st.integers(0, 200)), st.lists(st.integers(0, 200)))
@settings(deadline=None)
def test_pivots_are_the_lowest_keys_whatever_came_and_went(start: list[int], changes: list[int]) -> None:
    lowest, keys = LowestKeys(set(start)), set(start)
    chosen = set(lowest.chosen)
    for key in changes:
        entered, left = lowest.discard(key) if key in keys else lowest.add(key)
        keys ^= {key}
        assert not set(entered) & set(left)
        chosen = (chosen | set(entered)) - set(left)
        assert lowest.chosen == sorted(keys)[: pivot_count(len(keys))]
        assert chosen == set(lowest.chosen)
        assert len(lowest) == len(keys)


def test_keys_that_come_and_go_leave_nothing_behind() -> None:
    lowest = LowestKeys(range(100))
    for at in range(10_000):
        lowest.add(1000 + at)
        lowest.discard(1000 + at)
    assert len(lowest._waiting) < 400


def test_a_key_that_left_and_came_back_is_chosen_once() -> None:
    lowest = LowestKeys(range(640))
    lowest.discard(300)
    lowest.add(300)
    for key in range(300):
        lowest.discard(key)
    assert lowest.chosen == list(range(300, 300 + pivot_count(340)))


def test_the_number_of_pivots_grows_by_one_at_a_time() -> None:
    counts = [pivot_count(items) for items in range(20_000)]
    assert counts[:2] == [0, 1]
    assert {later - earlier for earlier, later in pairwise(counts)} == {0, 1}
