"""Times of any kind as milliseconds since the epoch: Arrow time stamps, numbers with a unit, text with a format and a zone.

>>> import pyarrow as pa
>>> TimeReader().read(pa.array(["1970-01-01T00:00:02Z", "1970-01-01 00:00:03.5", "soon"])).to_pylist()
[2000, 3500, None]
>>> TimeReader(unit="s").read(pa.array(["1511658000", ""])).to_pylist()
[1511658000000, None]
>>> TimeReader(format="%d/%m/%Y %H:%M", zone="Europe/London").read(pa.array(["01/07/2011 09:30"])).to_pylist()
[1309509000000]
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kairos.logs.columns import as_number

Unit = Literal["s", "ms", "us", "ns"]
_MS_PER_UNIT = {"s": 1000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
_QUARTER_HOUR_MS = 15 * 60 * 1000  # every offset in use since 1900 but Liberia's is a multiple of it
_YEAR_3000_MS = 32_503_680_000_000
# What Arrow's strptime reads; other directives (%f, %z, %p, %b, …) go value by value through Python's.
_ARROW_DIRECTIVES = frozenset("YmdHMS%yjT")


@dataclass(frozen=True, slots=True)
class TimeReader:
    """How a column says when. ``unit``: it holds numbers; else ``format``: "iso" or strptime's; ``zone``: of times without one."""

    unit: Unit | None = None
    format: str = "iso"
    zone: str = "UTC"

    def read(self, array: pa.Array) -> pa.Array:
        """int64 milliseconds since the epoch; null for what cannot be read or lies outside of the years 1970 to 3000."""
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        ms = self._milliseconds(array)
        return pc.if_else(pc.and_(pc.greater_equal(ms, 0), pc.less(ms, _YEAR_3000_MS)), ms, None)

    def _milliseconds(self, array: pa.Array) -> pa.Array:
        kind = array.type
        if pa.types.is_timestamp(kind):
            return self._from_timestamps(array)
        if pa.types.is_date(kind):
            return self._from_timestamps(pc.cast(array, pa.timestamp("ms")))
        if self.unit is not None or pa.types.is_integer(kind) or pa.types.is_floating(kind):
            scaled = pc.multiply(as_number(array), _MS_PER_UNIT[self.unit or "s"])
            in_range = pc.less(pc.abs(scaled), float(_YEAR_3000_MS))
            return pc.cast(pc.round(pc.if_else(in_range, scaled, None)), pa.int64())
        return self._from_text(pc.utf8_trim_whitespace(array))

    def _from_timestamps(self, array: pa.Array) -> pa.Array:
        ms = pc.cast(pc.cast(array, pa.timestamp("ms", array.type.tz), safe=False), pa.int64())
        return ms if array.type.tz is not None else self._from_local(ms)

    def _from_local(self, local_ms: pa.Array) -> pa.Array:
        """Wall-clock milliseconds of ``zone`` to UTC. An hour that comes twice is the first, one that is left out moves on."""
        if self.zone == "UTC":
            return local_ms
        values = pc.fill_null(local_ms, 0).to_numpy(zero_copy_only=False)
        quarters, where = np.unique(values // _QUARTER_HOUR_MS, return_inverse=True)
        zone = ZoneInfo(self.zone)
        offsets: NDArray[np.int64] = np.array([_offset_ms(int(quarter) * _QUARTER_HOUR_MS, zone) for quarter in quarters], np.int64)
        return pc.if_else(pc.is_valid(local_ms), pa.array(values - offsets[where]), None)

    def _from_text(self, text: pa.Array) -> pa.Array:
        if self.format == "iso":
            try:
                return self._from_local(pc.cast(pc.cast(text, pa.timestamp("ms")), pa.int64()))
            except pa.ArrowInvalid:  # a zone in the text, more digits than milliseconds, or a bad value
                return self._value_by_value(text, datetime.fromisoformat)
        if _directives(self.format) <= _ARROW_DIRECTIVES:
            return self._from_local(pc.cast(pc.strptime(text, self.format, "ms", error_is_null=True), pa.int64()))
        return self._value_by_value(text, lambda value: datetime.strptime(value, self.format))  # noqa: DTZ007 - zone follows

    def _value_by_value(self, text: pa.Array, parse: Callable[[str], datetime]) -> pa.Array:
        encoded = text.dictionary_encode()
        zone = ZoneInfo(self.zone)
        read = pa.array([_parsed_ms(value, parse, zone) for value in encoded.dictionary.to_pylist()], pa.int64())
        return pc.take(read, encoded.indices)


def _parsed_ms(value: str, parse: Callable[[str], datetime], zone: ZoneInfo) -> int | None:
    try:
        moment = parse(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return round(moment.timestamp() * 1000)


def _offset_ms(local_ms: int, zone: ZoneInfo) -> int:
    wall_clock = datetime.fromtimestamp(local_ms / 1000, UTC).replace(tzinfo=zone)
    offset = wall_clock.utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1000)


def _directives(pattern: str) -> set[str]:
    return {pattern[at + 1 : at + 2] for at, character in enumerate(pattern) if character == "%"}
