"""Golden records: one example of everything that is written to a topic or kept as state, with every field set.

``proto/golden/<release>/<name>.json`` is written by people and says what the record means; ``<name>.binpb`` beside it is
the same record as bytes, made once by ``kairos proto golden`` and never again. Tests hold that the bytes still read as the
JSON says, and that today's code still writes those bytes. Other languages can use both as test data.

*Contract*: the file's name is the message's, and for an envelope the name of the body behind a dot: ``Signal.nudge``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import Message

from kairos.contract.schemas import message_class
from kairos.errors import KairosError


@dataclass(frozen=True, slots=True)
class GoldenFile:
    """One golden record: ``text`` is for people, ``bytes_file`` what is on the wire."""

    text: Path

    @property
    def name(self) -> str:
        """Name of the message."""
        return self.text.stem

    @property
    def bytes_file(self) -> Path:
        """The file with the serialised record."""
        return self.text.with_suffix(".binpb")

    @property
    def message(self) -> str:
        """Full name of the protobuf message."""
        return f"kairos.v1.{self.name.partition('.')[0]}"

    def parse_text(self) -> Message:
        """What people wrote; raises ``KairosError`` naming the file if it is no such message."""
        message = message_class(self.message)()
        try:
            return json_format.Parse(self.text.read_text(encoding="utf-8"), message)
        except json_format.ParseError as error:
            raise KairosError(f"{self.text}: {error}", "Correct the file, or restore it from git.") from error

    def parse_bytes(self) -> Message:
        """What is on the wire; raises protobuf's ``DecodeError``."""
        return message_class(self.message).FromString(self.bytes_file.read_bytes())


def golden_files(folder: Path) -> list[GoldenFile]:
    """The golden records in this folder."""
    return [GoldenFile(path) for path in sorted(folder.glob("*.json"))]


def to_bytes(message: Message) -> bytes:
    """Deterministic: map entries in the order of their keys."""
    return message.SerializeToString(deterministic=True)


def to_text(message: Message) -> str:
    """Protobuf's JSON mapping, as documented in docs/contract.md."""
    return json_format.MessageToJson(message, indent=2, ensure_ascii=False) + "\n"


def write_missing(folder: Path) -> tuple[list[str], list[str]]:
    """Writes bytes where there are none; returns the names written, and those whose bytes today's code would write otherwise."""
    written, different = [], []
    for golden in golden_files(folder):
        fresh = to_bytes(golden.parse_text())
        if not golden.bytes_file.exists():
            golden.bytes_file.write_bytes(fresh)
            written.append(golden.name)
        elif golden.bytes_file.read_bytes() != fresh:
            different.append(golden.name)
    return written, different


def unset_fields(message: Message) -> list[str]:
    """Paths of all fields of ``message``, and of the messages in it, that are not set or have their default value."""
    return sorted(set(_unset(message, message.DESCRIPTOR.name)))


def _unset(message: Message, path: str) -> Iterator[str]:
    for field in message.DESCRIPTOR.fields:
        alternatives = field.containing_oneof
        if alternatives is not None and message.WhichOneof(alternatives.name) not in (field.name, None):
            continue  # only one of them can be set
        place = f"{path}.{field.name}"
        if not any(field.name == present.name for present, _ in message.ListFields()):
            yield place
        elif field.type == Field.TYPE_MESSAGE:
            for inner in _inner_messages(message, field):
                yield from _unset(inner, place)


def _inner_messages(message: Message, field: Field) -> list[Message]:
    value = getattr(message, field.name)
    if field.message_type.GetOptions().map_entry:
        return list(value.values()) if field.message_type.fields_by_name["value"].type == Field.TYPE_MESSAGE else []
    return list(value) if field.label == Field.LABEL_REPEATED else [value]
