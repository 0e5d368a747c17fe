"""Where an experiment's records come from: the topics of a running job, or files of JSON lines.

A file holds one record a line in protobuf's own JSON (docs/contract.md), ``Decision`` or ``Signal``; ``.gz`` is read as it is.

*Contract*: raises ``KairosError`` that names the file and line, or the topic.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.message import Message

from kairos.contract.connection import Connection
from kairos.contract.reading import read_to_end
from kairos.errors import USAGE_ERROR, KairosError
from kairos.experiments.journal import Journal
from kairos.v1.decision_pb2 import Decision
from kairos.v1.signal_pb2 import Signal


def from_topics(there: Connection, since_ms: int) -> Journal:
    """All that the topics hold now."""
    journal = Journal()
    journal.value_from = "interactions"
    for record in read_to_end(there, "decisions"):
        journal.decision(record.value or b"", since_ms)
    journal.decisions_read()
    for topic in ("feedback", "interactions"):
        begun: set[int] = set()
        for record in read_to_end(there, topic):
            if record.partition not in begun:
                begun.add(record.partition)
                if record.offset > 0:  # what was before has passed the topic's retention
                    journal.known_from_ms = max(journal.known_from_ms, record.timestamp)
            journal.signal(record.value or b"", record.timestamp)
    return journal


def from_files(decisions: Path, feedback: Path | None, interactions: Path | None, since_ms: int) -> Journal:
    """All that the files hold. Without interactions, value is what conversions were worth."""
    journal = Journal()
    journal.value_from = "interactions" if interactions else "feedback"
    for payload in _payloads(decisions, Decision()):
        journal.decision(payload, since_ms)
    journal.decisions_read()
    for path in filter(None, (feedback, interactions)):
        for payload in _payloads(path, Signal()):
            journal.signal(payload)
    return journal


def _payloads(path: Path, message: Message) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    message.Clear()
                    try:
                        json_format.Parse(line, message)
                    except json_format.ParseError as error:
                        name = message.DESCRIPTOR.full_name
                        raise KairosError(f"{path}, line {number}: is no {name} in JSON ({error}).", exit_code=USAGE_ERROR) from error
                    yield message.SerializeToString()
    except (OSError, UnicodeDecodeError) as error:
        raise KairosError(f"{path} cannot be read: {error}.", exit_code=USAGE_ERROR) from error
