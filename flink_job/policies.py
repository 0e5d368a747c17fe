"""The policy that is followed: the one the job was configured with, or the release laid over it that is in force.

Releases come while the job runs. One that cannot be used is refused whole, and what was followed before stays. Which one is in force depends on
the clock of the machine, which is an argument: the first record or timer at or after its moment is decided by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from flink_job.codec.errors import INVALID_FIELD, DecodeError
from flink_job.codec.knowledge import PolicyRelease, PolicyWithdrawal, policy_key
from flink_job.config import ConfigError, policy_over, read_policy
from flink_job.core.policy import PushPolicy
from flink_job.core.rules import Rules
from flink_job.releases import NEVER_MS, Releases


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules, what decides by them, and the name that decisions carry: id and version."""

    rules: Rules
    push: PushPolicy
    name: tuple[str, str]


class Policies:
    """`build` makes what decides by rules. `due_ms`: call `advance` when it is so late. `waiting`: releases whose moment has not come."""

    def __init__(self, configured: Rules, build: Callable[[Rules], PushPolicy]) -> None:
        self._configured = configured
        self._build = build
        self._key = policy_key(configured.policy_id)
        self._releases = Releases()
        self._followed: PolicyRelease | None = None
        self.current = self._policy(configured)
        self.due_ms = NEVER_MS
        self.waiting = 0

    def concerns(self, key: str) -> bool:
        """A record under this key is for this job; others are for jobs with another policy."""
        return key == self._key

    def held(self, key: str) -> tuple[PolicyRelease, ...]:
        """What is to be remembered under this key: one release, or the one in force and the one that will be."""
        return self._releases.held.get(key, ())

    def take(self, change: PolicyRelease | PolicyWithdrawal, wall_ms: int) -> bool:
        """Take in a release or a withdrawal; False if it is older than what is held. Raises DecodeError if it cannot be followed."""
        if isinstance(change, PolicyWithdrawal):
            if not 0 < self._releases.made_at_ms(change.key) <= change.at_ms:
                return False
            self._releases = self._releases.without(change.key)
        else:
            if self._releases.newer_than(change):
                return False
            self._rules(change)
            self._releases = self._releases.with_release(change, wall_ms)
        self.due_ms = wall_ms
        return True

    def advance(self, wall_ms: int) -> bool:
        """Follow what is in force now; whether that is another policy than before."""
        self.due_ms = self._releases.next_ms(wall_ms)
        self.waiting = self._releases.waiting(wall_ms)
        release = self._releases.in_force(wall_ms).get(self._key)
        if release == self._followed:
            return False
        self._followed = release
        self.current = self._policy(self._configured if release is None else self._rules(release))
        return True

    def _policy(self, rules: Rules) -> Policy:
        return Policy(rules, self._build(rules), (rules.policy_id, rules.version))

    def _rules(self, release: PolicyRelease) -> Rules:
        try:
            document = read_policy(release.document)
            for name, value in (("policy_id", release.policy_id), ("version", release.version)):
                if document.get(name, value) != value:
                    raise DecodeError(INVALID_FIELD, f"policy.{name}: is {value}, but the document says {document[name]}")
            return replace(policy_over(self._configured, document), policy_id=release.policy_id, version=release.version)
        except ConfigError as error:
            raise DecodeError(INVALID_FIELD, f"policy.document: {'; '.join(error.problems)}") from error
