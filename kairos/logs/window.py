"""The stretch of a log that is replayed, and cutting batches of rows at moments of the log."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kairos.logs.order import AT_MS


@dataclass(frozen=True, slots=True)
class Window:
    """From ``begin_ms`` up to, not including, ``until_ms`` (None: the end)."""

    begin_ms: int
    until_ms: int | None = None

    def inside(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that lie in the window."""
        at_ms = rows.column(AT_MS)
        kept = pc.greater_equal(at_ms, self.begin_ms)
        return rows.filter(kept if self.until_ms is None else pc.and_(kept, pc.less(at_ms, self.until_ms)))

    def before(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that lie before it."""
        return rows.filter(pc.less(rows.column(AT_MS), self.begin_ms))

    def is_over(self, rows: pa.RecordBatch) -> bool:
        """Every row lies behind the end; with rows in order of time, so does everything that follows."""
        return self.until_ms is not None and rows.num_rows > 0 and bool(pc.min(rows.column(AT_MS)).as_py() >= self.until_ms)


def pieces(batches: Iterable[pa.RecordBatch], step_ms: int, most_rows: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """Batches cut where the log passes a multiple of ``step_ms`` (0: nowhere) and after ``most_rows``; with the number of the step.

    Rows that lie before the one above them belong to the step of that one: a step, once over, does not come back.
    """
    reached = 0
    for rows in batches:
        if not rows.num_rows:
            continue
        steps = _steps(rows, step_ms, reached)
        reached = int(steps[-1])
        cuts = np.flatnonzero(np.diff(steps)) + 1
        edges = [0, *cuts.tolist(), rows.num_rows]
        for start, end in pairwise(edges):
            for at in range(start, end, most_rows):
                yield rows.slice(at, min(most_rows, end - at)), int(steps[start])


def _steps(rows: pa.RecordBatch, step_ms: int, reached: int) -> NDArray[np.int64]:
    at_ms: NDArray[np.int64] = rows.column(AT_MS).to_numpy(zero_copy_only=False)
    steps = at_ms // step_ms if step_ms else np.zeros_like(at_ms)
    return np.maximum.accumulate(np.maximum(steps, reached))
