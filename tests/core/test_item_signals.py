"""What a user's life tells items: one digest per visit or eight items, outcomes of pushes, who waits for what."""

from collections.abc import Iterable

import pytest

from flink_job.core import history
from flink_job.core.ids import key_of
from flink_job.core.item_signals import ItemSignalMaker, ItemSignals
from flink_job.core.learning.signals import PushOutcome, PushStage, Visit, VisitHour, Watch, WatchReason
from flink_job.core.rules.learning import TellingRules
from flink_job.core.signals import Feedback, Interaction, InteractionType, Outcome, Trigger
from flink_job.core.state import CONVERTED, DISMISSED, OPENED
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, shelf
from tests.core.policies import DAY, HOUR, MINUTE, SECOND, plain_rules

AT = MONDAY_0930
RULES = TellingRules(enabled=True, visit_gap_ms=30 * MINUTE, visit_items=4, tell_after_ms=2 * MINUTE, most_rating=5.0)
COMMAND = "0123456789abcdef" * 2


class Heavy:
    """Everything has been rated 7.5 times."""

    def rating_sum(self, item_key: int) -> float:
        return 7.5


class Teller(Person):
    """A person whose item signals are kept, as the policy calls for them."""

    def __init__(self) -> None:
        shelf_items = [item(f"item {number}", features=unit((1, number)), categories=("home", "mugs")) for number in range(9)]
        super().__init__(shelf([*shelf_items, item("two\nlines", features=unit((1, 1)))]), plain_rules(send__min_score=9.0))
        self.state.country = "DE"
        self.maker = ItemSignalMaker(RULES, self.catalogue, Heavy())
        self.told: list[ItemSignals] = []

    def did(self, kind: str, item_id: str = "", at_ms: int = AT, creator_id: str = "", over_slot: int = -1) -> ItemSignals:
        event = Interaction(self._id(""), InteractionType[kind.upper()], at_ms, item_id, "", "", "", creator_id)
        told = self.maker.before_interaction(self.user_id, self.state, event, over_slot)
        self.takes(event, at_ms, at_ms)
        return told

    def heard(self, outcome: str, command_id: str = COMMAND, at_ms: int = AT + HOUR) -> list[tuple[int, int, int]]:
        feedback = Feedback(self._id(""), command_id, Outcome[outcome.upper()], at_ms)
        told = self.maker.before_feedback(self.state, feedback, lambda sent_at_ms: 9)
        self.takes(feedback, at_ms, at_ms)
        return [(body.stage, body.slot, body.sent_at_ms) for body in bodies(told) if isinstance(body, PushOutcome)]


def bodies(told: Iterable[object]) -> list[object]:
    return [getattr(signal, "body", None) for signal in told]


def visited(told: ItemSignals) -> list[tuple[str, bool]]:
    """(item, told before) of the one visit in `told`."""
    (visit,) = bodies(told)
    assert isinstance(visit, Visit)
    return [(item_id, at < visit.told) for at, item_id in enumerate(visit.item_ids)]


def test_a_short_visit_is_told_as_one_when_the_next_begins() -> None:
    ann = Teller()
    for number in range(3):
        assert ann.did("view", f"item {number}", AT + number * 10 * SECOND) == ()
    told = ann.did("view", "item 7", AT + DAY)
    assert visited(told) == [("item 0", False), ("item 1", False), ("item 2", False)]
    assert told[0].keys == ("item/item 0", "item/item 1", "item/item 2")
    assert told[0].groups == ("DE",)
    assert (told[0].at_ms, told[0].country) == (AT + 20 * SECOND, "DE")
    assert ann.did("view", "item 8", AT + DAY + SECOND) == ()


def test_a_visit_is_told_with_the_segments_of_the_user() -> None:
    ann = Teller()
    ann.state.segments = ("loyal",)
    ann.did("view", "item 0", AT)
    (told,) = ann.did("view", "item 7", AT + DAY)
    assert told.groups == ("DE", "segment/loyal")


def test_the_hour_of_a_visit_is_told_to_the_segment_when_the_next_begins_whatever_was_done() -> None:
    ann = Teller()
    ann.did("search")
    (told,) = ann.did("search", at_ms=AT + DAY, over_slot=9)
    assert (told.keys, told.at_ms, told.body) == (("segment/DE",), AT, VisitHour(9))
    ann.state.country = "D\nE"
    assert ann.did("search", at_ms=AT + 2 * DAY, over_slot=9) == ()


def test_a_long_visit_is_told_every_few_items_and_what_was_told_comes_along() -> None:
    ann = Teller()
    told = [ann.did("view", f"item {number}", AT + number * SECOND) for number in range(6)]
    assert [len(each) for each in told] == [0, 0, 0, 0, 1, 0]
    assert visited(told[4]) == [(f"item {number}", False) for number in range(4)]
    assert visited(ann.did("session_end", at_ms=AT + 7 * SECOND)) == [
        ("item 2", True),
        ("item 3", True),
        ("item 4", False),
        ("item 5", False),
    ]
    assert ann.did("session_end", at_ms=AT + 8 * SECOND) == ()


def test_a_slow_visit_is_told_after_two_minutes_with_something_new() -> None:
    ann = Teller()
    assert ann.did("view", "item 0", AT) == ()
    assert visited(ann.did("view", "item 1", AT + 2 * MINUTE)) == [("item 0", False)]
    assert visited(ann.did("search", at_ms=AT + 3 * MINUTE)) == [("item 0", True), ("item 1", False)]
    assert ann.did("search", at_ms=AT + 9 * MINUTE) == ()  # nothing is new


def test_a_record_per_event_is_what_it_is_not() -> None:
    ann = Teller()
    told = sum(len(ann.did("view", f"item {number % 9}", AT + number * 5 * SECOND)) for number in range(400))
    assert told <= 400 / RULES.visit_items


def test_ratings_are_capped_and_come_with_the_norm_and_dislikes_are_not_told() -> None:
    ann = Teller()
    for number in range(4):
        ann.did("cart" if number % 2 else "purchase", "item 1", AT + number)
    ann.did("dislike", "item 2", AT + 5)
    ann.did("view", "two\nlines", AT + 6)
    (visit,) = bodies(ann.did("session_end", at_ms=AT + 7))
    assert isinstance(visit, Visit)
    assert (visit.item_ids, visit.ratings, visit.rating_sums) == (["item 1"], [5.0], [7.5])


def test_the_same_life_tells_the_same_under_the_same_ids() -> None:
    def life() -> list[ItemSignals]:
        ann = Teller()
        return [ann.did("favourite", f"item {number}", AT + number * MINUTE) for number in range(9)]

    assert life() == life()


def watch_of(told: ItemSignals) -> tuple[str, str, tuple[int, ...]]:
    (watch,) = [body for body in bodies(told) if isinstance(body, Watch)]
    assert watch.user_id == "ann"
    return watch.item_id, watch.creator_id, watch.reasons


def test_watchers_tell_all_reasons_there_are_and_a_purchase_ends_them() -> None:
    ann = Teller()
    assert watch_of(ann.did("favourite", "item 1")) == ("item 1", "", (WatchReason.FAVOURITE,))
    assert watch_of(ann.did("cart", "item 1", AT + 1)) == ("item 1", "", (WatchReason.CART, WatchReason.FAVOURITE))
    assert watch_of(ann.did("subscribe", "item 1", AT + 2))[2] == (WatchReason.CART, WatchReason.FAVOURITE, WatchReason.SUBSCRIBED)
    assert watch_of(ann.did("remove_from_cart", "item 1", AT + 3))[2] == (WatchReason.FAVOURITE, WatchReason.SUBSCRIBED)
    assert watch_of(ann.did("purchase", "item 1", AT + 4)) == ("item 1", "", ())
    assert watch_of(ann.did("follow", creator_id="potter", at_ms=AT + 5)) == ("", "potter", (WatchReason.FOLLOWED,))
    assert watch_of(ann.did("unfollow", creator_id="potter", at_ms=AT + 6)) == ("", "potter", ())
    assert ann.did("follow", at_ms=AT + 7) == ()


def test_who_is_forgotten_waits_for_nothing_any_more() -> None:
    ann = Teller()
    ann.did("favourite", "item 1")
    ann.did("view", "item 2", AT + 1)
    assert watch_of(ann.maker.before_erasure("ann", ann.state, "erase-1", AT + 2)) == ("item 1", "", ())


def test_a_push_is_told_to_its_item_and_to_its_slot() -> None:
    ann = Teller()
    (signal,) = ann.maker.of_push(ann.state, COMMAND, "item 1", Trigger.BEHAVIOUR, AT, 9, 0.25)
    assert signal.signal_id == f"{COMMAND}/sent"
    assert signal.keys == ("item/item 1", "segment/DE")
    assert signal.body == PushOutcome("item 1", "mugs", PushStage.SENT, Trigger.BEHAVIOUR, AT, 9, 0.25)
    (unknown,) = ann.maker.of_push(ann.state, COMMAND, "item 1", Trigger.BEHAVIOUR, AT, -1, 0.25)
    assert unknown.keys == ("item/item 1",)


@pytest.fixture
def sent() -> Teller:
    ann = Teller()
    history.remember_push(ann.state, key_of("item 1"), COMMAND, AT, 64)
    return ann


def test_outcomes_are_told_once_as_of_the_sending(sent: Teller) -> None:
    assert sent.heard("delivered") == []
    assert sent.heard("opened") == [(PushStage.OPENED, 9, AT)]
    assert sent.heard("action_clicked") == []
    assert sent.state.sent_status[0] == OPENED
    assert sent.heard("converted") == [(PushStage.CONVERTED, 9, AT)]
    assert sent.heard("opened") == []
    assert sent.state.sent_status[0] == CONVERTED


def test_who_converts_has_opened_and_who_unsubscribes_has_opted_out(sent: Teller) -> None:
    assert [stage for stage, _, _ in sent.heard("converted")] == [PushStage.OPENED, PushStage.CONVERTED]
    assert [stage for stage, _, _ in sent.heard("unsubscribed")] == [PushStage.OPTED_OUT]


def test_a_dismissal_is_told_and_a_push_that_is_not_known_is_not(sent: Teller) -> None:
    assert [stage for stage, _, _ in sent.heard("dismissed")] == [PushStage.DISMISSED]
    assert sent.state.sent_status[0] == DISMISSED
    assert sent.heard("opened", "f" * 32) == []
