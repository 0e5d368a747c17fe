"""Columns to records: exactly what protobuf itself writes for the same event."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kairos.logs.encode import SignalEncoder
from kairos.logs.events import EVENT_FIELDS, EventColumns
from kairos.v1.interaction_pb2 import Context, Interaction
from kairos.v1.signal_pb2 import Signal

names = st.text(max_size=12)


def columns(n: int, fields: dict[str, object], attributes: dict[str, list[str]] | None = None, first_row: int = 0) -> EventColumns:
    rows = np.arange(first_row, first_row + n)
    return EventColumns(rows, 1_000 + rows, [f"u{row}" for row in rows], fields, attributes)  # type: ignore[arg-type]


@given(st.lists(st.tuples(names, st.integers(0, 31), st.floats(allow_nan=False), names, st.integers(0, 2**60)), min_size=1, max_size=20))
def test_records_are_those_that_fresh_messages_would_make(rows: list[tuple[str, int, float, str, int]]) -> None:
    item, kind, value, country, at_ms = (list(column) for column in zip(*rows, strict=True))
    events = columns(
        len(rows), {"item_id": item, "type": kind, "value": value, "currency": "EUR", "context.country": country, "context.locale": "de"}
    )
    for at, (key, record) in enumerate(SignalEncoder("log-").encode(events, at_ms)):  # type: ignore[arg-type]
        interaction = Interaction(
            event_id=f"log-{at}",
            user_id=f"u{at}",
            type=kind[at],  # type: ignore[arg-type]
            occurred_at_ms=at_ms[at],
            item_id=item[at],
            value=value[at],
            currency="EUR",
            context=Context(country=country[at], locale="de"),
        )
        assert key == f"u{at}".encode()
        assert record == Signal(interaction=interaction).SerializeToString()


def test_nothing_of_one_batch_is_left_in_the_next() -> None:
    encoder = SignalEncoder("a-")
    encoder.encode(columns(1, {"item_id": "i", "query": "q", "context.page": "p"}), [1])
    ((_key, record),) = encoder.encode(columns(1, {"order_id": ["o"]}, first_row=9), [2])
    assert Signal.FromString(record) == Signal(interaction=Interaction(event_id="a-9", user_id="u9", occurred_at_ms=2, order_id="o"))


def test_a_logs_own_event_ids_win() -> None:
    ((_key, record),) = SignalEncoder("a-").encode(columns(1, {"event_id": ["mine"]}), [1])
    assert Signal.FromString(record).interaction.event_id == "mine"


def test_attributes_that_are_not_known_are_left_out() -> None:
    records = SignalEncoder("a-").encode(columns(2, {}, {"campaign": ["spring", ""], "colour": ["", ""]}), [1, 2])
    assert [dict(Signal.FromString(record).interaction.attributes) for _key, record in records] == [{"campaign": "spring"}, {}]


def test_a_part_of_the_columns_is_that_part_of_the_records() -> None:
    events = columns(5, {"item_id": list("abcde"), "currency": "EUR"}, {"k": list("vwxyz")})
    encoder = SignalEncoder("a-")
    assert encoder.encode(events.part(1, 3), [11, 12]) == encoder.encode(events, [10, 11, 12, 13, 14])[1:3]


def test_event_fields_are_the_contracts() -> None:
    assert {"item_id", "quantity", "context.time_zone", "context.platform"} <= set(EVENT_FIELDS)
    assert EVENT_FIELDS["dwell_ms"] is int
    assert EVENT_FIELDS["rating"] is float
    assert "context" not in EVENT_FIELDS
