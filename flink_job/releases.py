"""What was released: under each key the newest policy, and the one before it for as long as the newest waits for its moment.

A value: taking in another release makes another value, so that what does not fit can be dropped. Nothing here knows what a document says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flink_job.codec.knowledge import PolicyRelease

NEVER_MS = 1 << 62
"""Later than everything."""


@dataclass(frozen=True, slots=True)
class Releases:
    """Newest last; one or two under each key."""

    held: Mapping[str, tuple[PolicyRelease, ...]] = field(default_factory=dict)

    def newer_than(self, release: PolicyRelease) -> bool:
        """What is held under the same key is not older than this."""
        return self.made_at_ms(release.key) >= release.made_at_ms

    def made_at_ms(self, key: str) -> int:
        """When the newest under this key was made, 0 if there is none."""
        held = self.held.get(key)
        return held[-1].made_at_ms if held else 0

    def with_release(self, release: PolicyRelease, wall_ms: int) -> Releases:
        """With the newest one of its key: it replaces what waits for its moment, and what is in force once its own has come."""
        before = self.in_force(wall_ms).get(release.key) if release.effective_at_ms > wall_ms else None
        return Releases({**self.held, release.key: (release,) if before is None else (before, release)})

    def without(self, key: str) -> Releases:
        """With nothing under this key."""
        return Releases({name: held for name, held in self.held.items() if name != key})

    def in_force(self, at_ms: int) -> dict[str, PolicyRelease]:
        """What is to be followed at this moment, by key."""
        begun = {key: [release for release in held if release.effective_at_ms <= at_ms] for key, held in self.held.items()}
        return {key: releases[-1] for key, releases in begun.items() if releases}

    def moments(self, after_ms: int) -> list[int]:
        """When those that wait come into force."""
        return [release.effective_at_ms for held in self.held.values() for release in held if release.effective_at_ms > after_ms]
