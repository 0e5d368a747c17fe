"""The job's own counts, asked of Flink's REST API while somebody looks at them, and no more often than the settings say."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from kairos.errors import KairosError
from kairos.job.counts import Counts, read_counts
from kairos.local.flink_rest import FlinkRest

_LATENCY = "push_latency_ms_le_"


class JobCounts:
    """`url` empty: there is nobody to ask."""

    def __init__(self, url: str, every_ms: int) -> None:
        self._rest = FlinkRest(url) if url else None
        self._every_s = every_ms / 1000
        self._lock = asyncio.Lock()
        self._asked_s = -self._every_s
        self._last: dict[str, Any] | None = None

    async def as_json(self) -> dict[str, Any] | None:
        """None: the job's counts cannot be had."""
        if self._rest is None:
            return None
        async with self._lock:
            if time.monotonic() - self._asked_s >= self._every_s:
                self._last = await asyncio.to_thread(self._ask, self._rest)
                self._asked_s = time.monotonic()
        return self._last

    def _ask(self, rest: FlinkRest) -> dict[str, Any] | None:
        try:
            active = rest.active_jobs()
            return told(read_counts(rest, active[0].id)) if active else None
        except KairosError:
            return None

    def close(self) -> None:
        """Close the connection."""
        if self._rest is not None:
            self._rest.close()


def told(counts: Counts) -> dict[str, Any]:
    """The counts that operators look at.

    >>> told(Counts({"pushes": 3, "push_latency_ms_le_10": 2, "push_latency_ms_le_50": 3}, {}))["latency"]
    [{'atMostMs': 10, 'share': 0.6666666666666666}, {'atMostMs': 50, 'share': 1.0}]
    """
    names = ("signals", "users_new", "decisions", "scored", "pushes", "wake_ups_set", "wake_ups_fired", "catalogue_items", "items_covered")
    below = sorted((int(bound), count) for name, count in counts.total.items() if (bound := name.removeprefix(_LATENCY)).isdecimal())
    most = max((count for _, count in below), default=0)
    total = counts.total.get(f"{_LATENCY}inf", most)
    return {
        "totals": {name: counts[name] for name in names},
        "latency": [{"atMostMs": bound, "share": count / total} for bound, count in below] if total else [],
        "reasons": [{"why": reason.value, "count": count} for reason, count in counts.suppressed().items()],
        "deadLetters": counts.dead_letters(),
    }
