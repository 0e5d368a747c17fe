"""What travels through the textbook job, pickled: tuples with names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from kairos.v1 import interaction_pb2, item_pb2, signal_pb2


class Signal(NamedTuple):
    """One interaction. `kind` is the name of its type in lower case, empty for a record that is none."""

    user_id: str
    event_id: str
    kind: str
    at_ms: int
    item_id: str
    locale: str
    payload: bytes


class Item(NamedTuple):
    """One item."""

    item_id: str
    features: NDArray[np.float32]
    in_stock: bool
    valid_from_ms: int
    valid_until_ms: int
    title: str
    body: str
    image_url: str
    deep_link: str


def parse_signal(payload: bytes) -> Signal:
    """A signal from its record."""
    try:
        body = signal_pb2.Signal.FromString(payload).interaction
    except DecodeError:
        return Signal("", "", "", 0, "", "", payload)
    kind = interaction_pb2.InteractionType.Name(body.type).removeprefix("INTERACTION_TYPE_").lower()
    return Signal(body.user_id, body.event_id, kind, body.occurred_at_ms, body.item_id, body.context.locale, b"")


def parse_item(payload: bytes) -> Item:
    """An item from its record."""
    item = item_pb2.Item.FromString(payload)
    return Item(
        item.item_id,
        np.frombuffer(item.features, np.float32),
        not item.HasField("stock") or item.stock > 0,
        item.valid_from_ms,
        item.valid_until_ms,
        item.texts[""].title,
        item.texts[""].summary,
        item.image_url,
        item.deep_link,
    )
