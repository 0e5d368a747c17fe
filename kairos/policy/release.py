"""From a checked file to a release: version, moment, order in time, and whether it goes with what is in force.

*Contract*: pure but for ``now_ms``; raises ``KairosError`` for what a job would refuse or could never follow.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime

from flink_job.arms import followed_arms
from flink_job.codec.knowledge import PolicyRelease, policy_key
from flink_job.config import ConfigError, policy_over, read_policy
from flink_job.core.rules import Rules
from flink_job.releases import Releases
from kairos.errors import USAGE_ERROR, KairosError
from kairos.policy.document import PolicyFile


def now_ms() -> int:
    """The present time."""
    return time.time_ns() // 1_000_000


def followed(releases: Releases, base: Rules, at_ms: int, arm: str = "") -> tuple[Rules, PolicyRelease | None]:
    """The rules in force at this moment, and the release they come from: ``None`` for ``base`` itself.

    ``base``: the configured rules; for an arm, those that are in force for all others.
    """
    release = releases.in_force(at_ms).get(policy_key(base.policy_id, arm))
    if release is None:
        return base, None
    try:
        return replace(policy_over(base, read_policy(release.document)), version=release.version), release
    except ConfigError:  # the job refuses it, and so follows what it did before
        return base, None


def make_release(
    file: PolicyFile,
    releases: Releases,
    *,
    arm: str = "",
    version: str | None = None,
    comment: str = "",
    effective_at_ms: int | None = None,
    made_at_ms: int,
    most_future_ms: int,
) -> PolicyRelease:
    """Newer than every release there is. Without a version it gets the document's own, else the moment it was made.

    Raises ``KairosError`` for a version that was used for another document, or when a release from the future stands in the way.
    """
    policy_id = file.rules.policy_id
    newest = releases.held.get(policy_key(policy_id, arm), ())
    if newest and newest[-1].made_at_ms >= made_at_ms + most_future_ms:
        raise KairosError(
            f"The newest release says it was made at {moment_in_words(newest[-1].made_at_ms)}, which is still to come: "
            "nothing made now could replace it.",
            "Set this machine's clock, or `kairos policy withdraw` the release first.",
        )
    made_at_ms = max([made_at_ms, *(release.made_at_ms + 1 for release in newest)])
    version = version or file.version or moment_in_words(made_at_ms)
    if file.version not in (None, version):
        raise KairosError(f"The document says version {file.version}, but --version {version}.", "Give one of them.", exit_code=USAGE_ERROR)
    for release in newest:
        if release.version == version and release.document != file.text:
            raise KairosError(
                f"Version {version} was released with another document on {moment_in_words(release.made_at_ms)}.",
                "Decisions are told apart by the version: give another.",
                exit_code=USAGE_ERROR,
            )
    return PolicyRelease(policy_id, version, file.text, made_at_ms, effective_at_ms or 0, arm, comment)


def require_arm(rules: Rules, arm: str) -> None:
    """Raises ``KairosError`` if no layer of these rules names the arm."""
    layer, _, name = arm.partition("/")
    if name not in getattr(rules.experiments.get(layer), "arms", ()):
        arms = [f"{layer}/{name}" for layer, drawn in rules.experiments.items() for name in drawn.arms]
        raise KairosError(
            f"No layer of the policy names the arm {arm}.",
            f"There are {', '.join(arms)}." if arms else "Publish a policy whose `experiments` names the layer and its arms first.",
            exit_code=USAGE_ERROR,
        )


def idle_arms(rules: Rules, releases: Releases, at_ms: int, release: PolicyRelease) -> dict[str, str]:
    """Arms, by key, that would not be followed under these rules with this release, and why."""
    return dict(followed_arms(rules, {**releases.in_force(at_ms), release.key: release}).idle)


def moment_in_words(at_ms: int) -> str:
    """ISO 8601, to the second, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
