"""Which log a file is: named on the command line, told by its columns, or explained by a mapping file."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from kairos.errors import USAGE_ERROR, KairosError
from kairos.logs.files import column_names, format_of, require_file
from kairos.logs.globo import GLOBO
from kairos.logs.log import LogFormat
from kairos.logs.mapped import mapped_format
from kairos.logs.mapping_file import load_mapping
from kairos.logs.retail import RETAIL
from kairos.logs.taobao import TAOBAO

LOGS: Mapping[str, LogFormat] = {each.name: each for each in (GLOBO, RETAIL, TAOBAO)}
_MAPPING_SUFFIXES = {".yaml", ".yml"}
_TAOBAO_LINE = re.compile(rb"\d+,\d+,\d+,(pv|buy|cart|fav),\d+\r?$")


def find_format(path: Path, wanted: str | None) -> LogFormat:
    """``wanted``: a name of ``LOGS``, a path of a mapping file, or None to go by what the file looks like."""
    require_file(path)
    if wanted is None:
        return _by_looks(path)
    if wanted in LOGS:
        return LOGS[wanted]
    mapping = Path(wanted)
    if mapping.suffix.lower() in _MAPPING_SUFFIXES:
        return mapped_format(load_mapping(mapping), path, mapping.parent)
    near = difflib.get_close_matches(wanted, LOGS, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    raise KairosError(
        f"--log {wanted}: there is no log of this name.{meant}",
        f"Give one of {', '.join(LOGS)}, or a mapping file that ends in .yaml (docs/replay.md).",
        exit_code=USAGE_ERROR,
    )


def _by_looks(path: Path) -> LogFormat:
    kind = format_of(path)
    if kind == "csv":
        with pa.input_stream(str(path), compression="detect") as stream:
            first_line = stream.read(200).split(b"\n")[0]
        if _TAOBAO_LINE.match(first_line):
            return TAOBAO
    if kind == "parquet":
        there = column_names(path, GLOBO.layout) or []
        for log_format in (GLOBO, RETAIL):
            if set(log_format.columns) <= set(there):
                return log_format
    raise KairosError(
        f"{path}: this is none of the logs known by their columns ({', '.join(LOGS)}).",
        "Say what its columns mean in a mapping file: kairos replay FILE --log mapping.yaml (docs/replay.md).",
        exit_code=USAGE_ERROR,
    )
