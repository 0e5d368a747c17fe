"""Protobuf's JSON mapping, compiled once for each message, so that a record costs microseconds and a mistake has a name.

`google.protobuf.json_format` reads the same and is the reference in the tests; it takes about three times as long and tells mistakes in a sentence.
Here a value goes from JSON's types to the arguments of the message's constructor, which protobuf's C code takes in one call.

Differences, all towards refusing: numbers must be finite; a record names each field once; an enum is a name or a number, not a number in quotes.
"""

from __future__ import annotations

import binascii
import difflib
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Literal

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.collector.refusal import Refusal

Unknown = Literal["refuse", "ignore"]
Converter = Callable[[Any], Any]

_INT32 = (-(1 << 31), (1 << 31) - 1)
_INT64 = (-(1 << 63), (1 << 63) - 1)
_LONGEST_NUMBER = 40
_BASE64 = str.maketrans("-_", "+/")


class JsonReader:
    """Reads one kind of message.

    >>> from kairos.v1.interaction_pb2 import Interaction
    >>> JsonReader(Interaction.DESCRIPTOR, "refuse").arguments({"userId": "ada", "occurredAtMs": "12", "context": {"country": "PT"}})
    {'user_id': 'ada', 'occurred_at_ms': 12, 'context': {'country': 'PT'}}
    """

    __slots__ = ("_fields", "_json_names", "_unknown")

    def __init__(self, descriptor: Descriptor, unknown: Unknown) -> None:
        self._unknown = unknown
        self._json_names = tuple(field.json_name for field in descriptor.fields)
        self._fields: dict[str, tuple[str, Converter]] = {}
        for field in descriptor.fields:
            entry = (field.name, _field_converter(field, unknown))
            self._fields[field.json_name] = self._fields[field.name] = entry

    def arguments(self, value: Any) -> dict[str, Any]:
        """Arguments for the message's constructor. Raises Refusal, which names the field as JSON does."""
        if type(value) is not dict:
            raise Refusal("wrong_type", "", f"must be an object, not {_called(value)}")
        arguments: dict[str, Any] = {}
        fields = self._fields
        for key, given in value.items():
            entry = fields.get(key)
            if entry is None:
                if self._unknown == "refuse":
                    raise Refusal("unknown_field", _short(key), f"there is no such field{_hint(_short(key), self._json_names)}")
                continue
            if given is None:  # null: not set
                continue
            name, convert = entry
            if name in arguments:
                raise Refusal("malformed", _short(key), "is given twice")
            try:
                arguments[name] = convert(given)
            except Refusal as refusal:
                raise refusal.inside(key) from None
        return arguments


def text_that_is_none(value: Any, name: str = "") -> Refusal | None:
    """Which text among the arguments cannot be UTF-8 (JSON can write half a character, a lone surrogate); None: all can."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return Refusal("invalid_field", name, "holds half a character (a lone surrogate)")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if found := text_that_is_none(key, name) or text_that_is_none(inner, f"{name}.{_camel(key)}" if name else _camel(key)):
                return found
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            if found := text_that_is_none(inner, f"{name}[{place}]"):
                return found
    return None


def _field_converter(field: FieldDescriptor, unknown: Unknown) -> Converter:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        value = entry.fields_by_name["value"]
        one = _converter(value, unknown)
        return _map(one if value.message_type is None else _made(value.message_type, one))
    one = _converter(field, unknown)
    return _repeated(one) if field.label == FieldDescriptor.LABEL_REPEATED else one


def _converter(field: FieldDescriptor, unknown: Unknown) -> Converter:
    kinds = FieldDescriptor
    match field.type:
        case kinds.TYPE_STRING:
            return _text
        case kinds.TYPE_BOOL:
            return _truth
        case kinds.TYPE_INT64:
            return _integer(_INT64)
        case kinds.TYPE_INT32:
            return _integer(_INT32)
        case kinds.TYPE_DOUBLE | kinds.TYPE_FLOAT:
            return _number
        case kinds.TYPE_BYTES:
            return _bytes
        case kinds.TYPE_ENUM:
            return _enum(field.enum_type)
        case kinds.TYPE_MESSAGE:
            return JsonReader(field.message_type, unknown).arguments
    raise NotImplementedError(f"{field.full_name}: the contract has had no field of this type")


def _repeated(one: Converter) -> Converter:
    def convert(value: Any) -> list[Any]:
        if type(value) is not list:
            raise Refusal("wrong_type", "", f"must be a list, not {_called(value)}")
        converted = []
        for place, inner in enumerate(value):
            try:
                converted.append(one(inner))
            except Refusal as refusal:
                raise refusal.inside(f"[{place}]") from None
        return converted

    return convert


def _map(one: Converter) -> Converter:
    def convert(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Refusal("wrong_type", "", f"must be an object, not {_called(value)}")
        converted = {}
        for key, inner in value.items():
            try:
                converted[key] = one(inner)
            except Refusal as refusal:
                raise refusal.inside(_short(key)) from None
        return converted

    return convert


def _made(descriptor: Descriptor, read: Converter) -> Converter:
    """In a map, protobuf takes messages only ready-made."""
    cls: Any = message_factory.GetMessageClass(descriptor)

    def convert(value: Any) -> Any:
        arguments = read(value)
        try:
            return cls(**arguments)
        except UnicodeEncodeError as error:
            raise text_that_is_none(arguments) or Refusal("malformed", "", "cannot be read") from error

    return convert


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Refusal("wrong_type", "", f"must be a text, not {_called(value)}")
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise Refusal("wrong_type", "", f"must be true or false, not {_called(value)}")
    return value


def _integer(bounds: tuple[int, int]) -> Converter:
    least, most = bounds

    def convert(value: Any) -> int:
        if type(value) is str and len(value) <= _LONGEST_NUMBER:
            try:
                value = int(value) if value.isascii() and value.strip() == value and "_" not in value else None
            except ValueError:
                value = None
        elif type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise Refusal("wrong_type", "", "must be a whole number, as a number or in quotes")
        if not least <= value <= most:
            raise Refusal("invalid_field", "", f"must be between {least} and {most}")
        return value

    return convert


def _number(value: Any) -> float:
    if type(value) is str and len(value) <= _LONGEST_NUMBER and value.isascii() and value.strip() == value and "_" not in value:
        with suppress(ValueError):
            value = float(value)
    if type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
    if type(value) is not float:
        raise Refusal("wrong_type", "", f"must be a number, not {_called(value)}")
    if not math.isfinite(value):
        raise Refusal("invalid_field", "", "must be a finite number")
    return value


def _bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise Refusal("wrong_type", "", f"must be base64 in quotes, not {_called(value)}")
    plain = value.translate(_BASE64).rstrip("=")
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
    except ValueError as error:  # binascii.Error is one, and so is what is not ASCII
        raise Refusal("invalid_field", "", "is not base64") from error


def _enum(descriptor: EnumDescriptor) -> Converter:
    numbers = {value.name: value.number for value in descriptor.values}
    names = tuple(numbers)

    def convert(value: Any) -> Any:
        if type(value) is str:
            number = numbers.get(value)
            if number is None:
                raise Refusal("invalid_field", "", f"{_short(value)!r} is no {descriptor.name}{_hint(_short(value), names)}")
            return number
        if type(value) is not int:
            raise Refusal("wrong_type", "", f"must be the name of a {descriptor.name}, not {_called(value)}")
        if not _INT32[0] <= value <= _INT32[1]:
            raise Refusal("invalid_field", "", f"{_short(str(value))} is no {descriptor.name}")
        return value

    return convert


@lru_cache(maxsize=1024)
def _hint(given: str, names: tuple[str, ...]) -> str:
    """What may have been meant. Remembered: looking for it takes longer than reading a record, and a sender's mistake comes in every record."""
    close = [name for name in names if name.endswith("_" + given.upper())] or difflib.get_close_matches(given, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _called(value: Any) -> str:
    """What JSON calls it."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _short(text: str, most: int = 64) -> str:
    """Of a text that somebody sent, as much as one may send back; nothing that cannot be printed."""
    shown = text if len(text) <= most else f"{text[:most]}…"
    return shown.encode("utf-8", "replace").decode()


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
