"""Features from co-visits, and room for newcomers."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from kairos.feed.covisits import covisit_counts, covisit_features, neighbours, ppmi
from kairos.feed.fold_in import GrowingSpace
from kairos.feed.sparse import SparseMatrix

Ints = NDArray[np.int64]
DIM = 16


def ints(*values: int) -> Ints:
    return np.array(values, np.int64)


def two_communities(sessions: int = 400, seed: int = 1) -> tuple[Ints, Ints]:
    """Sessions of 4 visits, each to things 0-9 only or to things 10-19 only."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(sessions), 4)
    return groups, random.integers(0, 10, sessions * 4) + 10 * (groups % 2)


def test_pairs_are_those_of_one_group_within_reach_and_go_both_ways() -> None:
    first, second = neighbours(ints(7, 8, 7, 7), ints(1, 2, 3, 1), reach=1)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [(1, 3), (1, 3), (3, 1), (3, 1)]


def test_pointwise_mutual_information_of_a_worked_example() -> None:
    # Pairs: 0-1 three times, 2-3 once. Things 0 and 1 have 3 pairs each, 2 and 3 have 1 each.
    counts = SparseMatrix.counting(4, ints(0, 0, 0, 1, 1, 1, 2, 3), ints(1, 1, 1, 0, 0, 0, 3, 2))
    information = ppmi(counts)
    smoothed_total = 2 * 3**0.75 + 2 * 1
    expected_01 = math.log(3 / (3 * 3**0.75 / smoothed_total))
    expected_23 = math.log(1 / (1 * 1 / smoothed_total))
    assert information.values.tolist() == pytest.approx([expected_01, expected_01, expected_23, expected_23])


def test_things_lie_by_their_community() -> None:
    groups, things = two_communities()
    features = covisit_features(covisit_counts(groups, things, 21), DIM)
    cosines = features[:20] @ features[:20].T
    same = (np.arange(20)[:, None] < 10) == (np.arange(20)[None, :] < 10)
    assert cosines[same & ~np.eye(20, dtype=bool)].mean() > 0.3 + cosines[~same].mean()


def test_what_was_never_visited_with_others_has_no_features_and_the_rest_length_one() -> None:
    groups, things = two_communities()
    features = covisit_features(covisit_counts(groups, things, 25), DIM)
    lengths = np.linalg.norm(features, axis=1)
    assert lengths[:20] == pytest.approx(np.ones(20), abs=1e-4)
    assert not features[20:].any()


def test_fewer_things_than_dimensions_are_no_difficulty() -> None:
    features = covisit_features(covisit_counts(ints(1, 1, 2, 2), ints(0, 1, 0, 1), 3), DIM)
    assert features.shape == (3, DIM)
    assert np.linalg.norm(features, axis=1) == pytest.approx([1, 1, 0], abs=1e-4)


def test_no_visits_make_no_features() -> None:
    assert not covisit_features(covisit_counts(ints(), ints(), 3), DIM).any()


def test_the_same_visits_make_the_same_features() -> None:
    counts = covisit_counts(*two_communities(), 20)
    assert np.array_equal(covisit_features(counts, DIM), covisit_features(counts, DIM))


def test_a_newcomer_lies_with_those_it_is_visited_with_and_nobody_else_moves() -> None:
    counts = covisit_counts(*two_communities(), 20)
    before = covisit_features(counts, DIM)
    space = GrowingSpace(before, counts.row_sums())
    moved = space.observe(ints(1, 1, 1, 2, 2), ints(3, 30, 5, 30, 7), 31)  # thing 30, with 3, 5 and 7
    assert moved.tolist() == [30]
    assert np.array_equal(space.features[:20], before)
    to_first = (space.features[30] @ before[:10].T).mean()
    to_second = (space.features[30] @ before[10:].T).mean()
    assert to_first > 0.5 + to_second


def test_newcomers_visited_only_with_each_other_stay_without_features() -> None:
    counts = covisit_counts(*two_communities(), 20)
    space = GrowingSpace(covisit_features(counts, DIM), counts.row_sums())
    assert space.observe(ints(1, 1), ints(21, 22), 23).tolist() == []
    assert not space.features[20:].any()
