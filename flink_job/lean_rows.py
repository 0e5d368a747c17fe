"""Rows as plain tuples on the way in and out of the operator, in thread mode.

PyFlink makes a `Row` of every record, with names and a row kind that nobody here reads; that costs more than the gates. Its
converters belong to the operation that opens the operator, so they are replaced for this operator alone, from inside `open()`.
Where PyFlink's internals look otherwise, nothing is replaced and the operator works with rows.
"""

from __future__ import annotations

import sys
from typing import Any

_INSERT = 0
_FRAMES = 8


class LeanRow:
    """Converter of nested rows (kind, (field, …)) whose fields need no conversion themselves."""

    __slots__ = ("_nested",)

    def __init__(self, nested: tuple[int, ...]) -> None:
        """`nested`: positions of fields that are rows."""
        self._nested = nested

    def to_internal(self, value: Any) -> Any:
        """A tuple of the fields."""
        fields = value[1]
        if self._nested:
            return tuple(field[1] if at in self._nested else field for at, field in enumerate(fields))
        return fields

    @staticmethod
    def to_external(value: Any) -> Any:
        """An inserted row with the fields of the tuple."""
        return _INSERT, value


def use_lean_rows() -> Any:
    """Called from an operator's `open()`: hand it tuples, and take tuples from it. Returns the operation; None if this is not possible here."""
    try:
        from pyflink.fn_execution.embedded.converters import IdentityDataConverter, RowDataConverter
        from pyflink.fn_execution.embedded.operations import TwoInputFunctionOperation
    except ImportError:  # process mode has no embedded interpreter
        return None

    operation = _calling(TwoInputFunctionOperation)
    names = ("_input_data_converter1", "_input_data_converter2", "_output_data_converter")
    converters = [getattr(operation, name, None) for name in names]
    lean: list[LeanRow] = []
    for converter in converters:
        nested = _nested_rows(converter, RowDataConverter, IdentityDataConverter)
        if nested is None:
            return None
        lean.append(LeanRow(nested))
    for name, converter in zip(names, lean, strict=True):
        setattr(operation, name, converter)
    return operation


def _calling(kind: type) -> Any:
    """The object of this kind that is calling, from the frames above."""
    for depth in range(1, _FRAMES):
        try:
            caller = sys._getframe(depth).f_locals.get("self")
        except ValueError:
            return None
        if isinstance(caller, kind):
            return caller
    return None


def _nested_rows(converter: Any, row: Any, identity: Any) -> tuple[int, ...] | None:
    """Positions of nested rows, or None if some field needs more than to be passed on."""
    if not isinstance(converter, row):
        return None
    nested = []
    for at, field in enumerate(converter._field_data_converters):
        if isinstance(field, row) and all(isinstance(inner, identity) for inner in field._field_data_converters):
            nested.append(at)
        elif not isinstance(field, identity):
            return None
    return tuple(nested)
