"""Values of JSON, as the arguments that protobuf's constructors take; what does not fit is a `Refusal` whose field the caller fills in."""

from __future__ import annotations

import binascii
import difflib
import math
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import EnumDescriptor

from gateway.collector.refusal import Refusal

Converter = Callable[[Any], Any]

INT32 = (-(1 << 31), (1 << 31) - 1)
INT64 = (-(1 << 63), (1 << 63) - 1)
_LONGEST_NUMBER = 40
_BASE64 = str.maketrans("-_", "+/")


def text(value: Any) -> str:
    """A text. Raises Refusal, as all of these."""
    if type(value) is not str:
        raise Refusal("wrong_type", "", f"must be a text, not {called(value)}")
    return value


def truth(value: Any) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise Refusal("wrong_type", "", f"must be true or false, not {called(value)}")
    return value


def integer(bounds: tuple[int, int]) -> Converter:
    """What reads whole numbers within the bounds, both included; 64-bit ones come in quotes."""
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


def number(value: Any) -> float:
    """A finite number; in quotes, too."""
    if type(value) is str and len(value) <= _LONGEST_NUMBER and value.isascii() and value.strip() == value and "_" not in value:
        with suppress(ValueError):
            value = float(value)
    if type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
    if type(value) is not float:
        raise Refusal("wrong_type", "", f"must be a number, not {called(value)}")
    if not math.isfinite(value):
        raise Refusal("invalid_field", "", "must be a finite number")
    return value


def base64_bytes(value: Any) -> bytes:
    """Bytes in base64, of either alphabet, with or without its padding."""
    if type(value) is not str:
        raise Refusal("wrong_type", "", f"must be base64 in quotes, not {called(value)}")
    plain = value.translate(_BASE64).rstrip("=")
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
    except ValueError as error:  # binascii.Error is one, and so is what is not ASCII
        raise Refusal("invalid_field", "", "is not base64") from error


def enum(descriptor: EnumDescriptor) -> Converter:
    """What reads names of values, or their numbers; a number without a name may be of a newer schema."""
    numbers = {value.name: value.number for value in descriptor.values}
    names = tuple(numbers)

    def convert(value: Any) -> Any:
        if type(value) is str:
            number = numbers.get(value)
            if number is None:
                raise Refusal("invalid_field", "", f"{short(value)!r} is no {descriptor.name}{hint(short(value), names)}")
            return number
        if type(value) is not int:
            raise Refusal("wrong_type", "", f"must be the name of a {descriptor.name}, not {called(value)}")
        if not INT32[0] <= value <= INT32[1]:
            raise Refusal("invalid_field", "", f"{short(str(value))} is no {descriptor.name}")
        return value

    return convert


@lru_cache(maxsize=1024)
def hint(given: str, names: tuple[str, ...]) -> str:
    """What may have been meant. Remembered: looking for it takes longer than reading a record, and a sender's mistake comes in every record."""
    close = [name for name in names if name.endswith("_" + given.upper())] or difflib.get_close_matches(given, names, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def called(value: Any) -> str:
    """What JSON calls it."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def short(text: str, most: int = 64) -> str:
    """Of a text that somebody sent, as much as one may send back; nothing that cannot be printed."""
    shown = text if len(text) <= most else f"{text[:most]}…"
    return shown.encode("utf-8", "replace").decode()
