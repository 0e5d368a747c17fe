"""Order of time: the same rows, sorted, whether they fit into memory or not, and no file is left behind."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kairos.logs.order import AT_MS, InOrderOfTime
from kairos.logs.skipped import ROW

times = st.lists(st.integers(0, 50), max_size=200)  # few different ones: ties matter


def batches(at_ms: list[int], size: int) -> list[pa.RecordBatch]:
    rows = list(range(len(at_ms)))
    return [
        pa.RecordBatch.from_pydict(
            {"text": [f"r{row}" for row in rows[at : at + size]], AT_MS: at_ms[at : at + size], ROW: rows[at : at + size]}
        )
        for at in range(0, len(at_ms), size)
    ]


@given(times, st.integers(1, 30), st.integers(1, 60))
def test_spilled_or_not_rows_come_by_time_and_then_by_row(at_ms: list[int], size: int, run_rows: int) -> None:
    expected = [(at, row, f"r{row}") for at, row in sorted(zip(at_ms, range(len(at_ms)), strict=True))]
    with InOrderOfTime(batches(at_ms, size), run_rows) as ordered:
        for _again in range(2):
            found = [(row[AT_MS], row[ROW], row["text"]) for batch in ordered for row in batch.to_pylist()]
            assert found == expected
        assert ordered.rows == len(at_ms)


def test_runs_longer_than_a_batch_are_merged_across_batches() -> None:
    n = 200_000
    at_ms = [(row * 7919) % n for row in range(n)]
    with InOrderOfTime(batches(at_ms, 10_000), run_rows=80_000) as ordered:
        found = [at for batch in ordered for at in batch.column(AT_MS).to_pylist()]
    assert found == list(range(n))


def test_temporary_files_go_with_the_context_also_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with InOrderOfTime(batches(list(range(100)), 10), run_rows=20):
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())

    def broken() -> "object":
        yield from batches(list(range(100)), 10)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        InOrderOfTime(broken(), run_rows=20)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
