"""Whatever bytes arrive, a decoder gives a value the core can use or raises DecodeError, and nothing else."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flink_job.codec.dead_letters import encode_dead_letter
from flink_job.codec.errors import DecodeError
from flink_job.codec.items import ItemDecoder
from flink_job.core.catalogue import Catalogue
from flink_job.core.signals import Feedback, Interaction, InteractionType, Nudge, Outcome, Trigger
from kairos.v1 import dead_letter_pb2, item_pb2
from tests.codec.messages import BODIES, ORIGIN, WALL, decoder, item_record, signal
from tests.core.catalogue_items import item
from tests.core.person import Person, shelf

GOOD_SIGNALS = [signal(body) for body in BODIES] + [
    signal("interaction", context={"time_zone": "Europe/Berlin", "country": "DE", "locale": "de"}, query="mug", quantity=2.0),
    signal("nudge", expires_at_ms=WALL + 1, boost=0.5, price_before=2.0),
    signal("user_update", push_consent=True, time_zone="Asia/Tokyo", birth_year=1990),
]
GOOD_ITEMS = [
    item_record(),
    item_record(categories=["home", "mugs"], price=12.5, stock=3, valid_until_ms=WALL + 1, texts={"de": item_pb2.ItemText(title="Becher")}),
    item_record(deleted=True),
]


def damaged(good: list[bytes]) -> st.SearchStrategy[bytes]:
    """Good records with bytes changed, taken out and put in: most still parse, into something odd."""

    def damage(record: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
        for at, length, inserted in cuts:
            place = at % (len(record) + 1)
            record = record[:place] + inserted + record[place + length :]
        return record

    cut = st.tuples(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=3))
    return st.builds(damage, st.sampled_from(good), st.lists(cut, min_size=1, max_size=3))


def odd_fields(body: str) -> st.SearchStrategy[bytes]:
    """Signals whose numbers are anything the wire can carry."""
    wide = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(WALL - 100_000, WALL + 100_000))
    changes: dict[str, st.SearchStrategy[object]] = {"occurred_at_ms": wide}
    if body == "interaction":
        changes["type"] = st.integers(-(2**31), 2**31 - 1)
    elif body == "feedback":
        changes |= {"outcome": st.integers(-5, 40), "command_id": st.text(max_size=40)}
    elif body == "nudge":
        changes |= {"boost": st.floats(), "expires_at_ms": wide, "trigger": st.integers(-5, 40)}
    else:
        changes |= {
            "time_zone": st.text(max_size=80),
            "country": st.text(max_size=5),
            "locale": st.text(max_size=50),
            "birth_year": st.just(-1),
        }
    return st.fixed_dictionaries(changes).map(lambda fields: signal(body, **fields))


any_signal = st.one_of(st.binary(max_size=300), damaged(GOOD_SIGNALS), *map(odd_fields, BODIES))
any_item = st.one_of(st.binary(max_size=300), damaged(GOOD_ITEMS))


@given(any_signal, st.sampled_from(["ann", "", "\0" + "0/1", "Ζωή"]))
def test_a_signal_is_usable_or_refused(payload: bytes, user_id: str) -> None:
    try:
        found = decoder().decode(user_id, payload, ORIGIN, WALL)
    except DecodeError:
        return
    assert found.event_id
    assert WALL - 31 * 86_400_000 < found.at_ms < WALL + 86_400_000
    if isinstance(found, Interaction):
        InteractionType(found.kind)
    elif isinstance(found, Feedback):
        Outcome(found.outcome)
    elif isinstance(found, Nudge):
        Trigger(found.trigger)
        assert np.isfinite(np.float32(found.boost))


@given(st.lists(any_signal, max_size=12))
def test_a_user_survives_every_signal_that_was_not_refused(payloads: list[bytes]) -> None:
    """The core meets the decoder's values: no exception, finite interest, a state that can be written."""
    ann = Person(shelf([item("mug"), item("lamp")]), since_ms=WALL)
    for payload in payloads:
        try:
            found = decoder().decode("ann", payload, ORIGIN, WALL)
        except DecodeError:
            continue
        ann.policy.on_signal("ann", ann.state, found, WALL)
        pending = ann.state.pending
        if pending is not None:
            ann.wakes(pending.due_ms, wall_ms=max(WALL, pending.due_ms))
    assert np.isfinite(ann.state.interest).all()


@given(any_item)
def test_an_item_is_usable_or_refused(payload: bytes) -> None:
    items, catalogue = ItemDecoder(2, 4_096, 128), Catalogue(2)
    try:
        found, deleted = items.decode("mug", payload)
    except DecodeError:
        return
    if not deleted:
        try:
            catalogue.upsert(found)
        except ValueError:  # features too long for a float32; the engine refuses the record
            return
        catalogue.near(np.array([1, 0], np.float32), 3, WALL)
        assert np.isfinite(catalogue.score(catalogue.fresh(3, WALL), np.array([1, 0], np.float32))).all()


@given(any_signal)
def test_what_is_refused_becomes_a_dead_letter_whatever_it_is(payload: bytes) -> None:
    error: DecodeError | None = None
    try:
        decoder().decode("ann", payload, ORIGIN, WALL)
    except DecodeError as caught:
        error = caught
    if error is not None:
        key, value = encode_dead_letter("ann", payload, ORIGIN, error, WALL, 16, "test/1")
        letter = dead_letter_pb2.DeadLetter.FromString(value)
        assert (key, letter.payload, letter.payload_size) == ("kairos.interactions/3/4711", payload[:16], len(payload))
        assert letter.reason == error.reason
        assert letter.detail
