"""Where two records of a decision differ, bit for bit, field by field in the order of the schema.

*Contract*: pure, over any message.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_OF_THE_LOG = frozenset({"inputs", "producer", "arms"})
"""Not part of what was decided: what was read, which build wrote it, and who else is treated the same."""

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """A field by its path, such as ``candidates[2].score``, and its two values in words."""

    field: str
    logged: str
    again: str


def first_difference(logged: Message, again: Message) -> Difference | None:
    """The first field of two decisions that is not the same; None: all are."""
    return next(_differences(logged, again, "", _OF_THE_LOG), None)


def _differences(one: Message, other: Message, path: str, left_out: frozenset[str] = frozenset()) -> Iterator[Difference]:
    for field in one.DESCRIPTOR.fields:
        if field.name not in left_out:
            name = f"{path}{field.name}"
            mine, theirs = _value(one, field), _value(other, field)
            if isinstance(mine, Mapping):
                for key in sorted({*mine, *theirs}):
                    yield from _of_values(mine.get(key, _ABSENT), theirs.get(key, _ABSENT), f"{name}[{key}]")
            elif _is_list(field):
                for place in range(max(len(mine), len(theirs))):
                    yield from _of_values(_at(mine, place), _at(theirs, place), f"{name}[{place}]")
            else:
                yield from _of_values(mine, theirs, name)


def _of_values(one: Any, other: Any, path: str) -> Iterator[Difference]:
    if isinstance(one, Message) and isinstance(other, Message):
        yield from _differences(one, other, f"{path}.")
    elif _bits(one) != _bits(other):
        yield Difference(path, _in_words(one), _in_words(other))


def _value(message: Message, field: FieldDescriptor) -> Any:
    if not _is_list(field) and field.has_presence and not message.HasField(field.name):
        return _ABSENT
    return getattr(message, field.name)


def _is_list(field: FieldDescriptor) -> bool:
    return bool(field.label == FieldDescriptor.LABEL_REPEATED)


def _at(values: Sequence[Any], place: int) -> Any:
    return values[place] if place < len(values) else _ABSENT


def _bits(value: Any) -> Any:
    """Equal for equal bits: 0 is not −0, and a NaN is itself."""
    return struct.pack("<d", value) if isinstance(value, float) else value


def _in_words(value: Any) -> str:
    if value is _ABSENT:
        return "none"
    return "there" if isinstance(value, Message) else repr(value)
