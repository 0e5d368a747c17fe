"""The catalogue's promise: answers depend on the live items and the question, not on how the catalogue came to hold them."""

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from numpy.typing import NDArray

from flink_job.core.catalogue import Catalogue
from flink_job.core.catalogue_item import CatalogueItem
from tests.core.catalogue_items import ids, item, unit, units

CATEGORIES = ("home", "mugs", "news", "sport")
DIM = 5
DIRECTIONS = units(12, DIM)
TIMES = st.integers(0, 40)


@st.composite
def items(draw: st.DrawFn, names: int = 60) -> CatalogueItem:
    """Items that collide in every way: ids, times, features, windows."""
    direction = draw(st.sampled_from([None, *DIRECTIONS]))
    if direction is not None and draw(st.booleans()):
        direction = unit(direction + 0.3 * DIRECTIONS[draw(st.integers(0, 11))])
    return item(
        f"i{draw(st.integers(0, names - 1))}",
        updated_at_ms=draw(TIMES),
        features=direction,
        categories=tuple(draw(st.lists(st.sampled_from(CATEGORIES), max_size=3))),
        stock=draw(st.sampled_from([None, None, 0, 3])),
        valid_from_ms=draw(st.sampled_from([0, 0, 10, 20, 30])),
        valid_until_ms=draw(st.sampled_from([0, 0, 15, 25, 35])),
        published_at_ms=draw(st.integers(0, 8)),
    )


def answers(catalogue: Catalogue, question: NDArray[np.float32], limit: int, now_ms: int) -> list[list[str]]:
    """Everything one can ask, as ids."""
    rows = [catalogue.near(question, limit, now_ms), catalogue.fresh(limit, now_ms)]
    rows += [catalogue.in_category(category, limit, now_ms) for category in CATEGORIES]
    rows += [catalogue.alike([row], limit, now_ms) for row in map(catalogue.row_of, sorted(catalogue.ids())) if row >= 0]
    return [ids(catalogue, found) for found in rows]


def sendable(each: CatalogueItem, now_ms: int) -> bool:
    """What `eligible` must say."""
    in_stock = each.stock is None or each.stock > 0
    return in_stock and each.valid_from_ms <= now_ms and (not each.valid_until_ms or now_ms < each.valid_until_ms)


class ModelOfTheCatalogue(RuleBasedStateMachine):
    """A catalogue beside a dictionary, and a catalogue that is rebuilt from the dictionary, in another order, for every question."""

    @initialize(look_at=st.sampled_from([3, 10, 400]))
    def start(self, look_at: int) -> None:
        self.look_at = look_at
        self.catalogue = Catalogue(DIM, look_at=look_at)
        self.live: dict[str, CatalogueItem] = {}
        self.removed: dict[str, int] = {}
        self.changes = 0

    @rule(upserted=items())
    def upsert(self, upserted: CatalogueItem) -> None:
        held = self.live.get(upserted.item_id)
        known_ms = held.updated_at_ms if held else self.removed.get(upserted.item_id, -1)
        accepted = upserted.updated_at_ms > known_ms
        assert self.catalogue.upsert(upserted) == accepted
        if accepted:
            self.live[upserted.item_id] = upserted
            self.changes += 1

    @rule(many=st.lists(items(), min_size=5, max_size=40))
    def feed(self, many: list[CatalogueItem]) -> None:
        for each in many:
            self.upsert(each)

    @rule(number=st.integers(0, 59), updated_at_ms=TIMES)
    def remove(self, number: int, updated_at_ms: int) -> None:
        name = f"i{number}"
        held = self.live.get(name)
        accepted = held is not None and held.updated_at_ms <= updated_at_ms
        assert self.catalogue.remove(name, updated_at_ms) == accepted
        if accepted:
            del self.live[name]
            self.changes += 1
        if name not in self.live:
            self.removed[name] = max(self.removed.get(name, -1), updated_at_ms)

    @rule(
        direction=st.integers(0, 11),
        limit=st.sampled_from([1, 4, 100]),
        now_ms=TIMES,
        order=st.randoms(use_true_random=False),
    )
    def ask(self, direction: int, limit: int, now_ms: int, order: Random) -> None:
        again = Catalogue(DIM, look_at=self.look_at)
        shuffled = list(self.live.values())
        order.shuffle(shuffled)
        for at, each in enumerate(shuffled):
            if at == len(shuffled) // 3:
                again.near(DIRECTIONS[0], 1, 0)  # the rest goes into living indexes
            again.upsert(each)
        question = unit(DIRECTIONS[direction] + 0.1 * DIRECTIONS[0])
        given_answers = answers(self.catalogue, question, limit, now_ms)
        assert given_answers == answers(again, question, limit, now_ms)
        newest = sorted(self.live.values(), key=lambda each: (-each.published_at_ms, each.key))
        visible = [each for each in newest if sendable(each, now_ms)]
        assert given_answers[1] == [each.item_id for each in visible][:limit]
        for category, found in zip(CATEGORIES, given_answers[2 : 2 + len(CATEGORIES)], strict=True):
            assert found == [each.item_id for each in visible if category in each.categories][:limit]
        with_features = {each.item_id for each in visible if each.features is not None}
        assert set(given_answers[0]) <= with_features
        assert len(given_answers[0]) == len(set(given_answers[0])) == min(limit, len(with_features))

    @rule(now_ms=TIMES)
    def check_eligible(self, now_ms: int) -> None:
        rows = np.arange(len(self.catalogue.keys))
        eligible = set(ids(self.catalogue, rows[self.catalogue.eligible(rows, now_ms)]))
        assert eligible == {name for name, each in self.live.items() if sendable(each, now_ms)}

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert len(self.catalogue) == len(self.live)
        assert self.catalogue.version == self.changes
        for name, each in self.live.items():
            assert self.catalogue.item(self.catalogue.row_of(name)) is each


TestModelOfTheCatalogue = ModelOfTheCatalogue.TestCase
TestModelOfTheCatalogue.settings = settings(stateful_step_count=25)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_histories_that_end_with_the_same_items_answer_alike_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = units(2400, 16, seed)
    vectors[::5] = vectors[rng.integers(0, 20, 480)]  # many items with the same features
    final = [
        item(
            f"i{at}",
            updated_at_ms=9,
            features=vector,
            categories=(CATEGORIES[at % 4],),
            published_at_ms=at // 50,
            valid_until_ms=50 if at % 11 == 0 else 0,
        )
        for at, vector in enumerate(vectors[:1200])
    ]
    restored, lived = Catalogue(16, look_at=150), Catalogue(16, look_at=150)
    for at in rng.permutation(1200):
        restored.upsert(final[at])
    passing = [item(f"p{at}", features=vector, valid_until_ms=20) for at, vector in enumerate(vectors[1200:])]
    for at in rng.permutation(1200):
        lived.upsert(passing[at])
        if at % 3:
            lived.upsert(replace(final[at], updated_at_ms=1, features=vectors[(at * 7) % 2400], published_at_ms=3))
        if at % 40 == 0:
            lived.near(vectors[at], 9, int(rng.integers(0, 90)))
    for at in rng.permutation(1200):
        lived.upsert(final[at])
        lived.remove(f"p{at}", 1 << 60)
    assert len(lived) == len(restored) == 1200
    for at in range(40):
        question = unit(vectors[at] + vectors[at + 500])
        now_ms = (at % 3) * 40
        mine, other = answers(lived, question, 60, now_ms), answers(restored, question, 60, now_ms)
        assert mine == other
        scored = [
            catalogue.score(np.array([catalogue.row_of(name) for name in mine[0][: at + 1]]), question).tobytes()
            for catalogue in (lived, restored)
        ]
        assert scored[0] == scored[1]
