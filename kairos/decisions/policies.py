"""Which rules a decision was taken by, from the id and the version that its record names.

*Contract*: pure. Knows what it is told of: the configured policy, and releases, those that were replaced included.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from flink_job.arms import release_document
from flink_job.codec.errors import DecodeError
from flink_job.codec.knowledge import PolicyRelease
from flink_job.config import ConfigError, policy_over
from flink_job.core.rules import Rules

_AND = "+"
"""Joins the version of the policy and those of the arms laid over it."""


class KnownPolicies:
    """The configured policy and all that was released over it."""

    def __init__(self, configured: Rules, releases: Iterable[PolicyRelease]) -> None:
        self._configured = configured
        own = sorted((each for each in releases if each.policy_id == configured.policy_id), key=lambda each: each.made_at_ms)
        self._bases = [release for release in own if not release.arm]
        self._arms = [release for release in own if release.arm]
        self._found: dict[tuple[str, str], Rules | None] = {}

    def rules_of(self, policy_id: str, version: str) -> Rules | None:
        """The rules with this name, None if they are not known. Of two with the same name, the later release."""
        name = policy_id, version
        if name not in self._found:
            self._found[name] = self._look(version) if policy_id == self._configured.policy_id else None
        return self._found[name]

    def _look(self, version: str) -> Rules | None:
        for base in (*reversed(self._bases), None):
            named = self._configured.version if base is None else base.version
            if version == named:
                rules = self._over(self._configured, (base,) if base else ())
            elif version.startswith(named + _AND):
                rules = self._with_arms(base, version.removeprefix(named + _AND))
            else:
                continue
            if rules is not None:
                return replace(rules, version=version)
        return None

    def _with_arms(self, base: PolicyRelease | None, named: str) -> Rules | None:
        rules = self._over(self._configured, (base,) if base else ())
        arms = next(self._arms_named(named), None)
        return None if rules is None or arms is None else self._over(rules, arms)

    def _arms_named(self, named: str) -> Iterator[tuple[PolicyRelease, ...]]:
        """Ways of reading ``layer/arm@version+layer/arm@version``; a version may have a plus of its own."""
        for release in reversed(self._arms):
            name = f"{release.arm}@{release.version}"
            if named == name:
                yield (release,)
            elif named.startswith(name + _AND):
                yield from ((release, *others) for others in self._arms_named(named.removeprefix(name + _AND)))

    @staticmethod
    def _over(rules: Rules, releases: tuple[PolicyRelease, ...]) -> Rules | None:
        """None if the job would have refused it."""
        try:
            return policy_over(rules, *(release_document(release) for release in releases))
        except (ConfigError, DecodeError):
            return None
