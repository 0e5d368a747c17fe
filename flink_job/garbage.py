"""Python's cycle collector, set for a process that holds many states and makes no cycles.

Left alone it walks every decoded state again and again: a tenth of the operator's time, and pauses of tens of milliseconds. What the job drops is
freed at once by its reference count; the collector stays on, rarely, for cycles that a library may leave.
"""

from __future__ import annotations

import gc

_ALLOCATIONS, _YOUNG, _MIDDLE = 100_000, 50, 100


def collect_rarely() -> None:
    """Set the collector of this interpreter."""
    gc.set_threshold(_ALLOCATIONS, _YOUNG, _MIDDLE)
