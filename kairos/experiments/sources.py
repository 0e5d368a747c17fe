"""Where an experiment's records come from: the topics of a running job, or files of JSON lines.

A file holds ``Decision`` or ``Signal`` as JSON lines.

*Contract*: raises ``KairosError`` that names the file and line, or the topic.
"""

from pathlib import Path

from kairos.contract.connection import Connection
from kairos.contract.json_lines import read_json_lines
from kairos.contract.reading import read_to_end
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
    for payload in read_json_lines(decisions, Decision()):
        journal.decision(payload, since_ms)
    journal.decisions_read()
    for path in filter(None, (feedback, interactions)):
        for payload in read_json_lines(path, Signal()):
            journal.signal(payload)
    return journal
