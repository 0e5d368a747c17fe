"""What the item operator reads of catalogue records. Features and texts are not its business, so they are not looked at."""

from __future__ import annotations

import math

from google.protobuf.message import DecodeError as WireError

from flink_job.codec import errors
from flink_job.codec.errors import DecodeError
from flink_job.codec.limits import is_longer
from flink_job.core.learning.changes import ItemVersion
from kairos.v1 import item_pb2

LONGEST_CATEGORY = 128
"""Characters of a category that are kept in the state of an item."""


def decode_version(item_id: str, payload: bytes, max_record_bytes: int, max_id_bytes: int) -> tuple[ItemVersion, bool]:
    """The version in `payload`, and whether it is a deletion. Raises DecodeError."""
    if len(payload) > max_record_bytes:
        raise DecodeError(errors.OVERSIZED, f"value: {len(payload)} bytes, at most {max_record_bytes} are allowed")
    message = item_pb2.Item()
    try:
        message.ParseFromString(payload)
    except WireError as error:
        raise DecodeError(errors.MALFORMED, "value: is not a kairos.v1.Item") from error
    if message.item_id != item_id:
        raise DecodeError(errors.KEY_MISMATCH, "item_id: differs from the record's key")
    version = ItemVersion(
        item_id=item_id,
        updated_at_ms=message.updated_at_ms,
        price=message.price if message.HasField("price") else math.nan,
        stock=message.stock if message.HasField("stock") else None,
        creator_id="" if is_longer(message.creator_id, max_id_bytes) else message.creator_id,
        category=message.categories[-1][:LONGEST_CATEGORY] if message.categories else "",
        published_at_ms=message.published_at_ms or message.updated_at_ms,
        valid_from_ms=message.valid_from_ms,
        valid_until_ms=message.valid_until_ms,
    )
    return version, message.deleted
