"""Records of a topic as a file: one a line in protobuf's own JSON (docs/contract.md); ``.gz`` is read as it is.

*Contract*: raises ``KairosError`` that names the file and the line.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.message import Message

from kairos.errors import USAGE_ERROR, KairosError


def read_json_lines(path: Path, message: Message, mentioning: str = "") -> Iterator[bytes]:
    """Each record's bytes; ``message`` says what they are, and is overwritten. ``mentioning``: lines without this text are not looked at."""
    written = (mentioning, json.dumps(mentioning)[1:-1])
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip() and (written[0] in line or written[1] in line):
                    message.Clear()
                    try:
                        json_format.Parse(line, message)
                    except json_format.ParseError as error:
                        name = message.DESCRIPTOR.full_name
                        raise KairosError(f"{path}, line {number}: is no {name} in JSON ({error}).", exit_code=USAGE_ERROR) from error
                    yield message.SerializeToString()
    except (OSError, UnicodeDecodeError) as error:
        raise KairosError(f"{path} cannot be read: {error}.", exit_code=USAGE_ERROR) from error
