"""Policies as they come from the knowledge topic: decoded, followed or refused, counted, and stored for a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flink_job.codec.errors import INVALID_FIELD, NULL_KEY, DecodeError
from flink_job.codec.knowledge import PolicyDecoder, PolicyRelease, encode_release
from flink_job.codec.origin import parse_origin
from flink_job.metrics import Metrics
from flink_job.policies import Build, Policies, Policy
from flink_job.settings import EngineSettings

Change = tuple[str, bytes | None]
"""(key, bytes) to be stored beside what is shared; None: to be removed."""

STORED = "\0knowledge/"
"""Begins the keys under which knowledge is stored; no item id begins so."""

_NEXT = "\0next"
"""Ends the stored key of a release that waits for its moment; so it comes after the one in force."""

_ANY_TIME_MS = 1 << 62


class PolicyFeed:
    """Takes in records of policies and says what decides. `build` makes what decides by rules."""

    def __init__(self, settings: EngineSettings, metrics: Metrics, build: Build) -> None:
        self._decoder = PolicyDecoder(settings.max_record_bytes, settings.max_id_bytes)
        self._max_future_ms = settings.max_future_ms
        self._metrics = metrics
        self._policies = Policies(settings.rules, build)
        metrics.levels["policies_waiting"] = lambda: self._policies.waiting
        metrics.levels["arms_idle"] = lambda: self._policies.idle

    def take(self, key: str | None, payload: bytes | None, origin: str, wall_ms: int) -> tuple[Sequence[Change], DecodeError | None]:
        """Take in one record: what is to be stored of it, and why it cannot be used.

        The release of an arm may be both: it does not fit the policy in force, and is remembered in case that changes.
        """
        if not key:
            return (), DecodeError(NULL_KEY, "key: knowledge is keyed by what it is about, such as policy/default")
        if not self._policies.concerns(key):
            self._metrics.add("knowledge_unused")
            return (), None
        try:
            change = self._decoder.decode(key, payload, parse_origin(origin).timestamp_ms, wall_ms + self._max_future_ms)
            if isinstance(change, PolicyRelease):  # that it began only now is remembered: who is exposed to it is told from that
                change = replace(change, effective_at_ms=max(change.effective_at_ms, wall_ms))
            taken = self._policies.take(change, wall_ms)
        except DecodeError as error:
            self._metrics.add("policy_refused")
            return (), error
        if not taken:
            self._metrics.add("policy_outdated")
            return (), None
        self._follow(wall_ms)
        problem = self._policies.problem(key, wall_ms)
        if not problem:
            return self._stored(key), None
        self._metrics.add("policy_refused")
        return self._stored(key), DecodeError(INVALID_FIELD, f"policy.document: {problem}")

    def _stored(self, key: str) -> Sequence[Change]:
        records: list[bytes | None] = [encode_release(release) for release in self._policies.held(key)]
        first, second = (*records, None, None)[:2]
        return (STORED + key, first), (STORED + key + _NEXT, second)

    def restore(self, stored_key: str, payload: bytes, wall_ms: int) -> None:
        """Take in what was stored, in the order of the keys."""
        key = stored_key.removeprefix(STORED).removesuffix(_NEXT)
        if not self._policies.concerns(key):
            return  # the job was configured with another policy_id since
        try:
            self._policies.take(self._decoder.decode(key, payload, 0, _ANY_TIME_MS), wall_ms)
        except DecodeError:  # it was good once: it does not fit the policy that is configured now
            self._metrics.add("policy_refused")

    def policy_for(self, user_id: str, wall_ms: int) -> Policy:
        """What decides about this user now."""
        if wall_ms >= self._policies.due_ms:
            self._follow(wall_ms)
        return self._policies.of(user_id)

    def _follow(self, wall_ms: int) -> None:
        if self._policies.advance(wall_ms):
            self._metrics.add("policy_changed")
