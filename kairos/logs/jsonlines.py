"""JSON Lines as record batches of text columns. ``a.b`` names the field b inside of the object a; a list's values are joined."""

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from kairos.errors import KairosError
from kairos.logs.columns import LIST_SEPARATOR
from kairos.logs.skipped import ROW, SkippedRows

_LINES_AT_A_TIME = 16_384


def json_batches(path: Path, columns: Sequence[str], skipped: SkippedRows) -> Iterator[pa.RecordBatch]:
    """Lines that are no JSON object are counted and left out; a field that is not there is null."""
    paths = [tuple(name.split(".")) for name in columns]
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            numbered = enumerate(stream)
            while lines := list(islice(numbered, _LINES_AT_A_TIME)):
                yield _batch(lines, columns, paths, skipped)
    except gzip.BadGzipFile as error:
        raise KairosError(f"{path} is no gzip file ({error}).", "Check that it was copied whole.") from error


def _batch(lines: list[tuple[int, bytes]], columns: Sequence[str], paths: list[tuple[str, ...]], skipped: SkippedRows) -> pa.RecordBatch:
    rows: list[int] = []
    values: list[list[str | None]] = [[] for _ in paths]
    for row, line in lines:
        if not line.strip():
            continue
        record = _parse(line)
        if record is None:
            skipped.add("not a JSON object", row, line.decode("utf-8", "replace").strip())
            continue
        rows.append(row)
        for column, path in zip(values, paths, strict=True):
            column.append(_text(_look_up(record, path)))
    arrays = [pa.array(column, pa.string()) for column in values]
    return pa.RecordBatch.from_arrays([*arrays, pa.array(rows, pa.int64())], names=[*columns, ROW])


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:  # also bytes that are not UTF-8
        return None
    return record if isinstance(record, dict) else None


def _look_up(record: dict[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = record
    for name in path:
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(name)
    return value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        # A lone surrogate ("\ud800") is legal JSON and no Unicode text.
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return LIST_SEPARATOR.join(text for each in value if (text := _text(each)) is not None)
    return json.dumps(value) if isinstance(value, dict) else str(value)
