"""Any number of rows in order of time, in bounded memory: sorted runs on disk, merged.

A log that is written per user, per session or by several servers is not in order of time, and late rows may come anywhere. Up to
``run_rows`` rows are sorted in memory; what does not fit is spilled to a temporary folder as sorted Arrow files, whose heads are
merged. Rows of the same millisecond stay in the order of the file.

*Contract*: a context manager that removes its files; may be iterated as often as one likes.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kairos.logs.skipped import ROW

AT_MS = "__at_ms"  # event time of the row, int64 milliseconds since the epoch
RUN_ROWS = 1_000_000
_BATCH_ROWS = 65_536


class InOrderOfTime:
    """Batches that have the columns ``AT_MS`` (not null) and ``ROW``, sorted by both."""

    def __init__(self, batches: Iterable[pa.RecordBatch], run_rows: int = RUN_ROWS) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._runs: list[Path] = []
        self._in_memory: pa.Table | None = None
        self.rows = 0
        pending: list[pa.RecordBatch] = []
        waiting = 0
        try:
            for batch in batches:
                pending.append(batch)
                waiting += batch.num_rows
                if waiting >= run_rows:
                    self._spill(pending)
                    pending, waiting = [], 0
            if self._runs and pending:
                self._spill(pending)
            elif pending:
                self._in_memory = _sorted(pending)
                self.rows = self._in_memory.num_rows
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._in_memory is not None:
            yield from self._in_memory.to_batches(_BATCH_ROWS)
        elif self._runs:
            yield from _merge([_Head(run) for run in self._runs])

    def close(self) -> None:
        """Removes the temporary files."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _spill(self, batches: list[pa.RecordBatch]) -> None:
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="kairos-sort-")
        run = Path(self._folder.name) / f"{len(self._runs)}.arrow"
        table = _sorted(batches)
        with pa.OSFile(str(run), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, _BATCH_ROWS)
        self._runs.append(run)
        self.rows += table.num_rows


class _Head:
    """The rest of one sorted run."""

    def __init__(self, run: Path) -> None:
        self._reader = pa.ipc.open_file(pa.memory_map(str(run)))
        self._next = 0
        self.batch: pa.RecordBatch | None = None
        self.advance()

    def advance(self) -> None:
        """The next batch of the run, or None at its end."""
        ended = self._next >= self._reader.num_record_batches
        self.batch = None if ended else self._reader.get_batch(self._next)
        self._next += 1

    def take_until(self, bound_ms: int) -> pa.RecordBatch | None:
        """Cuts off the rows of this batch up to ``bound_ms``, inclusive."""
        if self.batch is None:
            return None
        cut = int(np.searchsorted(_times(self.batch), bound_ms, side="right"))
        taken = self.batch.slice(0, cut)
        if cut == self.batch.num_rows:
            self.advance()
        else:
            self.batch = self.batch.slice(cut)
        return taken if cut else None


def _merge(heads: list[_Head]) -> Iterator[pa.RecordBatch]:
    """Up to the smallest end of all current batches nothing earlier can still come, from any run but that one's next batch."""
    while ends := [int(_times(head.batch)[-1]) for head in heads if head.batch is not None]:
        bound_ms = min(ends)
        taken: list[pa.RecordBatch] = []
        for head in heads:
            # Several batches of one run may end in the same millisecond.
            while (part := head.take_until(bound_ms)) is not None:
                taken.append(part)
        yield from _sorted(taken).to_batches(_BATCH_ROWS)


def _sorted(batches: list[pa.RecordBatch]) -> pa.Table:
    table = pa.Table.from_batches(batches)
    indices = pc.sort_indices(table, sort_keys=[(AT_MS, "ascending"), (ROW, "ascending")])
    return table.take(indices).combine_chunks()


def _times(batch: pa.RecordBatch) -> NDArray[np.int64]:
    times: NDArray[np.int64] = batch.column(AT_MS).to_numpy(zero_copy_only=False)
    return times
