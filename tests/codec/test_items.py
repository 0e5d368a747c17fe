"""Catalogue items from bytes."""

import math

import numpy as np
import pytest

from flink_job.codec import errors
from flink_job.codec.errors import DecodeError
from flink_job.codec.items import ItemDecoder
from flink_job.core.ids import key_of
from kairos.v1 import item_pb2
from tests.codec.messages import WALL, item_record


def items() -> ItemDecoder:
    return ItemDecoder(feature_dim=2, max_record_bytes=4_096, max_id_bytes=128)


def refused(item_id: str, payload: bytes) -> tuple[int, str]:
    with pytest.raises(DecodeError) as caught:
        items().decode(item_id, payload)
    return caught.value.reason, caught.value.detail


def test_every_field_that_decides_arrives() -> None:
    payload = item_record(
        categories=["home", "kitchen", "mugs"],
        price=12.5,
        stock=3,
        valid_from_ms=5,
        valid_until_ms=6,
        published_at_ms=7,
        creator_id="potter",
        consumable=True,
        editorial_boost=0.25,
        scenario=item_pb2.SCENARIO_SHOP,
        urgency=item_pb2.URGENCY_BREAKING,
        replenish_after_ms=8,
        audience=item_pb2.Audience(countries=["DE", "AT"], languages=["de"], min_age=16, sensitivities=["alcohol"], segments=["vip"]),
    )
    found, deleted = items().decode("mug", payload)
    assert not deleted
    assert found.features is not None
    assert found.features.tolist() == pytest.approx([0.6, 0.8])
    assert (found.item_id, found.key, found.updated_at_ms) == ("mug", key_of("mug"), WALL)
    assert found.categories == ("home", "kitchen", "mugs")
    assert (found.price, found.stock, found.valid_from_ms, found.valid_until_ms, found.published_at_ms) == (12.5, 3, 5, 6, 7)
    assert (found.creator_id, found.consumable, found.boost) == ("potter", True, 0.25)
    assert (found.countries, found.languages, found.min_age) == (frozenset({"DE", "AT"}), frozenset({"de"}), 16)
    assert (found.sensitivities, found.segments) == (frozenset({"alcohol"}), frozenset({"vip"}))
    assert (found.scenario, found.urgency, found.replenish_after_ms) == (1, 4, 8)
    assert found.payload == payload


def test_what_is_absent_is_unknown_and_not_zero() -> None:
    found, _ = items().decode("mug", item_pb2.Item(item_id="mug", updated_at_ms=9).SerializeToString())
    assert found.features is None
    assert math.isnan(found.price)
    assert found.stock is None
    assert found.published_at_ms == 9
    assert items().decode("mug", item_record(stock=0))[0].stock == 0


def test_an_item_that_is_gone_says_so() -> None:
    assert items().decode("mug", item_record(deleted=True))[1]


def test_the_features_are_little_endian_float32_of_the_configured_length() -> None:
    assert items().decode("mug", item_record(features=bytes.fromhex("0000803f00000000")))[0].features.tolist() == [1.0, 0.0]  # type: ignore[union-attr]  # it has some
    reason, detail = refused("mug", item_record(features=b"\0" * 12))
    assert reason == errors.INVALID_FIELD
    assert detail == "features: 12 bytes, but catalogue.feature_dim 2 needs 8"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_features_that_are_no_numbers_are_refused(value: float) -> None:
    reason, detail = refused("mug", item_record(features=np.array([1, value], "<f4").tobytes()))
    assert (reason, detail) == (errors.INVALID_FIELD, "features: holds a value that is not a finite number")


def test_at_most_sixteen_categories_are_kept() -> None:
    found, _ = items().decode("mug", item_record(categories=[f"c{number}" for number in range(20)]))
    assert found.categories == tuple(f"c{number}" for number in range(16))


@pytest.mark.parametrize(
    ("item_id", "payload", "reason", "field"),
    [
        ("mug", b"\xff\xff", errors.MALFORMED, "value"),
        ("mug", item_record() + b"\x9a\x06" + b"\xd0\x0f" + b"x" * 5_000, errors.OVERSIZED, "value"),
        ("mug", item_record(""), errors.MISSING_FIELD, "item_id"),
        ("", item_record(""), errors.MISSING_FIELD, "item_id"),
        ("lamp", item_record("mug"), errors.KEY_MISMATCH, "item_id"),
        ("x" * 129, item_record("x" * 129), errors.INVALID_FIELD, "item_id"),
        ("é" * 65, item_record("é" * 65), errors.INVALID_FIELD, "item_id"),
        ("\0ready", item_record("\0ready"), errors.INVALID_FIELD, "item_id"),
    ],
)
def test_what_is_wrong_is_named(item_id: str, payload: bytes, reason: int, field: str) -> None:
    found, detail = refused(item_id, payload)
    assert found == reason
    assert detail.startswith(f"{field}: ")


def test_an_id_of_just_the_length_allowed_is_taken() -> None:
    for item_id in ("x" * 128, "é" * 64, "🫖" * 32):
        assert items().decode(item_id, item_record(item_id))[0].item_id == item_id
