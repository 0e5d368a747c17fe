"""How the benchmarks' configuration differs from the shipped one: in time only.

The log of the benchmark carries the times of a day of visits that starts at the moment of the run, and is processed far faster than that day
would pass. Two settings make room for it; the policy decides by the signals' own time, so gaps, caps and half-lives work as they do live.
A wake-up that falls due is decided before the user's next signal, in every build alike (`PushPolicy.on_signal`).
"""

from __future__ import annotations

from typing import Any

from flink_job.config import Config
from flink_job.config.load import parse_config

DAY_MS = 86_400_000


def overlay() -> dict[str, Any]:
    """What is laid over default.yaml."""
    return {
        "limits": {"max_future_ms": 60 * DAY_MS},
        "policy": {"gates": {"quiet_hours": {"start_minute": 0, "end_minute": 0}}},  # else the result depends on the hour of the run
    }


def engine_config() -> Config:
    """The configuration of builds that need no Kafka."""
    return parse_config(overlay())
