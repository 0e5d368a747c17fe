"""The policies that are followed: the configured one, or the release laid over it that is in force, and over that what is released for arms.

Releases come while the job runs. One that cannot be used is refused whole, and what was followed before stays. Which one is in force depends on
the clock of the machine, which is an argument: the first record or timer at or after its moment is decided by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from flink_job.arms import FollowedArms, Overlay, followed_arms, refused, release_document
from flink_job.codec.knowledge import PolicyRelease, PolicyWithdrawal, policy_key
from flink_job.codec.pushes import PushEncoder
from flink_job.config import ConfigError, policy_over
from flink_job.core.experiments import NO_ARM, Experiments
from flink_job.core.policy import PushPolicy
from flink_job.core.rules import Rules
from flink_job.releases import NEVER_MS, Releases

_REMEMBERED_USERS = 20_000
"""A draw costs 2 µs a layer, and the next event is often of somebody who was just here."""

Build = Callable[[Rules], tuple[PushPolicy, PushEncoder]]
"""Makes what decides, and what writes pushes, by rules."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules, what decides and what writes pushes by them, and what is said of them: id and version, and the user's (layer, arm) where arms differ.

    `since_ms`: since when the policy and all its arms are as they are; NEVER_MS where no arms differ.
    """

    rules: Rules
    push: PushPolicy
    pushes: PushEncoder
    name: tuple[str, str]
    arms: tuple[tuple[str, str], ...] = ()
    since_ms: int = NEVER_MS


class Policies:
    """`build` makes what decides by rules. `due_ms`: call `advance` when it is so late. `waiting`: releases whose moment has not come.

    `idle`: arms that were released and are not followed, because they do not fit or no layer names them.
    """

    def __init__(self, configured: Rules, build: Build) -> None:
        self._configured = configured
        self._build = build
        self._key = policy_key(configured.policy_id)
        self._releases = Releases()
        self._in_force: Mapping[str, PolicyRelease] = {}
        self._experiments: Experiments | None = None
        self._arms = FollowedArms({}, {})
        self._by_arms: dict[tuple[str, ...], Policy] = {}
        self._by_user: dict[str, Policy] = {}
        self.current = self._policy(configured)
        self.due_ms = NEVER_MS
        self.waiting = 0
        self.idle = 0

    def concerns(self, key: str) -> bool:
        """A record under this key is for this job; others are for jobs with another policy."""
        return key == self._key or key.startswith(f"{self._key}/")

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
            if change.arm:
                release_document(change)
            else:
                self._rules(change)
            self._releases = self._releases.with_release(change, wall_ms)
        self.due_ms = wall_ms
        return True

    def problem(self, key: str, wall_ms: int) -> str:
        """Why the arm released under this key is not followed, now or when its moment has come; empty if it is or if no layer names it."""
        moments = [wall_ms, *self._releases.moments(wall_ms)]
        problems = (self._arms_of(self._releases.in_force(at_ms)).idle.get(key, "") for at_ms in moments)
        return next(filter(None, problems), "")

    def advance(self, wall_ms: int) -> bool:
        """Follow what is in force now; whether that is other than before."""
        moments = self._releases.moments(wall_ms)
        self.due_ms, self.waiting = min(moments, default=NEVER_MS), len(moments)
        in_force = self._releases.in_force(wall_ms)
        if in_force == self._in_force:
            return False
        if in_force.get(self._key) != self._in_force.get(self._key):
            self.current = self._policy(self._base(in_force))
        self._in_force = in_force
        self._arms = self._arms_of(in_force)
        self._by_arms, self._by_user = {}, {}
        self._experiments = self._drawn()
        live = sum(len(arms) for arms in self._arms.layers.values())
        self.idle = sum(key != self._key for key in in_force) - live
        return True

    def of(self, user_id: str) -> Policy:
        """What decides about this user."""
        if self._experiments is None:
            return self.current
        policy = self._by_user.get(user_id)
        if policy is None:
            arms = self._experiments.arms_of(user_id)
            policy = self._by_arms.get(arms) or self._of_arms(arms)
            if len(self._by_user) >= _REMEMBERED_USERS:
                self._by_user.clear()
            self._by_user[user_id] = policy
        return policy

    def _of_arms(self, arms: tuple[str, ...]) -> Policy:
        """Of the users with these arms, made when the first of them comes."""
        named = tuple((layer, arm) for layer, arm in zip(self._arms.layers, arms, strict=True) if arm != NO_ARM)
        overlays = [overlay for layer, arm in named if (overlay := self._arms.layers[layer].get(arm))]
        policy = self._laid_over(overlays) if overlays else self.current
        if named:
            policy = replace(policy, arms=named, since_ms=max(release.effective_at_ms for release in self._in_force.values()))
        self._by_arms[arms] = policy
        return policy

    def _laid_over(self, overlays: list[Overlay]) -> Policy:
        version = "+".join([self.current.rules.version, *(f"{each.release.arm}@{each.release.version}" for each in overlays)])
        rules = policy_over(self.current.rules, *(overlay.document for overlay in overlays))
        return self._policy(replace(rules, version=version))

    def _drawn(self) -> Experiments | None:
        """Draws only where arms differ."""
        rules = self.current.rules
        layers = {layer: rules.experiments[layer] for layer in self._arms.layers}
        return Experiments(layers, rules.gates.holdout_share, rules.gates.holdout_salt) if layers else None

    def _policy(self, rules: Rules) -> Policy:
        return Policy(rules, *self._build(rules), (rules.policy_id, rules.version))

    def _arms_of(self, in_force: Mapping[str, PolicyRelease]) -> FollowedArms:
        return followed_arms(self._base(in_force), in_force)

    def _base(self, in_force: Mapping[str, PolicyRelease]) -> Rules:
        release = in_force.get(self._key)
        return self._configured if release is None else self._rules(release)

    def _rules(self, release: PolicyRelease) -> Rules:
        document = release_document(release)
        try:
            return replace(policy_over(self._configured, document), version=release.version)
        except ConfigError as error:
            raise refused(error) from error
