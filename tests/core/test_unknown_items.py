"""Items the catalogue does not know yet: what was done with them joins the interest as soon as it does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.interest import Interest
from flink_job.core.reasons import Reason
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf
from tests.core.policies import DAY, HOUR, MINUTE, plain_rules

AT = MONDAY_0930
MUG, LAMP = item("mug", features=unit([3, 4])), item("lamp", features=unit([1, 0]))


def profile(ann: Person) -> list[float]:
    return [float(value) for value in Interest(plain_rules().interest).profile(ann.state)]


def test_what_was_done_with_an_item_before_it_was_known_counts_as_if_it_had_been_known() -> None:
    late, early = Person(shelf([])), Person(shelf([MUG]))
    for ann in (late, early):
        ann.does("cart", "mug", AT)
    assert profile(late) == [0, 0]
    late.catalogue.upsert(MUG)
    for ann in (late, early):
        ann.does("view", "something else", AT + HOUR)
    assert profile(late) == pytest.approx(profile(early))
    assert profile(late) == pytest.approx([0.6, 0.8])


@given(
    st.lists(
        st.tuples(st.sampled_from(["mug", "lamp"]), st.sampled_from(["view", "cart", "dislike"]), st.integers(0, 2 * DAY)), max_size=12
    ),
    st.integers(0, 12),
    st.integers(0, 12),
)
def test_it_does_not_matter_when_items_become_known(events: list[tuple[str, str, int]], mug_after: int, lamp_after: int) -> None:
    from_the_start, later = Person(shelf([MUG, LAMP])), Person(shelf([]))
    for number, (name, kind, at_ms) in enumerate(events):
        if number == mug_after:
            later.catalogue.upsert(MUG)
        if number == lamp_after:
            later.catalogue.upsert(LAMP)
        for ann in (from_the_start, later):
            ann.does(kind, name, AT + at_ms, wall_ms=AT + 9 * DAY)
    later.catalogue.upsert(MUG)
    later.catalogue.upsert(LAMP)
    for ann in (from_the_start, later):
        ann.does("view", "nothing known", AT + 2 * DAY, wall_ms=AT + 9 * DAY)
    assert profile(later) == pytest.approx(profile(from_the_start), abs=1e-4)
    assert later.state.recent_item == from_the_start.state.recent_item


def test_a_decision_folds_in_what_has_become_known_since_the_last_event() -> None:
    ann = Person(shelf([]), plain_rules(triggers={"cart": 30 * MINUTE}))
    ann.does("cart", "mug", AT)
    ann.catalogue.upsert(MUG)
    assert pushed(ann.wakes(AT + 30 * MINUTE)) == "mug"
    assert ann.pushes[0].item.interest == pytest.approx(1.0)
    assert not ann.state.unfolded_item


def test_the_latest_unknown_items_are_kept_and_no_more() -> None:
    ann = Person(shelf([]), plain_rules(memory__unfolded_items=3))
    for number in range(9):
        ann.does("view", f"item {number}", AT + number)
    assert ann.state.unfolded_item.tolist() == [item(f"item {number}").key for number in (6, 7, 8)]
    assert len(ann.state.unfolded_at_ms) == len(ann.state.unfolded_weight) == 3


def test_what_says_nothing_about_interest_is_not_kept_for_later() -> None:
    ann = Person(shelf([]), plain_rules(interest__weights={"cart": 4.0}))
    ann.does("view", "mug", AT)
    assert not ann.state.unfolded_item


@pytest.mark.parametrize("kind", ["purchase", "dislike"])
def test_what_was_bought_or_disliked_before_it_was_known_is_not_sent_when_it_is(kind: str) -> None:
    ann = Person(shelf([]), plain_rules(send__min_score=-9.0))
    ann.does(kind, "mug", AT)
    ann.catalogue.upsert(MUG)
    assert reasons(ann.does("search", at_ms=AT + HOUR)) == [Reason.NO_CANDIDATE]
