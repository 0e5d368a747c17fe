"""Rows that cannot be replayed: counted by reason, the first few kept to be shown, the rest of the log unharmed."""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

ROW = "__row"  # number of the row in the file, from 0; every batch carries it
EXAMPLES = 5
_EXAMPLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """One row that was left out. ``row`` counts from 0, without the header; ``values`` as text."""

    row: int
    reason: str
    values: str


class SkippedRows:
    """Counts and examples, over all batches of one replay."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: list[SkippedRow] = []
        self._shown: Counter[str] = Counter()

    def drop(self, batch: pa.RecordBatch, bad: pa.Array, reason: str) -> pa.RecordBatch:
        """``batch`` without the rows where ``bad`` is true (null counts as true)."""
        bad = pc.fill_null(bad, True)
        dropped = pc.sum(bad).as_py() or 0
        if not dropped:
            return batch
        self.counts[reason] += dropped
        if self._shown[reason] < EXAMPLES:
            self._keep(batch.filter(bad).slice(0, EXAMPLES - self._shown[reason]), reason)
        return batch.filter(pc.invert(bad))

    def add(self, reason: str, row: int, values: str) -> None:
        """One row that never became part of a batch, such as a line that is not JSON."""
        self.counts[reason] += 1
        if self._shown[reason] < EXAMPLES:
            self._shown[reason] += 1
            self.examples.append(SkippedRow(row, reason, values[:_EXAMPLE_CHARACTERS]))

    @property
    def total(self) -> int:
        """Rows left out for any reason."""
        return self.counts.total()

    def _keep(self, rows: pa.RecordBatch, reason: str) -> None:
        for row in rows.to_pylist():
            shown = ", ".join(f"{name}={value}" for name, value in row.items() if not name.startswith("__"))
            self._shown[reason] += 1
            self.examples.append(SkippedRow(row[ROW], reason, shown[:_EXAMPLE_CHARACTERS]))
