"""Knowledge records from bytes and to bytes: of these, the job uses policies.

A key says what its record is about: `policy/<policy_id>` for the policy of all users outside of experiment arms,
`policy/<policy_id>/<layer>/<arm>` for those in an arm. Records under other keys are for others, and not looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from google.protobuf.message import DecodeError as WireError

from flink_job.codec import errors
from flink_job.codec.errors import DecodeError
from flink_job.codec.limits import is_longer
from kairos.v1 import knowledge_pb2

_KIND = "policy/"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_ARM = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_LATEST_MS = 1 << 53


@dataclass(frozen=True, slots=True)
class PolicyRelease:
    """A policy to follow from `effective_at_ms` on (0: at once). `arm` is "layer/arm", or empty for all users outside of arms."""

    policy_id: str
    version: str
    document: str
    made_at_ms: int
    effective_at_ms: int = 0
    arm: str = ""
    comment: str = ""

    @property
    def key(self) -> str:
        """Key of its record."""
        return policy_key(self.policy_id, self.arm)


@dataclass(frozen=True, slots=True)
class PolicyWithdrawal:
    """What was released under this key is no longer to be followed."""

    key: str
    at_ms: int


def policy_key(policy_id: str, arm: str = "") -> str:
    """Key of the record of a policy.

    >>> policy_key("default"), policy_key("default", "timing/early")
    ('policy/default', 'policy/default/timing/early')
    """
    return f"{_KIND}{policy_id}/{arm}" if arm else f"{_KIND}{policy_id}"


class PolicyDecoder:
    """Makes policy releases of records; what is in the document is not looked at."""

    def __init__(self, max_record_bytes: int, max_id_bytes: int) -> None:
        self._max_record_bytes = max_record_bytes
        self._max_id_bytes = max_id_bytes

    def decode(self, key: str, payload: bytes | None, timestamp_ms: int, latest_ms: int) -> PolicyRelease | PolicyWithdrawal:
        """The release in `payload`, or its withdrawal if that is null, as of the record's `timestamp_ms`.

        Raises DecodeError; also for a release that says it was made after `latest_ms`: no later one could ever replace it.
        """
        if payload is None:
            return PolicyWithdrawal(key, timestamp_ms)
        if len(payload) > self._max_record_bytes:
            raise DecodeError(errors.OVERSIZED, f"value: {len(payload)} bytes, at most {self._max_record_bytes} are allowed")
        message = knowledge_pb2.Knowledge()
        try:
            message.ParseFromString(payload)
        except WireError as error:
            raise DecodeError(errors.MALFORMED, "value: is not a kairos.v1.Knowledge") from error
        body = message.WhichOneof("body")
        if body is None:
            raise DecodeError(errors.UNKNOWN_KIND, "body: holds none of item, model, policy, price")
        if body != "policy":
            raise DecodeError(errors.KEY_MISMATCH, f"body: is {body}, but the key names a policy")
        policy = message.policy
        self._check(message.made_at_ms, policy, latest_ms)
        release = PolicyRelease(
            policy.policy_id, policy.version, policy.document, message.made_at_ms, policy.effective_at_ms, policy.arm, policy.comment
        )
        if release.key != key:
            raise DecodeError(errors.KEY_MISMATCH, f"policy.policy_id: with policy.arm it makes {release.key}, which differs from the key")
        return release

    def _check(self, made_at_ms: int, policy: knowledge_pb2.PolicyRelease, latest_ms: int) -> None:
        if made_at_ms <= 0:
            raise DecodeError(errors.MISSING_FIELD, "made_at_ms: is missing")
        if made_at_ms > latest_ms:
            raise DecodeError(errors.FUTURE, f"made_at_ms: {made_at_ms} is after {latest_ms}, the latest that is accepted now")
        for name, value in (("policy_id", policy.policy_id), ("version", policy.version), ("document", policy.document)):
            if not value:
                raise DecodeError(errors.MISSING_FIELD, f"policy.{name}: is missing")
        if not _NAME.fullmatch(policy.policy_id) or is_longer(policy.policy_id, self._max_id_bytes):
            raise DecodeError(
                errors.INVALID_FIELD,
                f"policy.policy_id: letters, digits and . _ - only, at most {self._max_id_bytes}, not {policy.policy_id!r}",
            )
        if is_longer(policy.version, self._max_id_bytes):
            raise DecodeError(errors.INVALID_FIELD, f"policy.version: may have at most {self._max_id_bytes} bytes")
        if policy.arm and (not _ARM.fullmatch(policy.arm) or is_longer(policy.arm, self._max_id_bytes)):
            raise DecodeError(errors.INVALID_FIELD, f"policy.arm: must be a layer and an arm, such as timing/early, not {policy.arm!r}")
        if not 0 <= policy.effective_at_ms <= _LATEST_MS:
            raise DecodeError(errors.INVALID_FIELD, f"policy.effective_at_ms: {policy.effective_at_ms} is no moment")
        if policy.checksum != sha256(policy.document.encode()).digest():
            raise DecodeError(errors.INVALID_FIELD, "policy.checksum: is not the SHA-256 of policy.document")


def encode_release(release: PolicyRelease) -> bytes:
    """The record of a release."""
    message = knowledge_pb2.Knowledge(made_at_ms=release.made_at_ms)
    policy = message.policy
    policy.policy_id, policy.version, policy.document = release.policy_id, release.version, release.document
    policy.effective_at_ms, policy.arm, policy.comment = release.effective_at_ms, release.arm, release.comment
    policy.checksum = sha256(release.document.encode()).digest()
    return message.SerializeToString()
