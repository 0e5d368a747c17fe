"""Running totals over the pushes received: how many, how fast, how late.

>>> totals = Totals()
>>> totals.latency_ms(50) is None
True
"""

from collections import deque
from typing import Any

import numpy as np

from kairos.consume.view import PushView

LATENCIES_KEPT = 10_000


class Totals:
    """Counts are over everything; latencies over the last ``LATENCIES_KEPT`` pushes that did not wait on purpose."""

    def __init__(self) -> None:
        self.pushes = 0
        self.waited = 0
        self.expired = 0
        self._latencies_ms: deque[int] = deque(maxlen=LATENCIES_KEPT)

    def add(self, view: PushView) -> None:
        """Count one more push."""
        self.pushes += 1
        self.expired += view.expired
        if view.waited_ms:
            self.waited += 1
        elif view.latency_ms is not None:
            self._latencies_ms.append(view.latency_ms)

    def latency_ms(self, percentile: float) -> float | None:
        """``None`` while there is none."""
        return float(np.percentile(self._latencies_ms, percentile)) if self._latencies_ms else None

    def as_json(self, duplicates: int, malformed: int) -> dict[str, Any]:
        """The same for a program."""
        return {
            "pushes": self.pushes,
            "duplicates": duplicates,
            "malformed": malformed,
            "waited": self.waited,
            "expired": self.expired,
            "latency_p50_ms": self.latency_ms(50),
            "latency_p99_ms": self.latency_ms(99),
        }
