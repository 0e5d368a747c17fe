"""Policy releases from bytes: what they may be, and what is said of those that are not."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.codec.errors import DecodeError, reason_name
from flink_job.codec.knowledge import PolicyDecoder, PolicyRelease, PolicyWithdrawal, encode_release, policy_key
from kairos.v1 import knowledge_pb2
from tests.codec.messages import WALL, policy_record
from tests.core.policies import MINUTE

DECODER = PolicyDecoder(max_record_bytes=4_096, max_id_bytes=128)
KEY = "policy/default"


def decode(payload: bytes | None, key: str = KEY) -> PolicyRelease | PolicyWithdrawal:
    return DECODER.decode(key, payload, WALL - 7, WALL + MINUTE)


def test_a_release_is_read_with_all_that_is_in_it() -> None:
    payload = policy_record("send: {min_score: 0.5}", effective_at_ms=WALL + 1, arm="timing/early", comment="why")
    assert decode(payload, f"{KEY}/timing/early") == PolicyRelease(
        "default", "2", "send: {min_score: 0.5}", WALL, WALL + 1, "timing/early", "why"
    )


def test_null_withdraws_what_was_released_as_of_the_record() -> None:
    assert decode(None) == PolicyWithdrawal(KEY, WALL - 7)


BAD = {
    "malformed": (b"\xff\xff garbage", "value"),
    "oversized": (policy_record("#" * 5_000), "value"),
    "unknown_kind": (b"", "body"),
    "key_mismatch": (policy_record(policy_id="other"), "policy.policy_id"),
    "future": (policy_record(made_at_ms=WALL + MINUTE + 1), "made_at_ms"),
    "missing_field": (policy_record(version=""), "policy.version"),
    "invalid_field": (policy_record(checksum=b"\0" * 32), "policy.checksum"),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_release_is_refused_with_its_reason_and_field(reason: str) -> None:
    payload, field = BAD[reason]
    with pytest.raises(DecodeError) as caught:
        decode(payload)
    assert reason_name(caught.value.reason) == reason
    assert caught.value.detail.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"made_at_ms": 0}, "made_at_ms"),
        ({"made_at_ms": -1}, "made_at_ms"),
        ({"policy_id": ""}, "policy.policy_id"),
        ({"policy_id": "a/b"}, "policy.policy_id"),
        ({"policy_id": "\0ready"}, "policy.policy_id"),
        ({"policy_id": "x" * 129}, "policy.policy_id"),
        ({"version": "Σ" * 65}, "policy.version"),
        ({"document": ""}, "policy.document"),
        ({"arm": "early"}, "policy.arm"),
        ({"arm": "a/b/c"}, "policy.arm"),
        ({"effective_at_ms": -1}, "policy.effective_at_ms"),
        ({"effective_at_ms": 1 << 62}, "policy.effective_at_ms"),
        ({"checksum": b""}, "policy.checksum"),
    ],
)
def test_every_field_that_cannot_be_is_named(fields: dict[str, object], field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(policy_record(**fields))
    assert caught.value.detail.startswith(f"{field}: ")


def test_a_record_of_another_kind_under_the_key_of_a_policy_is_refused() -> None:
    payload = knowledge_pb2.Knowledge(made_at_ms=WALL, price=knowledge_pb2.BudgetPrice(budget_id="all")).SerializeToString()
    with pytest.raises(DecodeError, match="body: is price, but the key names a policy"):
        decode(payload)


def test_what_is_encoded_is_read_back() -> None:
    release = PolicyRelease("default", "7", "gates: {}\n", WALL, WALL + 5, "timing/early", "so be it")
    assert decode(encode_release(release), policy_key("default", "timing/early")) == release


@given(payload=st.binary(max_size=200))
def test_any_bytes_are_a_release_or_a_decode_error(payload: bytes) -> None:
    with suppress(DecodeError):
        assert isinstance(decode(payload), PolicyRelease)
