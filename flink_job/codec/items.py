"""Catalogue items from bytes."""

from __future__ import annotations

import math

import numpy as np
from google.protobuf.message import DecodeError as WireError

from flink_job.codec import errors
from flink_job.codec.errors import DecodeError
from flink_job.codec.limits import is_longer
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.ids import key_of
from kairos.v1 import item_pb2

_MOST_CATEGORIES = 16
_LITTLE_FLOAT32 = np.dtype("<f4")


class ItemDecoder:
    """Makes catalogue items of records."""

    def __init__(self, feature_dim: int, max_record_bytes: int, max_id_bytes: int) -> None:
        self._feature_dim = feature_dim
        self._max_record_bytes = max_record_bytes
        self._max_id_bytes = max_id_bytes

    def decode(self, item_id: str, payload: bytes) -> tuple[CatalogueItem, bool]:
        """The item in `payload`, keyed `item_id`, and whether it is a deletion. Raises DecodeError."""
        if len(payload) > self._max_record_bytes:
            raise DecodeError(errors.OVERSIZED, f"value: {len(payload)} bytes, at most {self._max_record_bytes} are allowed")
        message = item_pb2.Item()
        try:
            message.ParseFromString(payload)
        except WireError as error:
            raise DecodeError(errors.MALFORMED, "value: is not a kairos.v1.Item") from error
        if not message.item_id:
            raise DecodeError(errors.MISSING_FIELD, "item_id: is missing")
        if message.item_id != item_id:
            raise DecodeError(errors.KEY_MISMATCH, "item_id: differs from the record's key")
        if is_longer(item_id, self._max_id_bytes) or item_id.startswith("\0"):
            raise DecodeError(errors.INVALID_FIELD, f"item_id: may have at most {self._max_id_bytes} bytes and not begin with a null")
        audience = message.audience
        item = CatalogueItem(
            item_id=item_id,
            key=key_of(item_id),
            updated_at_ms=message.updated_at_ms,
            features=self._features(message.features),
            categories=tuple(message.categories[:_MOST_CATEGORIES]),
            price=message.price if message.HasField("price") else math.nan,
            stock=message.stock if message.HasField("stock") else None,
            valid_from_ms=message.valid_from_ms,
            valid_until_ms=message.valid_until_ms,
            published_at_ms=message.published_at_ms or message.updated_at_ms,
            creator_id=message.creator_id,
            countries=frozenset(audience.countries),
            languages=frozenset(audience.languages),
            min_age=audience.min_age,
            sensitivities=frozenset(audience.sensitivities),
            consumable=message.consumable,
            boost=message.editorial_boost,
            payload=payload,
            scenario=message.scenario,
            urgency=message.urgency,
            replenish_after_ms=message.replenish_after_ms,
            segments=frozenset(audience.segments),
        )
        return item, message.deleted

    def _features(self, packed: bytes) -> np.ndarray[tuple[int], np.dtype[np.float32]] | None:
        if not packed:
            return None
        if len(packed) != 4 * self._feature_dim:
            raise DecodeError(
                errors.INVALID_FIELD,
                f"features: {len(packed)} bytes, but catalogue.feature_dim {self._feature_dim} needs {4 * self._feature_dim}",
            )
        features = np.frombuffer(packed, _LITTLE_FLOAT32).astype(np.float32)
        if not np.isfinite(features).all():
            raise DecodeError(errors.INVALID_FIELD, "features: holds a value that is not a finite number")
        return features
