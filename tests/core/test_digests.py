"""Several items in one push: picked one after the other, each remembered, and one push for whatever counts pushes."""

from typing import Any

import pytest

from flink_job.codec.decisions import encode_sent
from flink_job.core.effects import Push
from flink_job.core.reasons import Reason
from flink_job.core.rules.checks import RuleError
from flink_job.core.state import FAILED, OPENED
from kairos.v1 import decision_pb2
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, reasons, shelf
from tests.core.policies import DAY, HOUR, MINUTE, cap_per, caps, plain_rules

AT = MONDAY_0930
SHELF = {
    "red mug": {"features": unit([10, 0]), "categories": ("home", "mugs"), "creator_id": "potter"},
    "blue mug": {"features": unit([10, 1]), "categories": ("home", "mugs"), "creator_id": "smith"},
    "lamp": {"features": unit([6, 8]), "categories": ("home", "lamps"), "creator_id": "potter"},
    "ball": {"features": unit([5, 9]), "categories": ("sport", "balls"), "creator_id": "club"},
}


def shopper(**changes: Any) -> Person:
    """Somebody who looks at mugs; three items in a push, for what the user does."""
    rules = {
        "diversity__digest_items": 3,
        "diversity__digest_occasions": ("behaviour",),
        "diversity__digest_relevance": 0.4,
        "affinity__alpha": 0.0,
        "items__repeat_after_ms": 0,
        **changes,
    }
    ann = Person(shelf(item(name, **facts) for name, facts in SHELF.items()), plain_rules(triggers={"search": 0}, **rules))
    ann.does("view", "red mug", AT - HOUR)
    return ann


def named(push: Push) -> list[str]:
    return [push.item.item_id, *(also.item_id for also in push.also)]


def looks_around(ann: Person, at_ms: int = AT) -> list[str]:
    count = len(ann.pushes)
    ann.does("search", at_ms=at_ms)
    return named(ann.pushes[-1]) if len(ann.pushes) > count else []


def test_by_default_a_push_names_one_item() -> None:
    assert looks_around(shopper(diversity__digest_items=1)) == ["red mug"]
    assert looks_around(shopper(diversity__digest_occasions=("best_time",))) == ["red mug"]


def test_what_is_picked_is_worth_it_and_unlike_what_is_in_it_already() -> None:
    """Scores are cosines with the red mug, (1, 0): 1, 0.995, 0.6, 0.486 in the order of the shelf.

    With the mug in it: 0.4·u − 0.6·u is −0.199, −0.12 and −0.097: the ball. The lamp has a cosine of 0.99 with that: 0.24 − 0.6·0.99 is below −0.199.
    """
    assert looks_around(shopper()) == ["red mug", "ball", "blue mug"]
    assert looks_around(shopper(diversity__digest_relevance=1.0)) == ["red mug", "blue mug", "lamp"]


def test_what_would_not_be_sent_by_itself_is_in_no_digest() -> None:
    assert looks_around(shopper(send__min_score=0.55)) == ["red mug", "lamp", "blue mug"]  # the ball has 0.486


def test_a_push_about_a_certain_item_names_that_alone() -> None:
    ann = shopper(diversity__digest_occasions=("behaviour", "price_drop"))
    ann.is_nudged("blue mug", AT, boost=9.0)
    assert named(ann.pushes[-1]) == ["blue mug"]


def test_each_item_is_remembered_and_not_sent_again() -> None:
    ann = shopper(items__repeat_after_ms=7 * DAY, gates__caps=caps((3, DAY)), memory__sent_pushes=64)
    assert looks_around(ann) == ["red mug", "ball", "blue mug"]
    assert looks_around(ann, AT + HOUR) == ["lamp"]
    assert len(ann.state.sent_item) == 4


def test_a_digest_is_one_push_under_the_caps_that_count_pushes() -> None:
    for per in ("all", "trigger"):
        ann = shopper(gates__caps=cap_per(per, 2, DAY))
        assert len(looks_around(ann)) == len(looks_around(ann, AT + HOUR)) == 3
        assert reasons(ann.does("search", at_ms=AT + 2 * HOUR)) == [Reason.CAP]
        assert looks_around(ann, AT + DAY)


def test_each_of_its_items_takes_a_place_under_the_caps_of_its_category_and_its_creator() -> None:
    ann = shopper(gates__caps=cap_per("category", 1, DAY), diversity__digest_relevance=1.0)
    assert looks_around(ann) == ["red mug", "lamp", "ball"]
    assert reasons(ann.does("search", at_ms=AT + HOUR)) == [Reason.NO_CANDIDATE]
    ann = shopper(gates__caps=cap_per("creator", 1, DAY), diversity__digest_relevance=1.0)
    assert looks_around(ann) == ["red mug", "blue mug", "ball"]


def test_what_becomes_of_it_becomes_of_all_its_items_and_a_failed_one_gives_its_places_back() -> None:
    ann = shopper(gates__caps=cap_per("category", 1, DAY))
    first = looks_around(ann)
    ann.reports("failed", ann.pushes[0].command_id, AT + MINUTE)
    assert list(ann.state.sent_status) == [FAILED] * 3
    assert looks_around(ann, AT + HOUR) == first
    ann.reports("opened", ann.pushes[1].command_id, AT + 2 * HOUR)
    assert list(ann.state.sent_status) == [FAILED] * 3 + [OPENED] * 3


def test_it_tires_as_one_push_does() -> None:
    one, several = shopper(diversity__digest_items=1), shopper()
    looks_around(one)
    looks_around(several)
    assert one.state.fatigue == several.state.fatigue > 0.0


def test_it_is_over_when_the_first_of_its_items_is() -> None:
    ann = shopper()
    ann.catalogue.upsert(item("ball", **SHELF["ball"], valid_until_ms=AT + MINUTE, updated_at_ms=AT))
    assert "ball" in looks_around(ann)
    assert ann.pushes[-1].expires_at_ms == AT + MINUTE


def test_the_log_names_all_its_items() -> None:
    ann = shopper()
    names = looks_around(ann)
    decision = decision_pb2.Decision.FromString(encode_sent("ann", ann.pushes[-1], 0, ("default", "1"), "test"))
    assert list(decision.item_ids) == names


def test_a_memory_that_could_not_hold_what_digests_take_is_refused() -> None:
    with pytest.raises(RuleError, match=r"20 pushes cannot be counted when memory\.sent_pushes is 50 and diversity\.digest_items 3"):
        shopper(gates__caps=caps((20, DAY)), memory__sent_pushes=50)
    with pytest.raises(RuleError, match=r"diversity\.digest_items: 99 cannot be picked from a list of 5"):
        shopper(diversity__digest_items=99)
