"""The catalogue: versions, removal, eligibility, exact scores."""

import numpy as np
import pytest
from numpy.typing import NDArray

from flink_job.core.catalogue import Catalogue
from tests.core.catalogue_items import HOUR_MS, MONDAY_0930, ids, item, unit, units

AT = MONDAY_0930


def test_the_worked_score_is_one() -> None:
    catalogue = Catalogue(3)
    catalogue.upsert(item("a", features=np.array([1, 1, 0], np.float32)))
    scored = catalogue.score(np.array([catalogue.row_of("a")]), np.array([1, 0, 1], np.float32))
    assert scored.tolist() == [1.0]


def test_an_item_is_found_by_id_by_key_and_by_row() -> None:
    catalogue = Catalogue(2)
    mug = item("mug", features=unit([3, 4]), categories=("home", "mugs"))
    assert catalogue.upsert(mug)
    row = catalogue.row_of("mug")
    assert catalogue.row_of_key(mug.key) == row
    assert catalogue.item(row) is mug
    assert catalogue.key_of_row(row) == mug.key == int(catalogue.keys[row])
    assert len(catalogue) == 1
    assert catalogue.row_of("kettle") == catalogue.row_of_key(5) == -1
    with pytest.raises(KeyError, match="holds no item"):
        catalogue.item(row + 1)


def test_the_last_column_of_features_is_one_for_items_that_have_features() -> None:
    catalogue = Catalogue(2)
    catalogue.upsert(item("with", features=unit([3, 4])))
    catalogue.upsert(item("without"))
    assert catalogue.features[catalogue.row_of("with")].tolist() == pytest.approx([0.6, 0.8, 1.0])
    assert catalogue.features[catalogue.row_of("without")].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("features", [unit([1, 2]), np.array([1, np.nan, 0], np.float32), np.array([np.inf, 0, 0], np.float32)])
def test_unusable_features_are_refused_and_change_nothing(features: NDArray[np.float32]) -> None:
    catalogue = Catalogue(3)
    with pytest.raises(ValueError, match="item 'a': features must be 3 finite numbers"):
        catalogue.upsert(item("a", features=features))
    assert (len(catalogue), catalogue.version) == (0, 0)


def test_two_ids_with_one_key_are_refused() -> None:
    catalogue = Catalogue(2)
    catalogue.upsert(item("a"))
    with pytest.raises(ValueError, match="item 'b' has the key of item 'a'"):
        catalogue.upsert(item("b", key=item("a").key))


def test_only_a_newer_version_replaces() -> None:
    catalogue = Catalogue(2)
    assert catalogue.upsert(item("a", updated_at_ms=5, price=1.0))
    assert not catalogue.upsert(item("a", updated_at_ms=4, price=2.0))
    assert not catalogue.upsert(item("a", updated_at_ms=5, price=3.0))
    assert catalogue.item(catalogue.row_of("a")).price == 1.0
    assert catalogue.upsert(item("a", updated_at_ms=6, price=4.0))
    assert catalogue.item(catalogue.row_of("a")).price == 4.0
    assert catalogue.version == 2


def test_a_removal_wins_over_versions_of_its_time_whichever_comes_first() -> None:
    first, second = Catalogue(2), Catalogue(2)
    first.upsert(item("a", updated_at_ms=5))
    assert first.remove("a", 5)
    assert not second.remove("a", 5)
    assert not second.upsert(item("a", updated_at_ms=5))
    assert len(first) == len(second) == 0
    assert second.upsert(item("a", updated_at_ms=6))


def test_a_removal_older_than_the_held_version_is_ignored() -> None:
    catalogue = Catalogue(2)
    catalogue.upsert(item("a", updated_at_ms=5))
    assert not catalogue.remove("a", 4)
    assert len(catalogue) == 1


def test_an_item_that_came_back_can_be_updated_by_versions_newer_than_the_one_it_came_back_with() -> None:
    catalogue = Catalogue(2)
    catalogue.remove("a", 5)
    assert catalogue.upsert(item("a", updated_at_ms=7))
    assert not catalogue.upsert(item("a", updated_at_ms=6))
    assert catalogue.remove("a", 8)
    assert not catalogue.upsert(item("a", updated_at_ms=8))


def test_the_latest_removals_are_remembered_and_no_more() -> None:
    catalogue = Catalogue(2, tombstones=3)
    for at in (50, 10, 40, 20, 30):
        catalogue.remove(f"gone{at}", at)
    taken = [at for at in (10, 20, 30, 40, 50) if catalogue.upsert(item(f"gone{at}", updated_at_ms=at))]
    assert taken == [10, 20]


def test_an_item_that_came_back_takes_no_room_among_the_removals() -> None:
    catalogue = Catalogue(2, tombstones=1)
    catalogue.remove("back", 5)
    catalogue.upsert(item("back", updated_at_ms=7))
    catalogue.remove("gone", 3)
    assert not catalogue.upsert(item("gone", updated_at_ms=3))


def test_what_is_remembered_of_removals_stays_bounded_when_items_come_and_go() -> None:
    catalogue = Catalogue(2, tombstones=10)
    for at in range(1, 500):
        catalogue.upsert(item(f"i{at % 7}", updated_at_ms=2 * at))
        catalogue.remove(f"i{at % 7}", 2 * at + 1)
    assert len(catalogue._tombstones._oldest) <= 21


def test_a_removed_item_is_gone_from_every_answer() -> None:
    catalogue = Catalogue(2)
    for name in ("a", "b"):
        catalogue.upsert(item(name, features=unit([1, 1]), categories=("home",)))
    row = catalogue.row_of("a")
    assert set(ids(catalogue, catalogue.near(unit([1, 1]), 9, AT))) == {"a", "b"}
    catalogue.remove("a", AT)
    assert catalogue.row_of("a") == catalogue.row_of_key(item("a").key) == -1
    assert not catalogue.eligible(np.array([row]), AT)[0]
    for rows in (catalogue.near(unit([1, 1]), 9, AT), catalogue.fresh(9, AT), catalogue.in_category("home", 9, AT)):
        assert ids(catalogue, rows) == ["b"]


def test_sold_out_and_out_of_window_items_are_not_eligible() -> None:
    catalogue = Catalogue(2)
    items = [
        item("plain"),
        item("last one", stock=1),
        item("sold out", stock=0),
        item("oversold", stock=-2),
        item("from now on", valid_from_ms=AT),
        item("soon", valid_from_ms=AT + 1),
        item("until now", valid_until_ms=AT),
        item("still", valid_until_ms=AT + 1),
    ]
    for each in items:
        catalogue.upsert(each)
    rows = np.array([catalogue.row_of(each.item_id) for each in items])
    eligible = [each.item_id for each, is_eligible in zip(items, catalogue.eligible(rows, AT), strict=True) if is_eligible]
    assert eligible == ["plain", "last one", "from now on", "still"]
    assert set(ids(catalogue, catalogue.fresh(9, AT))) == set(eligible)


def test_restocked_items_come_back_to_every_index() -> None:
    catalogue = Catalogue(2)
    for at, stock in enumerate((3, 0, 2)):
        catalogue.upsert(item("a", updated_at_ms=at, stock=stock, features=unit([1, 1]), categories=("home",)))
        found = [
            len(catalogue.near(unit([1, 1]), 9, AT)),
            len(catalogue.fresh(9, AT)),
            len(catalogue.in_category("home", 9, AT)),
        ]
        assert found == [int(stock > 0)] * 3


def test_a_new_window_or_publication_time_alone_reaches_every_index() -> None:
    catalogue = Catalogue(2)
    catalogue.upsert(item("rival", features=unit([1, 1]), categories=("home",), published_at_ms=50))
    for at, (changes, expected) in enumerate(
        [
            ({"published_at_ms": 10}, ["rival", "a"]),
            ({"published_at_ms": 60}, ["a", "rival"]),
            ({"valid_until_ms": AT}, ["rival"]),
            ({"valid_until_ms": AT + 1, "published_at_ms": 60}, ["a", "rival"]),
            ({"valid_from_ms": AT + 1}, ["rival"]),
        ]
    ):
        catalogue.upsert(item("a", updated_at_ms=at, features=unit([1, 1]), categories=("home",), **changes))
        for rows in (catalogue.near(unit([1, 1]), 9, AT), catalogue.fresh(9, AT), catalogue.in_category("home", 9, AT)):
            assert ids(catalogue, rows) == expected


def test_categories_follow_the_newest_version() -> None:
    catalogue = Catalogue(2)
    catalogue.upsert(item("a", updated_at_ms=1, categories=("home", "mugs", "home")))
    assert ids(catalogue, catalogue.in_category("mugs", 9, AT)) == ["a"]
    catalogue.upsert(item("a", updated_at_ms=2, categories=("home", "cups")))
    found = {name: ids(catalogue, catalogue.in_category(name, 9, AT)) for name in ("home", "mugs", "cups", "never")}
    assert found == {"home": ["a"], "mugs": [], "cups": ["a"], "never": []}


def test_newest_come_first_and_equal_times_go_by_key() -> None:
    catalogue = Catalogue(2)
    for name, hours in (("old", 3), ("new", 1), ("twin", 2), ("other twin", 2)):
        catalogue.upsert(item(name, published_at_ms=AT - hours * HOUR_MS, categories=("home",)))
    twins = sorted(("twin", "other twin"), key=lambda name: item(name).key)
    assert ids(catalogue, catalogue.fresh(9, AT)) == ["new", *twins, "old"]
    assert ids(catalogue, catalogue.in_category("home", 2, AT)) == ["new", twins[0]]


def test_alike_are_the_visible_items_of_the_same_neighbourhood_newest_first() -> None:
    catalogue = Catalogue(2)
    for number in range(400):
        angle = 0.001 * number if number % 2 else 3 + 0.001 * number
        stock = 0 if number % 5 == 0 else None
        catalogue.upsert(item(f"i{number}", features=unit([np.cos(angle), np.sin(angle)]), published_at_ms=AT - number, stock=stock))
    catalogue.upsert(item("plain", features=None))
    row = catalogue.row_of("i101")
    found = catalogue.alike([row], 400, AT)
    own = catalogue.features[row, :2]
    others = [other for other in range(len(catalogue)) if catalogue.item(other).features is not None]
    assert row in found.tolist()
    assert 1 < len(found) <= 160  # the visible ones of its own cluster at most
    assert (catalogue.features[found, :2] @ own).mean() > 0.9 > (catalogue.features[others, :2] @ own).mean()
    assert catalogue.eligible(found, AT).all()
    published = [catalogue.item(other).published_at_ms for other in found.tolist()]
    assert published == sorted(published, reverse=True)
    assert catalogue.alike([row], 2, AT).tolist() == found[:2].tolist()
    assert catalogue.alike([catalogue.row_of("plain")], 9, AT).tolist() == []


@pytest.mark.parametrize("dim", [1, 3, 16, 64, 129])
def test_a_score_has_the_same_bits_whatever_the_other_candidates_are(dim: int) -> None:
    catalogue = Catalogue(dim)
    for at, vector in enumerate(units(700, dim)):
        catalogue.upsert(item(str(at), features=vector))
    rows = np.array([catalogue.row_of(str(at)) for at in range(700)])
    profile = units(1, dim, seed=1)[0] * np.float32(3.7)
    alone = np.array([catalogue.score(rows[at : at + 1], profile)[0] for at in range(700)])
    rng = np.random.default_rng(3)
    for size in (2, 3, 7, 8, 31, 64, 200, 500, 700):
        chosen = rng.permutation(700)[:size]
        assert catalogue.score(rows[chosen], profile).tobytes() == alone[chosen].tobytes()
    exact = [float(np.dot(catalogue.features[row, :-1].astype(float), profile.astype(float))) for row in rows]
    np.testing.assert_allclose(alone, exact, atol=2e-6)


def test_growth_keeps_every_item_in_its_place() -> None:
    catalogue = Catalogue(4)
    vectors = units(3000, 4)
    catalogue.upsert(item("0", features=vectors[0]))
    catalogue.near(vectors[0], 1, AT)  # from here on the indexes are kept up to date one by one
    for at in range(1, 3000):
        catalogue.upsert(item(str(at), features=vectors[at], published_at_ms=at))
    assert len(catalogue) == 3000
    for at in range(3000):
        row = catalogue.row_of(str(at))
        assert catalogue.features[row, :-1].tobytes() == vectors[at].tobytes()
        assert catalogue.item(row).item_id == str(at)
    assert ids(catalogue, catalogue.fresh(3, AT)) == ["0", "2999", "2998"]


def test_rows_of_removed_items_are_used_again() -> None:
    catalogue = Catalogue(2)
    for at in range(5000):
        catalogue.upsert(item(str(at), features=unit([1, at])))
        catalogue.fresh(1, AT)
        catalogue.remove(str(at), AT)
    assert len(catalogue.keys) == 1024


def test_answers_cannot_be_changed_by_mistake() -> None:
    catalogue = Catalogue(2)
    catalogue.upsert(item("a", categories=("home",)))
    for rows in (catalogue.fresh(9, AT), catalogue.in_category("home", 9, AT), catalogue.in_category("never", 9, AT)):
        assert not rows.flags.writeable


@pytest.mark.parametrize("dim", [0, -1, 8193])
def test_an_impossible_dimension_is_refused(dim: int) -> None:
    with pytest.raises(ValueError, match="feature_dim is"):
        Catalogue(dim)
