"""Learning as a whole: what is released when, who is nudged for what, and that repetition does no harm."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flink_job.codec.item_state import decode_item_state, encode_item_state, most_item_bytes
from flink_job.core.learning.changes import ItemVersion
from flink_job.core.learning.effects import LearningEffects, NudgeUser, Release, ReleaseAt, Tell
from flink_job.core.learning.facts import ItemFacts, SegmentFacts
from flink_job.core.learning.learner import Learner
from flink_job.core.learning.signals import (
    ItemSignal,
    Posted,
    PushOutcome,
    PushStage,
    Visit,
    VisitHour,
    Watch,
    WatchReason,
    creator_key,
    item_key,
    segment_key,
)
from flink_job.core.learning.state import ItemState
from flink_job.core.signals import Trigger
from tests.core.person import MONDAY_0930
from tests.learning.rules import DAY, HOUR, MINUTE, learning_rules

AT = MONDAY_0930
RULES = learning_rules(release__every_ms=MINUTE, release__news_share=0.1)
MUG = item_key("mug")
FAVOURITE = (int(WatchReason.FAVOURITE),)


def visit(name: str, at_ms: int = AT, rating: float = 1.0, *others: str) -> ItemSignal:
    count = 1 + len(others)
    return ItemSignal(name, (MUG,), at_ms, "DE", Visit(["mug", *others], [rating] * count, [at_ms] * count, [0.0] * count))


def watch(user_id: str, at_ms: int = AT, reasons: tuple[int, ...] = FAVOURITE) -> ItemSignal:
    return ItemSignal(f"{user_id}/{at_ms}", (MUG,), at_ms, "", Watch(user_id, "mug", "", reasons))


def version(at_ms: int, price: float = 10.0, **changes: Any) -> ItemVersion:
    return replace(ItemVersion("mug", at_ms, price, None, "", "mugs", AT - 30 * DAY, 0, 0), **changes)


class Item:
    """One key, whose life a test tells."""

    def __init__(self, key: str = MUG, rules: Any = RULES) -> None:
        self.key, self.learner, self.state = key, Learner(rules), ItemState()

    def hears(self, signal: ItemSignal, now_ms: int | None = None) -> LearningEffects | None:
        return self.learner.on_signal(self.key, self.state, signal, signal.at_ms if now_ms is None else now_ms)

    def becomes(self, new: ItemVersion, now_ms: int | None = None) -> LearningEffects:
        return self.learner.on_version(self.key, self.state, new, new.updated_at_ms if now_ms is None else now_ms)


def nudges(effects: LearningEffects | None) -> list[tuple[str, Trigger]]:
    return [(effect.user_id, effect.trigger) for effect in effects or () if isinstance(effect, NudgeUser)]


def test_what_is_known_is_released_at_once_then_after_the_interval_and_only_if_there_is_news() -> None:
    mug = Item()
    (first,) = mug.hears(visit("a")) or ()
    assert isinstance(first, Release)
    assert (first.key, first.facts.made_at_ms) == (MUG, AT)
    assert mug.hears(visit("b", AT + 1_000)) == (ReleaseAt(AT + MINUTE),)
    assert mug.hears(visit("c", AT + 2_000)) == ()  # one timer is enough
    (second,) = mug.learner.on_release(MUG, mug.state, AT + MINUTE, AT + MINUTE + 7)
    assert isinstance(second, Release)
    assert isinstance(second.facts, ItemFacts)
    assert second.facts.popularity == pytest.approx(3.0, rel=1e-3)
    assert mug.learner.on_release(MUG, mug.state, AT + MINUTE, AT + HOUR) == ()  # a timer of a former life
    mug.state.popularity = 100.0
    assert mug.hears(visit("d", AT + 3 * MINUTE)) == ()  # 1 of 100 is less than a tenth


def test_a_signal_counts_once_however_often_it_comes() -> None:
    mug = Item()
    mug.hears(visit("a"))
    assert mug.hears(visit("a"), AT + HOUR) is None
    assert mug.state.popularity == 1.0


def test_a_watcher_hears_of_a_price_drop_and_small_steps_add_up() -> None:
    mug = Item()
    mug.hears(watch("ann"))
    assert mug.becomes(version(AT, 100.0)) == ()  # the first that is seen is what there was
    assert mug.becomes(version(AT + 1, 97.0)) == ()
    (nudge,) = mug.becomes(version(AT + 2, 94.0))
    assert isinstance(nudge, NudgeUser)
    assert (nudge.user_id, nudge.trigger, nudge.item_id, nudge.at_ms) == ("ann", Trigger.PRICE_DROP, "mug", AT + 2)
    assert (nudge.price_before, nudge.price_after) == (100.0, 94.0)
    assert nudge.expires_at_ms == AT + 2 + RULES.watchers.price_drop.lives_for_ms
    assert mug.becomes(version(AT + 3, 93.0)) == ()  # from 94 on, that is 1 %
    assert mug.becomes(version(AT + 4, 120.0)) == ()
    assert nudges(mug.becomes(version(AT + 5, 110.0))) == [("ann", Trigger.PRICE_DROP)]  # 110 of 120


def test_an_older_version_says_nothing_and_a_price_change_of_last_week_is_no_news() -> None:
    mug = Item()
    mug.hears(watch("ann"))
    mug.becomes(version(AT, 100.0))
    assert mug.becomes(version(AT - 1, 10.0)) == ()
    assert mug.becomes(version(AT + 1, 50.0), AT + 8 * DAY) == ()


def test_what_is_back_in_stock_is_told_to_those_who_wait_and_not_to_those_who_do_not_any_more() -> None:
    mug = Item()
    mug.becomes(version(AT, stock=0))
    for user_id in ("ann", "bob", "cleo"):
        mug.hears(watch(user_id))
    mug.hears(watch("bob", AT + 1, ()))
    mug.hears(watch("cleo", AT - 5, ()))  # an old word, come late
    assert nudges(mug.becomes(version(AT + 2, stock=4))) == [("ann", Trigger.BACK_IN_STOCK), ("cleo", Trigger.BACK_IN_STOCK)]
    assert mug.becomes(version(AT + 3, stock=3)) == ()


def test_a_price_drop_of_what_is_sold_out_is_told_as_back_in_stock_when_it_is() -> None:
    mug = Item()
    mug.hears(watch("ann"))
    mug.becomes(version(AT, 100.0, stock=0))
    assert mug.becomes(version(AT + 1, 50.0, stock=0)) == ()
    assert nudges(mug.becomes(version(AT + 2, 50.0, stock=1))) == [("ann", Trigger.BACK_IN_STOCK)]


def test_watchers_are_bounded_and_those_heard_of_longest_ago_go() -> None:
    mug = Item(rules=learning_rules(watchers__kept=2))
    for at, user_id in enumerate(("ann", "bob", "ann", "cleo")):
        mug.hears(watch(user_id, AT + at))
    assert mug.state.watchers == ["ann", "cleo"]
    mug.hears(watch("dan", AT + mug.learner._rules.watchers.kept_for_ms + 3))
    assert mug.state.watchers == ["cleo", "dan"]  # ann's word of AT + 2 is too old by then


def test_the_followers_of_a_creator_hear_of_what_is_published_once() -> None:
    post, potter = Item(item_key("post")), Item(creator_key("potter"))
    potter.hears(ItemSignal("f", (potter.key,), AT, "", Watch("ann", "", "potter", (int(WatchReason.FOLLOWED),))))
    fresh = version(AT + 5, item_id="post", creator_id="potter", published_at_ms=AT)
    (tell,) = post.becomes(fresh)
    assert isinstance(tell, Tell)
    assert tell.signal.keys == (potter.key,)
    assert tell.signal.body == Posted("post", "potter", AT)
    (nudge,) = potter.hears(tell.signal, AT + 50) or ()
    assert isinstance(nudge, NudgeUser)
    assert (nudge.user_id, nudge.trigger, nudge.item_id) == ("ann", Trigger.CREATOR_POSTED, "post")
    assert post.becomes(replace(fresh, updated_at_ms=AT + 6)) == ()  # a correction is not published anew
    assert potter.hears(tell.signal, AT + 60) is None


def test_a_catalogue_of_old_items_announces_nothing() -> None:
    post = Item(item_key("post"))
    assert post.becomes(version(AT, item_id="post", creator_id="potter", published_at_ms=AT - 2 * HOUR)) == ()
    assert post.state.posted


def test_nudge_ids_are_the_same_when_the_change_is_read_again() -> None:
    def told() -> LearningEffects:
        mug = Item()
        mug.hears(watch("ann"))
        mug.becomes(version(AT, 100.0))
        return mug.becomes(version(AT + 1, 50.0))

    assert told() == told()


def test_outcomes_of_pushes_teach_the_item_and_its_segment() -> None:
    mug, germany = Item(), Item(segment_key("DE"))
    for stage in (PushStage.SENT, PushStage.OPENED):
        body = PushOutcome("mug", "mugs", stage, Trigger.BEHAVIOUR, AT, slot=9)
        signal = ItemSignal(f"c/{stage.name}", (mug.key, germany.key), AT, "DE", body)
        mug.hears(signal)
        germany.hears(signal)
    facts = mug.learner.facts(mug.key, mug.state, AT)
    assert isinstance(facts, ItemFacts)
    assert (facts.outcomes, facts.category) == ((1.0, 1.0, 0.0, 0.0, 0.0), "mugs")
    segment = germany.learner.facts(germany.key, germany.state, AT)
    assert isinstance(segment, SegmentFacts)
    assert segment.segment == "DE"
    assert segment.slots[9].tolist() == [1.0, 1.0, 0.0, 0.0]


def test_visits_teach_the_segment_its_hours_and_are_released_as_often_as_there_is_news() -> None:
    germany = Item(segment_key("DE"))

    def hears(number: int) -> LearningEffects | None:
        return germany.hears(ItemSignal(f"v{number}", (germany.key,), AT - HOUR, "DE", VisitHour(8)), AT + number * MINUTE)

    (first,) = hears(0) or ()
    assert isinstance(first, Release)
    assert isinstance(first.facts, SegmentFacts)
    assert first.facts.slots[8].tolist() == [0.0, 0.0, 0.0, 1.0]
    told = [number for number in range(1, 100) if hears(number)]
    assert told[:8] == list(range(1, 9))  # while one is more than a tenth of them
    assert len(told) < 8 + 25  # then every time that there are a tenth more
    assert germany.state.slots is not None
    assert germany.state.slots[8].tolist() == [0.0, 0.0, 0.0, 100.0]
    mug = Item()
    assert mug.hears(ItemSignal("v", (MUG,), AT, "DE", VisitHour(8))) == ()  # an item has no hours


def test_what_is_deleted_is_forgotten_by_the_deciders_and_starts_anew_when_it_comes_back() -> None:
    mug = Item()
    mug.becomes(version(AT, 100.0))
    mug.hears(visit("a"))
    (gone,) = mug.learner.on_deletion(MUG, mug.state, "mug", AT + 1, AT + 1)
    assert isinstance(gone, Release)
    assert isinstance(gone.facts, ItemFacts)
    assert gone.facts.gone
    assert gone.facts.made_at_ms > AT
    assert mug.becomes(version(AT + 2, 10.0)) == ()


names = st.sampled_from(["a", "b", "c", "d", "e" * 120])
signals = st.lists(
    st.one_of(
        st.builds(
            lambda name, others, after: visit(name, AT + after, 1.0, *others), names, st.lists(names, max_size=7), st.integers(0, DAY)
        ),
        st.builds(lambda user, after: watch("user " + user, AT + after), names, st.integers(0, DAY)),
        st.builds(
            lambda n, stage, slot: ItemSignal(f"p{n}/{stage}", (MUG,), AT, "DE", PushOutcome("mug", "x" * 128, stage, 1, AT, slot)),
            st.integers(0, 30),
            st.sampled_from(list(PushStage)),
            st.integers(-1, 167),
        ),
        st.builds(lambda n, slot: ItemSignal(f"v{n}", (MUG,), AT, "DE", VisitHour(slot)), st.integers(0, 30), st.integers(0, 167)),
    ),
    max_size=60,
)


@settings(max_examples=50)
@given(signals, st.sampled_from([MUG, segment_key("DE")]))
def test_a_state_survives_its_bytes_and_stays_under_its_bound(listed: list[ItemSignal], key: str) -> None:
    rules = learning_rules(
        covisits__kept=4, covisits__released=4, watchers__kept=3, seen_signals=8, popularity__countries=2, popularity__segments=2
    )
    kept, restored = Item(key, rules), Item(key, rules)
    for signal in listed:
        effects = kept.hears(signal)
        assert repr(restored.hears(signal)) == repr(effects)
        blob = encode_item_state(restored.state)
        assert len(blob) <= most_item_bytes(rules, 128)
        restored.state = decode_item_state(blob)
