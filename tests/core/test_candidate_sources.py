"""Trends, creators followed and urgent items as sources of candidates; whom a user follows."""

import pytest

from flink_job.core.candidates import CandidateFinder
from flink_job.core.catalogue import Catalogue
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.ids import key_of
from flink_job.core.knowledge import Knowledge
from flink_job.core.learning.facts import ItemFacts
from flink_job.core.state import new_user
from flink_job.core.tastes import Tastes
from tests.core.catalogue_items import item
from tests.core.person import MONDAY_0930, Person, pushed, shelf
from tests.core.policies import HOUR, MINUTE, plain_rules
from tests.learning.rules import learning_rules

AT = MONDAY_0930
ONLY = {f"candidates__{source}": 0 for source in ("interest", "neighbours", "category", "fresh", "unfinished", "followed", "urgent")}


def shopper(catalogue: Catalogue, **changes: object) -> Person:
    return Person(catalogue, plain_rules(**{**ONLY, "triggers": {"search": 0}, "candidates__listed": 9, **changes}))


def test_what_is_popular_in_the_segments_in_the_country_and_with_all_are_candidates() -> None:
    catalogue = shelf([item(name, updated_at_ms=AT) for name in ("mug", "cup", "pan", "lid")])
    popular = {"mug": {"segment/loyal": 9.0}, "cup": {"DE": 8.0}, "pan": {"segment/new": 7.0}, "lid": {}}
    knowledge = Knowledge(learning_rules(), catalogue)
    for number, (name, groups) in enumerate(popular.items()):
        knowledge.put(ItemFacts(name, AT, popularity=1.0 + number, by_group=tuple(groups.items()), outcomes_at_ms=AT))
    finder = CandidateFinder(plain_rules(**{**ONLY, "candidates__trending": 1}).candidates, catalogue, knowledge)
    state = new_user(2, AT)

    def names() -> list[str]:
        return [
            catalogue.item(row).item_id for _, found in finder.find(state, Tastes(state.interest[0, :-1]), 0, AT).by_source for row in found
        ]

    assert names() == ["lid"]  # the most popular of all
    state.country, state.segments = "DE", ("loyal",)
    assert names() == ["mug", "cup", "lid"]
    state.segments = ("new", "loyal", "third")
    assert names() == ["pan", "mug", "cup", "lid"]


def posts(creator: str, count: int, newest_ms: int = AT) -> list[CatalogueItem]:
    """The newest is number 0."""
    return [
        item(f"{creator} {number}", creator_id=creator, published_at_ms=newest_ms - number * MINUTE, updated_at_ms=AT)
        for number in range(count)
    ]


def found(ann: Person) -> list[str]:
    """What the decision had to choose from."""
    ann.does("search", at_ms=AT + HOUR)
    return sorted(candidate.item_id for candidate in ann.pushes[-1].record.candidates) if ann.pushes else []


def test_the_newest_of_each_creator_followed_are_candidates_and_nobody_elses() -> None:
    ann = shopper(shelf([*posts("potter", 5), *posts("smith", 5), *posts("baker", 5)]), candidates__followed=2)
    ann.does("follow", creator="potter", at_ms=AT)
    ann.does("subscribe", creator="smith", at_ms=AT)
    assert found(ann) == ["potter 0", "potter 1", "smith 0", "smith 1"]
    record = ann.pushes[0].record
    assert record.found_by_source == (("followed", 4),)
    assert {source for candidate in record.candidates for source in candidate.sources} == {"followed"}


@pytest.mark.parametrize("leaves", ["unfollow", "unsubscribe", "hide", "report"])
def test_who_is_left_is_no_source_any_more(leaves: str) -> None:
    ann = shopper(shelf(posts("potter", 2)), candidates__followed=2)
    ann.does("follow", creator="potter", at_ms=AT)
    ann.does(leaves, creator="potter", at_ms=AT + 1)
    assert ann.state.followed.tolist() == []
    assert found(ann) == []


def test_other_deeds_with_a_creator_s_item_follow_nobody() -> None:
    ann = shopper(shelf(posts("potter", 2)))
    for kind in ("view", "like", "share"):
        ann.does(kind, "potter 0", creator="potter", at_ms=AT)
    assert ann.state.followed.tolist() == []


def test_the_creators_followed_last_are_remembered_and_four_of_them_asked() -> None:
    names = [f"creator {number}" for number in range(6)]
    ann = shopper(shelf(post for name in names for post in posts(name, 1)), candidates__followed=1, memory__followed_creators=5)
    for name in [*names, names[1]]:  # whoever is followed again is the newest again
        ann.does("follow", creator=name, at_ms=AT)
    assert ann.state.followed.tolist() == [key_of(names[number]) for number in (2, 3, 4, 5, 1)]
    assert found(ann) == [f"creator {number} 0" for number in (1, 3, 4, 5)]


def test_a_creator_is_no_category_and_a_category_no_creator() -> None:
    catalogue = shelf([item("mug", categories=("potter",), updated_at_ms=AT), *posts("potter", 1)])
    ann = shopper(catalogue, candidates__followed=5)
    ann.does("follow", creator="potter", at_ms=AT)
    assert found(ann) == ["potter 0"]
    assert catalogue.in_category("urgent", 5, AT).tolist() == []


@pytest.mark.parametrize(
    ("changes", "is_urgent"),
    [
        ({"urgency": 4}, True),
        ({"urgency": 3}, True),
        ({"urgency": 2}, False),
        ({"boost": 0.1}, True),
        ({"boost": -0.1}, False),
        ({"urgency": 4, "stock": 0}, False),
        ({"urgency": 4, "valid_until_ms": AT + 1}, False),
    ],
)
def test_what_cannot_wait_or_has_the_editors_boost_is_a_candidate_of_everybody(changes: dict[str, object], is_urgent: bool) -> None:
    ann = shopper(shelf([item("news", **changes), item("olds")]), candidates__urgent=5, send__min_score=-1.0)
    assert found(ann) == (["news"] if is_urgent else [])


def test_an_item_that_is_urgent_no_more_is_no_candidate_for_it() -> None:
    catalogue = shelf([item("news", urgency=4)])
    assert catalogue.in_category("\0urgent", 5, AT).tolist() == [0]
    catalogue.upsert(item("news", urgency=1, updated_at_ms=AT + HOUR))
    assert found(shopper(catalogue, candidates__urgent=5)) == []


def test_the_editors_boost_is_part_of_the_score() -> None:
    ann = shopper(shelf([item("plain"), item("boosted", boost=0.25)]), candidates__fresh=5)
    assert pushed(ann.does("search", at_ms=AT)) == "boosted"
    assert ann.pushes[0].item.score == pytest.approx(0.25)


def test_a_new_user_and_a_new_item_have_an_answer() -> None:
    """Nothing is known of the user, nothing but its existence of the item."""
    assert pushed(Person(shelf([item("new")])).does("search", at_ms=AT)) == "new"
