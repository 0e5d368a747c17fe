"""What a check found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """FAIL: the job would not run, or would lose or refuse records. WARN: it runs, but not as it should. SKIP: not looked at."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """``what`` was looked at, ``detail`` what was found; ``todo`` is empty only if there is nothing to do."""

    level: Level
    what: str
    detail: str
    todo: str = ""


def ok(what: str, detail: str) -> Finding:
    """A finding that is as it should be."""
    return Finding(Level.OK, what, detail)


def warn(what: str, detail: str, todo: str) -> Finding:
    """A finding that works, but not well; `todo` says what to do."""
    return Finding(Level.WARN, what, detail, todo)


def fail(what: str, detail: str, todo: str) -> Finding:
    """A finding that keeps the job from working; `todo` says what to do."""
    return Finding(Level.FAIL, what, detail, todo)


def skip(what: str, detail: str) -> Finding:
    """Something that could not be looked at."""
    return Finding(Level.SKIP, what, detail)
