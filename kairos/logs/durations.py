"""Lengths of time as people write them.

>>> duration_ms("1.5h"), duration_ms("2d"), duration_ms("0")
(5400000, 172800000, 0)
"""

import re

_MS = {"ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*")


def duration_ms(text: str) -> int:
    """Milliseconds of "90s", "15m", "1h", "2d" or "0"; raises ``ValueError`` that says what would do."""
    match = _DURATION.fullmatch(text.lower())
    number, unit = match.groups() if match else ("", "")
    if not number or (unit not in _MS and float(number) != 0):
        raise ValueError(f"{text!r} is no length of time; write a number and one of {', '.join(_MS)}, such as 2d or 90s")
    return round(float(number) * _MS.get(unit, 0))


def in_words(ms: int) -> str:
    """The largest unit that divides it: 172800000 is "2d"."""
    for unit in ("w", "d", "h", "m", "s"):
        if ms and ms % _MS[unit] == 0:
            return f"{ms // _MS[unit]}{unit}"
    return f"{ms}ms" if ms else "0"
