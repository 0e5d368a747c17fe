"""A policy in a file, judged as the job would judge it.

*Contract*: raises ``KairosError`` that names the file and every key that is wrong.
"""

from dataclasses import dataclass
from pathlib import Path

from flink_job.arms import release_document
from flink_job.codec.errors import DecodeError
from flink_job.codec.knowledge import PolicyRelease
from flink_job.config import ConfigError, policy_over, read_policy
from flink_job.core.rules import Rules
from kairos.errors import USAGE_ERROR, KairosError


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The text as it is, and the rules it makes of those it is laid over."""

    text: str
    rules: Rules
    version: str | None
    """As the document says; ``None`` if it says nothing."""


def read_policy_file(path: Path, base: Rules, arm: str = "") -> PolicyFile:
    """Reads and checks ``path``: the section ``policy`` of the configuration, or only what differs from ``base``."""
    problems = problems_of(path, base, arm)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise KairosError(
            f"{path} is no policy:\n{lines}", "Every key and its default stand in flink_job/config/default.yaml.", exit_code=USAGE_ERROR
        )
    text = path.read_text(encoding="utf-8")
    document = read_policy(text)
    return PolicyFile(text, policy_over(base, document), document.get("version"))


def problems_of(path: Path, base: Rules, arm: str = "") -> list[str]:
    """What is wrong with it, a line for each key; nothing if it can be released (for this arm)."""
    try:
        text = path.read_text(encoding="utf-8")
        document = read_policy(text)
        rules = policy_over(base, document)
    except OSError as error:
        raise KairosError(f"{path} cannot be read: {error.strerror}.", exit_code=USAGE_ERROR) from error
    except UnicodeDecodeError:
        return ["document: is not UTF-8 text"]
    except ConfigError as error:
        return list(error.problems)
    if rules.policy_id != base.policy_id:
        return [f"policy_id: is {rules.policy_id}, but the job follows {base.policy_id}; leave it out, or give the job's --config"]
    try:
        release_document(PolicyRelease(base.policy_id, rules.version if "version" in document else "", text, 1, arm=arm))
    except DecodeError as error:
        return [error.detail.removeprefix("policy.document: ")]
    return []
