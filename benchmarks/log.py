"""The records all builds of a run are given: made once, held in memory, written to fresh topics for every run."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.events import Events, make_events
from benchmarks.items import make_catalogue
from benchmarks.overlay import DAY_MS
from benchmarks.stage import Stage, marker_positions
from flink_job.config import Config
from kairos.v1 import interaction_pb2

START_IN_MS = 3 * 3_600_000
"""The log starts so far ahead of the clock that no event of it is stale, however long the benchmark takes."""
FLAT_ACTIVE_USERS = 10_000

Records = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Log:
    """A catalogue, signals, and where the markers stand between them."""

    items: Records
    signals: Records
    markers: list[int]
    counted_from: int = 0
    """Events before this one prepare the measurement."""

    def write_to(self, stage: Stage) -> None:
        """Fill a stage."""
        stage.write("items", self.items)
        stage.write("interactions", self.signals, self.markers)


def make_log(config: Config, *, users: int, items: int, events: int, now_ms: int) -> Log:
    """The log of the main measurement."""
    catalogue = make_catalogue(items, config.catalogue.feature_dim, now_ms)
    signals = list(make_events(catalogue, users, events).records(now_ms + START_IN_MS))
    return Log(catalogue.records, signals, marker_positions(len(signals)))


def make_flat_log(config: Config, *, users: int, items: int, events: int, fill: int, now_ms: int) -> Log:
    """A log whose measured part is the same for every number of users.

    Its FLAT_ACTIVE_USERS are spread evenly among all; before that part comes an impression for each user (or several, so that there are `fill`).
    """
    catalogue = make_catalogue(items, config.catalogue.feature_dim, now_ms)
    active = min(users, FLAT_ACTIVE_USERS)
    measured = make_events(catalogue, active, events)
    measured = replace(measured, user=measured.user * (users // active), at_ms=measured.at_ms + DAY_MS)
    before = _impressions(users, items, max(users, fill))
    signals = [*before.records(now_ms + START_IN_MS), *measured.records(now_ms + START_IN_MS)]
    return Log(catalogue.records, signals, marker_positions(len(signals)), counted_from=len(before))


def _impressions(users: int, items: int, count: int) -> Events:
    number = np.arange(count, dtype=np.int64)
    return Events(
        user=number % users,
        visit=number,
        kind=np.full(count, interaction_pb2.INTERACTION_TYPE_IMPRESSION, np.int64),
        item=number * 7_919 % items,
        at_ms=number * (DAY_MS // 2) // count,
        number=number + (1 << 40),
    )
