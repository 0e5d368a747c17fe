"""What holds after any history of a user."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.codec.state import StateCodec
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.effects import Push
from flink_job.core.interest import Interest
from flink_job.core.rules import Rules
from flink_job.core.signals import Signal
from tests.core.catalogue_items import item, units
from tests.core.lives import ITEMS, Wakes, histories, live
from tests.core.person import MONDAY_0930, Person, shelf
from tests.core.policies import DAY, HOUR, MINUTE, caps, changed, default_rules, plain_rules

DIM = 4
CATEGORIES = [("home", "mugs"), ("home", "lamps"), ()]
History = list[Signal | Wakes]

CATALOGUE = [
    item(
        name,
        features=None if number == 7 else direction,
        categories=CATEGORIES[number % 3],
        published_at_ms=MONDAY_0930 - (number // 2) * HOUR,
        stock=0 if number == 5 else None,
        valid_until_ms=MONDAY_0930 + DAY if number == 3 else 0,
    )
    for number, (name, direction) in enumerate(zip(ITEMS, units(len(ITEMS), DIM), strict=True))
]


def eager_rules() -> Rules:
    """The policy as it is shipped, but quick to send, so that a short history meets every rule."""
    return changed(
        default_rules(),
        {
            "gates.holdout_share": 0.0,
            "gates.min_gap_ms": 10 * MINUTE,
            "gates.caps": caps((3, DAY)),
            "items.repeat_after_ms": 3 * DAY,
            "send.min_score": -1.0,
            "triggers": {"view": 0, "search": 0, "cart": 20 * MINUTE},
            "log.suppressed_share": 1.0,
        },
    )


def ann(catalogue: list[CatalogueItem] = CATALOGUE) -> Person:
    return Person(shelf(catalogue, DIM), eager_rules())


@given(histories)
def test_the_same_history_gives_the_same_effects_and_the_same_bytes(history: History) -> None:
    first, second = ann(), ann()
    assert live(first, history) == live(second, history)
    assert StateCodec.encode(first.state) == StateCodec.encode(second.state)


@given(histories, st.randoms(use_true_random=False))
def test_the_order_in_which_the_catalogue_came_never_changes_a_decision(history: History, rng: Random) -> None:
    shuffled = list(CATALOGUE)
    rng.shuffle(shuffled)
    restored = ann([item("withdrawn", updated_at_ms=1), *shuffled])
    restored.catalogue.remove("withdrawn", 2)
    as_it_came = ann()
    live(as_it_came, history)
    live(restored, history)
    assert [(push.command_id, push.item) for push in as_it_came.pushes] == [(push.command_id, push.item) for push in restored.pushes]


@given(histories, st.integers(0, 39))
def test_a_user_whose_state_was_written_and_read_again_lives_on_as_before(history: History, crash_after: int) -> None:
    steady, crashed = ann(), ann()
    before, after = history[:crash_after], history[crash_after:]
    effects = live(steady, before)
    assert live(crashed, before) == effects
    crashed.state = StateCodec(DIM).decode(StateCodec.encode(crashed.state))
    assert live(crashed, after) == live(steady, after)


@given(histories, st.sets(st.sampled_from(ITEMS), min_size=1, max_size=6))
def test_a_withdrawn_item_is_never_chosen(history: History, withdrawn: set[str]) -> None:
    person = ann()
    half = len(history) // 2
    live(person, history[:half])
    for name in withdrawn:
        person.catalogue.remove(name, MONDAY_0930 + 1)
    person.pushes.clear()
    live(person, history[half:])
    for name in withdrawn:
        person.is_nudged(name, MONDAY_0930 + 99 * DAY, boost=100.0, event_id=f"nudge about {name}")
    assert not withdrawn & {push.item.item_id for push in person.pushes}


@given(histories)
def test_what_is_sent_is_in_stock_valid_worth_it_and_one_of_the_list(history: History) -> None:
    person = ann()
    for effects in live(person, history):
        for push in (effect for effect in effects if isinstance(effect, Push)):
            sent = person.catalogue.item(person.catalogue.row_of(push.item.item_id))
            assert sent.stock is None
            assert not sent.valid_until_ms or push.decided_at_ms < sent.valid_until_ms
            record = push.record
            worth = [candidate.utility for candidate in record.candidates]
            assert worth == sorted(worth, reverse=True)
            assert push.item in record.candidates
            assert push.item.utility >= 0.0
            assert sum(record.propensities) == pytest.approx(1.0)
            assert push.propensity == record.propensities[record.candidates.index(push.item)] > 0.0
            assert push.expires_at_ms > push.decided_at_ms


@given(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=12, unique=True), st.randoms(use_true_random=False))
def test_the_decision_is_that_of_a_scan_of_the_whole_catalogue(viewed: list[str], rng: Random) -> None:
    """A catalogue small enough that the candidate sources find all of it: the indexes leave the true best in."""
    rules = plain_rules(affinity__alpha=0.0, send__min_score=-1.0)
    person = Person(shelf(CATALOGUE, DIM), rules)
    for name in viewed:
        person.does("dwell", name, MONDAY_0930 + rng.randrange(HOUR))
    person.does("search", at_ms=MONDAY_0930 + HOUR)
    profile = Interest(rules.interest).profile(person.state)
    best = max(0.0 if each.features is None else float(each.features @ profile) for each in CATALOGUE if each.stock is None)
    assert person.pushes[0].item.score == pytest.approx(best, abs=1e-6)
