"""A small world and a moment to begin it at."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from kairos.world import World, WorldSettings

MONDAY_MS = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp() * 1000)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world() -> MakeWorld:
    """``make_world(users=..., scenario=...)``: begins on a Monday at midnight UTC."""

    def make(**changes: Any) -> World:
        return World(WorldSettings(**({"seed": 7, "start_ms": MONDAY_MS, "users": 300, "items": 200} | changes)))

    return make


@pytest.fixture
def monday_ms() -> int:
    return MONDAY_MS
