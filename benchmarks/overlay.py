"""How the benchmarks' configuration differs from the shipped one: in time, and in that the decision is the one that all builds can take.

The log of the benchmark carries the times of a day of visits that starts at the moment of the run, and is processed far faster than that day
would pass. Two settings make room for it; the policy decides by the signals' own time, so gaps, caps and half-lives work as they do live.
A wake-up that falls due is decided before the user's next signal, in every build alike (`PushPolicy.on_signal`).

The textbook job knows gates, candidates and the score, not occasions, utility and what came with them, so these are off: `comparable`. The loop of
the core alone also runs the policy as it is shipped (`whole_overlay`), which tells what they cost.
"""

from __future__ import annotations

from typing import Any

from flink_job.config import Config
from flink_job.config.load import parse_config

DAY_MS = 86_400_000


_OF_THEIR_OWN = ("abandoned_cart", "abandoned_favourite", "replenishment", "best_time", "win_back")


def overlay() -> dict[str, Any]:
    """What is laid over default.yaml for all builds."""
    whole = whole_overlay()
    gates = {
        **whole["policy"]["gates"],
        "caps": [{"count": 3, "window_ms": DAY_MS}, {"count": 10, "window_ms": 7 * DAY_MS}],
        "ramp_up_gap_ms": 0,
        "in_session_ms": 0,
    }
    comparable = {
        "gates": gates,
        "occasions": {**{name: {"enabled": False} for name in _OF_THEIR_OWN}, "behaviour": {"timing": "now"}},
        "fatigue": {"limit": 1e9},
        "utility": {"enabled": False},
        "diversity": {"last": 0},
        "exploration": {"temperature": 0, "uniform_share": 0},
        "messages": {"templates": []},
        "candidates": {"neighbours": 30, "followed": 0, "urgent": 0},
    }
    return {**whole, "policy": comparable}


def whole_overlay() -> dict[str, Any]:
    """The same for the whole policy: only what concerns time."""
    return {
        "limits": {"max_future_ms": 60 * DAY_MS},
        "policy": {"gates": {"quiet_hours": {"start_minute": 0, "end_minute": 0}}},  # else the result depends on the hour of the run
    }


def engine_config() -> Config:
    """The configuration of builds that need no Kafka."""
    return parse_config(overlay())
