"""CSV, Parquet and JSON Lines files as a stream of Arrow record batches, a few megabytes at a time.

Every batch has the columns asked for and ``ROW``, the number of the row in the file. CSV and JSON Lines columns are text: whether a
value is a good number is for the reader of one row to say, not for the parser of the whole file.

*Contract*: raises ``KairosError`` if the file or a column is not there or the file is not what it should be; lines that cannot be
split into columns are counted in ``SkippedRows``.
"""

import csv
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from kairos.errors import USAGE_ERROR, KairosError
from kairos.logs.jsonlines import json_batches
from kairos.logs.skipped import ROW, SkippedRows

Format = Literal["csv", "parquet", "jsonl"]
BATCH_ROWS = 65_536
_CSV_BLOCK_BYTES = 4 << 20
_BY_SUFFIX: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileLayout:
    """How a file is written. ``names``: of the columns of a CSV file without a header line."""

    format: Format
    delimiter: str = ","
    quote: str = '"'
    names: tuple[str, ...] = ()
    null_values: tuple[str, ...] = ("",)
    encoding: str = "utf-8"


def format_of(path: Path) -> Format:
    """By the ending of the name, without a ``.gz`` behind it."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    found = _BY_SUFFIX.get(suffixes[-1]) if suffixes else None
    if found is None:
        raise KairosError(
            f"{path}: cannot tell from its name what kind of file it is.",
            f"Say so in the mapping: file.format: {' | '.join(get_args(Format))}.",
            exit_code=USAGE_ERROR,
        )
    return found


def read_batches(path: Path, layout: FileLayout, columns: Sequence[str], skipped: SkippedRows) -> Iterator[pa.RecordBatch]:
    """The file from its beginning; columns in the order given."""
    require_file(path)
    require_columns(path, column_names(path, layout), columns)
    match layout.format:
        case "parquet":
            batches = _parquet(path, columns)
        case "csv":
            batches = _csv(path, layout, columns, skipped)
        case "jsonl":
            batches = json_batches(path, columns, skipped)
    return _numbered(batches) if layout.format != "jsonl" else batches


def column_names(path: Path, layout: FileLayout) -> list[str] | None:
    """What the file has; None for JSON Lines, where every line may differ."""
    if layout.format == "parquet":
        return list(_parquet_file(path).schema_arrow.names)
    if layout.format == "csv":
        return list(layout.names) or _header(path, layout)
    return None


def row_count(path: Path, layout: FileLayout) -> int | None:
    """Only where the file says so itself."""
    return int(_parquet_file(path).metadata.num_rows) if layout.format == "parquet" else None


def require_file(path: Path) -> None:
    """Raises ``KairosError`` if there is nothing to read."""
    if not path.exists():
        raise KairosError(
            f"{path}: there is no such file.", "Check the path; docs/replay.md says where the public logs come from.", exit_code=USAGE_ERROR
        )
    if not path.is_file():
        raise KairosError(f"{path} is a folder, not a file.", "Name one CSV, Parquet or JSON Lines file.", exit_code=USAGE_ERROR)


def require_columns(path: Path, there: Sequence[str] | None, wanted: Sequence[str]) -> None:
    """Raises ``KairosError`` that names the missing column and the nearest there is."""
    for name in wanted:
        if there is not None and name not in there:
            near = difflib.get_close_matches(name, there, n=1, cutoff=0.6)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise KairosError(f"{path}: there is no column {name!r}.{meant}", f"Its columns are {', '.join(there)}.", exit_code=USAGE_ERROR)


def _numbered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in batches:
        rows = pa.array(range(start, start + batch.num_rows), pa.int64())
        yield pa.RecordBatch.from_arrays([*batch.columns, rows], names=[*batch.schema.names, ROW])
        start += batch.num_rows


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for batch in _parquet_file(path).iter_batches(BATCH_ROWS, columns=list(columns)):
        yield batch.select(list(columns))


def _parquet_file(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise KairosError(f"{path} is no Parquet file ({error}).", "Check that it was copied whole.") from error


def _csv(path: Path, layout: FileLayout, columns: Sequence[str], skipped: SkippedRows) -> Iterator[pa.RecordBatch]:
    def count(row: pa_csv.InvalidRow) -> str:
        reason = f"{row.actual_columns} columns instead of {row.expected_columns}"
        skipped.add(reason, -1 if row.number is None else row.number, row.text or "")
        return "skip"

    try:
        reader = pa_csv.open_csv(
            path,
            pa_csv.ReadOptions(
                use_threads=False, block_size=_CSV_BLOCK_BYTES, column_names=list(layout.names) or None, encoding=layout.encoding
            ),
            pa_csv.ParseOptions(delimiter=layout.delimiter, quote_char=layout.quote, newlines_in_values=True, invalid_row_handler=count),
            pa_csv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, pa.string()),
                null_values=list(layout.null_values),
                strings_can_be_null=True,
            ),
        )
        yield from reader
    except pa.ArrowInvalid as error:
        raise KairosError(
            f"{path} cannot be read as CSV ({error}).", "Check file.delimiter, file.quote and file.encoding in the mapping."
        ) from error


def _header(path: Path, layout: FileLayout) -> list[str]:
    with pa.input_stream(str(path), compression="detect") as stream:
        start = stream.read(_CSV_BLOCK_BYTES // 16).decode(layout.encoding, "replace")
    lines = csv.reader(start.lstrip("\ufeff").splitlines(), delimiter=layout.delimiter, quotechar=layout.quote)
    header = next(lines, None)
    if not header:
        raise KairosError(f"{path} is empty.", "A CSV file begins with its header line, unless file.names gives the columns.")
    return header
