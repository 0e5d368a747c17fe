"""A batch of events, column by column: what every log is turned into before it becomes records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from numpy.typing import NDArray

from kairos.v1.interaction_pb2 import Context, Interaction

# One value for every row, or one for all of them. "" and 0 mean "not known", as in the contract.
Values = Sequence[str] | Sequence[int] | Sequence[float] | str | int | float

_SET_ELSEWHERE = {"user_id", "occurred_at_ms", "context", "attributes"}


def _field_names() -> dict[str, type]:
    """The contract's own names; those of the context as ``context.country``. Value: what Python type the field takes."""
    types = {FieldDescriptor.CPPTYPE_STRING: str, FieldDescriptor.CPPTYPE_DOUBLE: float}
    fields = {field.name: types.get(field.cpp_type, int) for field in Interaction.DESCRIPTOR.fields if field.name not in _SET_ELSEWHERE}
    return fields | {f"context.{field.name}": types.get(field.cpp_type, int) for field in Context.DESCRIPTOR.fields}


EVENT_FIELDS: Mapping[str, type] = _field_names()


@dataclass(frozen=True, slots=True)
class EventColumns:
    """n events in order of time, all usable. ``fields``: by name of ``EVENT_FIELDS``; ``attributes``: free columns by key.

    ``rows`` (n,): numbers of the rows in the file; ``at_ms`` (n,): event times, milliseconds since the epoch.
    """

    rows: NDArray[np.int64]
    at_ms: NDArray[np.int64]
    user_id: Sequence[str]
    fields: Mapping[str, Values]
    attributes: Mapping[str, Sequence[str]] | None = None

    def __len__(self) -> int:
        return len(self.user_id)

    def part(self, start: int, end: int) -> "EventColumns":
        """Events ``start`` to ``end``, exclusive."""
        return EventColumns(
            self.rows[start:end],
            self.at_ms[start:end],
            self.user_id[start:end],
            {name: values if _is_constant(values) else values[start:end] for name, values in self.fields.items()},  # type: ignore[index]
            self.attributes and {key: values[start:end] for key, values in self.attributes.items()},
        )


def _is_constant(values: Values) -> bool:
    return isinstance(values, (str, int, float))
