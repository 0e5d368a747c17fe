"""Reading files: what is in them, what is wrong with them, and that one bad line is one bad line."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kairos.errors import USAGE_ERROR, KairosError
from kairos.logs.columns import LIST_SEPARATOR, as_integer, as_number, as_text, null_where, replace
from kairos.logs.files import BATCH_ROWS, FileLayout, format_of, read_batches
from kairos.logs.skipped import ROW, SkippedRows


def read(path: Path, layout: FileLayout, *columns: str) -> tuple[list[dict[str, object]], SkippedRows]:
    skipped = SkippedRows()
    rows = [row for batch in read_batches(path, layout, columns, skipped) for row in batch.to_pylist()]
    return rows, skipped


def test_csv_columns_are_text_and_rows_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text('a;b;c\n1;"x;y";\n2;z;7\n')
    rows, skipped = read(path, FileLayout("csv", delimiter=";"), "b", "a")
    assert rows == [{"b": "x;y", "a": "1", ROW: 0}, {"b": "z", "a": "2", ROW: 1}]
    assert skipped.total == 0


def test_csv_lines_with_too_many_or_too_few_values_are_counted_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\n7,8\n")
    rows, skipped = read(path, FileLayout("csv"), "a", "b")
    assert [row["a"] for row in rows] == ["1", "7"]
    assert dict(skipped.counts) == {"1 columns instead of 2": 1, "3 columns instead of 2": 1}
    assert [example.values for example in skipped.examples] == ["3", "4,5,6"]


def test_csv_without_a_header_takes_the_names_given(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b"1,2\n3,4\n"))
    rows, _skipped = read(path, FileLayout("csv", names=("a", "b")), "b")
    assert [row["b"] for row in rows] == ["2", "4"]


def test_json_lines_reach_into_objects_and_lists_and_survive_garbage(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(
        b'{"user": {"id": 7}, "tags": ["a", "b"], "on": true}\n'
        b"not json\n\n[1, 2]\n"
        b'{"user": "u", "price": 1.5, "name": "\\ud800"}\n'
        b"\xff\xfe\n"
    )
    rows, skipped = read(path, FileLayout("jsonl"), "user.id", "tags", "price", "on", "name")
    assert rows[0] == {"user.id": "7", "tags": f"a{LIST_SEPARATOR}b", "price": None, "on": "true", "name": None, ROW: 0}
    assert rows[1] == {"user.id": None, "tags": None, "price": "1.5", "on": None, "name": "?", ROW: 4}
    assert dict(skipped.counts) == {"not a JSON object": 3}


def test_parquet_is_read_in_parts_and_numbered_throughout(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    n = BATCH_ROWS + 10
    pq.write_table(pa.table({"a": pa.array(range(n)), "b": pa.array(["x"] * n)}), path)
    batches = list(read_batches(path, FileLayout("parquet"), ["a"], SkippedRows()))
    assert len(batches) > 1
    assert [row for batch in batches for row in batch.column(ROW).to_pylist()] == list(range(n))
    assert batches[0].schema.names == ["a", ROW]


def test_a_missing_column_is_named_with_the_nearest_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("customer,when\n1,2\n")
    with pytest.raises(KairosError, match=r"no column 'costumer'\. Did you mean 'customer'\?") as caught:
        read(path, FileLayout("csv"), "costumer")
    assert caught.value.exit_code == USAGE_ERROR


def test_a_file_that_is_not_there_a_folder_and_a_false_parquet_file_are_clear(tmp_path: Path) -> None:
    with pytest.raises(KairosError, match="there is no such file"):
        read(tmp_path / "none.csv", FileLayout("csv"), "a")
    with pytest.raises(KairosError, match="is a folder"):
        read(tmp_path, FileLayout("csv"), "a")
    false = tmp_path / "false.parquet"
    false.write_text("a,b\n")
    with pytest.raises(KairosError, match="is no Parquet file"):
        read(false, FileLayout("parquet"), "a")
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(KairosError, match="is empty"):
        read(empty, FileLayout("csv"), "a")


@pytest.mark.parametrize(("name", "expected"), [("a.csv", "csv"), ("a.TSV", "csv"), ("a.b.parquet", "parquet"), ("a.jsonl.gz", "jsonl")])
def test_the_format_is_told_by_the_name(name: str, expected: str) -> None:
    assert format_of(Path(name)) == expected


def test_an_ending_that_tells_nothing_asks_for_the_format() -> None:
    with pytest.raises(KairosError, match=r"cannot tell from its name") as caught:
        format_of(Path("events.log"))
    assert "file.format" in caught.value.hint


def test_examples_of_each_reason_are_few_however_many_rows_are_bad() -> None:
    skipped = SkippedRows()
    batch = pa.RecordBatch.from_pydict({"a": list(range(100)), ROW: list(range(100))})
    kept = skipped.drop(batch, pa.array([n % 2 == 0 for n in range(100)]), "even")
    assert kept.num_rows == 50
    assert skipped.counts["even"] == 50
    assert [example.row for example in skipped.examples] == [0, 2, 4, 6, 8]


def test_columns_become_text_numbers_and_words_of_a_table() -> None:
    assert as_text(pa.array([[1, 2], None])).to_pylist() == [f"1{LIST_SEPARATOR}2", None]
    assert as_text(pa.array([2.5, 3.0, 12345678901.0])).to_pylist() == ["2.5", "3", "12345678901"]
    assert as_text(pa.array(["a", "b", "a"]).dictionary_encode()).to_pylist() == ["a", "b", "a"]
    assert as_number(pa.array(["1e3", "+4", "1,5", "inf", ".5"])).to_pylist() == [1000.0, 4.0, None, None, 0.5]
    assert as_integer(pa.array(["12", "+4", "1.0", "x"])).to_pylist() == [12, 4, None, None]
    assert as_integer(pa.array([2.0, 2.5])).to_pylist() == [2, None]
    assert replace(pa.array(["pv", "xx", None]), {"pv": "view"}, None).to_pylist() == ["view", None, None]
    assert replace(pa.array(["pv", "xx", None]), {"pv": "view"}, "click").to_pylist() == ["view", "click", None]


def test_nulls_are_put_into_slices_without_touching_the_other_values() -> None:
    values = [f"value {n}" for n in range(1_000)]
    for start in (0, 1, 7, 500):
        part = pa.array(values).slice(start, 300)
        unwanted = pa.array([n % 3 == 0 for n in range(300)])
        expected = [None if n % 3 == 0 else value for n, value in enumerate(values[start : start + 300])]
        assert null_where(part, unwanted).to_pylist() == expected
        assert as_integer(pa.array([str(n) for n in range(1_000)]).slice(start, 300)).to_pylist() == list(range(start, start + 300))
