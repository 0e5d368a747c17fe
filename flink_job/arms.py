"""Which experiment arms are followed: what was released for the arms of the layers that the policy in force names.

A pure function of the policy and of the newest release of each arm, so that it does not matter in which order a job reads them. The policy itself
never depends on its arms: one that does not fit it is idle, and its users are decided about like those in no arm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from flink_job.codec.errors import INVALID_FIELD, DecodeError
from flink_job.codec.knowledge import PolicyRelease, policy_key
from flink_job.config import ConfigError, policy_over, read_policy
from flink_job.config.load import Document
from flink_job.core.rules import Rules

MOST_COMBINATIONS = 64
"""Each combination of arms that some user has is a policy in memory."""

_NAMES = ("policy_id", "version")
_NOT_FOR_ARMS = ("experiments", "memory", "gates.holdout_share", "gates.holdout_salt")
"""What must be the same for all users."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What an arm changes."""

    release: PolicyRelease
    document: Document


@dataclass(frozen=True, slots=True)
class FollowedArms:
    """Layers with an arm that differs, each with its differing arms; and the arms that are idle: key → why."""

    layers: Mapping[str, Mapping[str, Overlay]]
    idle: Mapping[str, str]


def release_document(release: PolicyRelease) -> Document:
    """What a release says, without its names. Raises DecodeError if these are not its own, or if an arm says what no arm may."""
    try:
        document = read_policy(release.document)
    except ConfigError as error:
        raise refused(error) from error
    for name, value in zip(_NAMES, (release.policy_id, release.version), strict=True):
        if document.get(name, value) != value:
            raise DecodeError(INVALID_FIELD, f"policy.{name}: is {value}, but the document says {document[name]}")
    document = {key: value for key, value in document.items() if key not in _NAMES}
    if release.arm:
        for setting in _settings(document):
            if any(_same_part(setting, forbidden) for forbidden in _NOT_FOR_ARMS):
                raise DecodeError(INVALID_FIELD, f"policy.document: {setting}: must be the same for all users, and is no part of an arm")
    return document


def refused(error: ConfigError) -> DecodeError:
    """The same for a dead letter."""
    return DecodeError(INVALID_FIELD, f"policy.document: {'; '.join(error.problems)}")


def followed_arms(rules: Rules, in_force: Mapping[str, PolicyRelease]) -> FollowedArms:
    """The arms of `rules.experiments` that differ, layer by layer; a layer that does not go with those before it is idle."""
    layers: dict[str, Mapping[str, Overlay]] = {}
    idle: dict[str, str] = {}
    for layer, drawn in rules.experiments.items():
        released = {arm: in_force.get(policy_key(rules.policy_id, f"{layer}/{arm}")) for arm in drawn.arms}
        overlays = {arm: Overlay(release, release_document(release)) for arm, release in released.items() if release is not None}
        if not overlays:
            continue
        problem = _problem(rules, layers, overlays)
        if problem:
            idle |= {overlay.release.key: problem for overlay in overlays.values()}
        else:
            layers[layer] = overlays
    return FollowedArms(layers, idle)


def _problem(rules: Rules, layers: Mapping[str, Mapping[str, Overlay]], overlays: Mapping[str, Overlay]) -> str:
    """Why these arms cannot be followed beside those of the other layers; empty if they can."""
    ours = {setting for overlay in overlays.values() for setting in _settings(overlay.document)}
    for layer, others in layers.items():
        for other in others.values():
            for setting in _settings(other.document):
                if any(_same_part(setting, our) for our in ours):
                    return f"{setting}: is changed by the arms of layer {layer} too; two layers must not change the same"
    choices = [(None, *others.values()) for others in layers.values()]
    combinations = len(overlays)
    for choice in choices:
        combinations *= len(choice)
    if combinations > MOST_COMBINATIONS:
        return f"experiments: {combinations} combinations of arms, at most {MOST_COMBINATIONS} are followed"
    for combination in product(*choices, overlays.values()):
        try:
            policy_over(rules, *(overlay.document for overlay in combination if overlay is not None))
        except ConfigError as error:
            return "; ".join(error.problems)
    return ""


def _settings(document: Document, prefix: str = "") -> Iterator[str]:
    """Dotted names of what a document sets."""
    for key, value in document.items():
        if isinstance(value, dict) and value:
            yield from _settings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _same_part(one: str, other: str) -> bool:
    """One of the two settings lies in the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
