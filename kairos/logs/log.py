"""What a log is: how its file is written, what its columns mean, and its rows in order of time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import pyarrow as pa
import pyarrow.compute as pc

from kairos.logs.events import EventColumns
from kairos.logs.files import FileLayout, read_batches, row_count
from kairos.logs.order import AT_MS, RUN_ROWS, InOrderOfTime
from kairos.logs.skipped import SkippedRows
from kairos.logs.timestamps import TimeReader


@dataclass(frozen=True, slots=True)
class Covisits:
    """What was visited together, for a log whose items say little about themselves.

    ``visits``: group (session, basket, user) and thing of every row as text columns; a null in either leaves the row out.
    ``things``: what the second one names: items, or whole categories where single items are too rare.
    ``warm_up_ms``: length of the first part of the log, from which the first features are learned.
    ``refresh_ms``: how often, in the log's time, newcomers get features.
    """

    visits: Callable[[pa.RecordBatch], tuple[pa.Array, pa.Array]]
    things: Literal["items", "categories"]
    warm_up_ms: int
    refresh_ms: int


@dataclass(frozen=True, slots=True)
class ItemFile:
    """A catalogue in a file of its own. ``items``: as in ``LogFormat``."""

    path: Path
    layout: FileLayout
    columns: tuple[str, ...]
    items: Callable[[pa.RecordBatch], pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class LogFormat:
    """How to read one kind of log.

    ``name`` begins the event ids. ``columns`` are those that are read; ``events`` gets batches of them, with ``ROW`` and ``AT_MS``,
    and returns the usable ones, counting the others. ``items`` returns what a row tells about its item (columns named as the
    fields of ``kairos.feed.items.ItemRecord``), without the rows that tell nothing; None if the log tells nothing about items, or
    ``item_file`` does.
    ``in_order``: the file is in order of time already, so that it need not be sorted.
    """

    name: str
    title: str
    scenario: int
    layout: FileLayout
    columns: tuple[str, ...]
    time_column: str
    time: TimeReader
    in_order: bool
    events: Callable[[pa.RecordBatch, SkippedRows], EventColumns]
    items: Callable[[pa.RecordBatch], pa.RecordBatch] | None
    item_file: ItemFile | None = None
    covisits: Covisits | None = None


class Log:
    """One file of one format. A context manager: sorting may need a temporary folder."""

    def __init__(self, path: Path, log_format: LogFormat, run_rows: int = RUN_ROWS) -> None:
        self.path = path
        self.format = log_format
        self.unreadable = SkippedRows()
        self._run_rows = run_rows
        self._sorted: InOrderOfTime | None = None

    def rows(self) -> Iterator[pa.RecordBatch]:
        """All rows in order of time with ``ROW`` and ``AT_MS``; those without a readable time are counted in ``unreadable``."""
        if self.format.in_order:
            self.unreadable = SkippedRows()
            return self._timed()
        if self._sorted is None:
            self._sorted = InOrderOfTime(self._timed(), self._run_rows)
        return iter(self._sorted)

    def expected_rows(self) -> int | None:
        """For a progress bar; None if only reading would tell."""
        if self._sorted is not None:
            return self._sorted.rows
        return row_count(self.path, self.format.layout)

    def close(self) -> None:
        """Removes the temporary folder, if there is one."""
        if self._sorted is not None:
            self._sorted.close()
            self._sorted = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _timed(self) -> Iterator[pa.RecordBatch]:
        skipped = self.unreadable
        for batch in read_batches(self.path, self.format.layout, self.format.columns, skipped):
            at_ms = self.format.time.read(batch.column(self.format.time_column))
            timed = pa.RecordBatch.from_arrays([*batch.columns, at_ms], names=[*batch.schema.names, AT_MS])
            yield skipped.drop(timed, pc.is_null(at_ms), f"no readable time in {self.format.time_column}")
