"""Where decisions, the policies they name, and what became of pushes come from: the topics of a running job, or files of JSON lines.

*Contract*: raises ``KairosError`` that names the file and line, or the topic. Records of a topic that are no such message are passed over.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from google.protobuf.message import DecodeError as WireError

from flink_job.codec.errors import DecodeError
from flink_job.codec.knowledge import PolicyDecoder, PolicyRelease, policy_key
from kairos.contract.connection import Connection
from kairos.contract.json_lines import read_json_lines
from kairos.contract.reading import read_to_end
from kairos.v1.decision_pb2 import Decision
from kairos.v1.feedback_pb2 import OUTCOME_CONVERTED
from kairos.v1.knowledge_pb2 import Knowledge
from kairos.v1.signal_pb2 import Signal

_NO_LIMIT = 1 << 62


def decisions_on_topic(there: Connection) -> Iterator[Decision]:
    """All that the topic holds now, of each user in order."""
    for record in read_to_end(there, "decisions"):
        try:
            yield Decision.FromString(record.value or b"")
        except WireError:
            continue


def decisions_in(path: Path) -> Iterator[Decision]:
    """All that the file holds."""
    for payload in read_json_lines(path, Decision()):
        yield Decision.FromString(payload)


def releases_on_topic(there: Connection) -> Iterator[PolicyRelease]:
    """Every release that the topic still holds, those included that were replaced; compaction takes these away after a while."""
    for record in read_to_end(there, "knowledge"):
        key = (record.key or b"").decode(errors="replace")
        if record.value is not None and key.startswith(policy_key("")):
            yield from _release(key, record.value)


def releases_in(path: Path) -> Iterator[PolicyRelease]:
    """Every release that the file holds."""
    for payload in read_json_lines(path, Knowledge()):
        policy = Knowledge.FromString(payload).policy
        yield from _release(policy_key(policy.policy_id, policy.arm), payload)


def conversions_on_topic(there: Connection) -> dict[str, float]:
    """1 for every command whose push led to a conversion, as far as the topic tells by now."""
    return _conversions(record.value or b"" for record in read_to_end(there, "feedback"))


def conversions_in(path: Path) -> dict[str, float]:
    """1 for every command whose push led to a conversion, as far as the file tells."""
    return _conversions(read_json_lines(path, Signal()))


def _conversions(payloads: Iterable[bytes]) -> dict[str, float]:
    converted: dict[str, float] = {}
    for payload in payloads:
        try:
            feedback = Signal.FromString(payload).feedback
        except WireError:
            continue
        if feedback.outcome == OUTCOME_CONVERTED:
            converted[feedback.command_id] = 1.0
    return converted


def _release(key: str, payload: bytes) -> Iterator[PolicyRelease]:
    """None that the job would refuse."""
    try:
        release = PolicyDecoder(_NO_LIMIT, _NO_LIMIT).decode(key, payload, 0, _NO_LIMIT)
    except DecodeError:
        return
    if isinstance(release, PolicyRelease):
        yield release
