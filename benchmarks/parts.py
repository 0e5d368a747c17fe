"""Where the microseconds of one event go: a sampling profiler that names the parts of the engine instead of its functions.

A timer interrupts the program a thousand times a second; the innermost frame that belongs to a part gets the sample, and what it calls in NumPy or
protobuf counts as its own. This costs about one per cent, a clock around every function would cost more than most of them.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SAMPLE_EVERY_S = 0.001

PARTS = (
    ("codec/signals.py", "", "decode signal"),
    ("codec/origin.py", "", "decode signal"),
    ("codec/state.py", "encode", "encode state"),
    ("codec/state.py", "", "decode state"),
    ("codec/interest.py", "write_elsewhere", "encode state"),
    ("codec/interest.py", "", "decode state"),
    ("core/state.py", "", "decode state"),
    ("flink_job/state_cache.py", "", "state cache"),
    ("core/interest.py", "tastes", "ranking"),
    ("core/interest.py", "_mean", "ranking"),
    ("core/tastes.py", "", "ranking"),
    ("core/interest.py", "", "interest"),
    ("core/recents.py", "affinity", "ranking"),
    ("core/recents.py", "unfinished", "candidates"),
    ("core/recents.py", "", "recents"),
    ("core/gates.py", "", "gates"),
    ("core/quiet_hours.py", "", "gates"),
    ("core/history.py", "cap_opens_at_ms", "gates"),
    ("core/history.py", "keys_since", "ranking"),
    ("core/history.py", "", "history"),
    ("core/ids.py", "", "hashes"),
    ("core/candidates.py", "", "candidates"),
    ("core/index/", "", "candidates"),
    ("core/catalogue.py", "near", "candidates"),
    ("core/catalogue.py", "near_of", "candidates"),
    ("core/catalogue.py", "alike", "candidates"),
    ("core/catalogue.py", "fresh", "candidates"),
    ("core/catalogue.py", "in_category", "candidates"),
    ("core/catalogue.py", "score", "ranking"),
    ("core/catalogue.py", "eligible", "candidates"),
    ("core/ranking.py", "", "ranking"),
    ("core/scoring.py", "", "ranking"),
    ("codec/pushes.py", "", "records"),
    ("codec/decisions.py", "", "records"),
    ("core/intake.py", "", "intake"),
    ("core/policy.py", "", "policy"),
    ("core/deciding.py", "", "policy"),
    ("core/planner.py", "", "moment"),
    ("core/moment.py", "", "moment"),
    ("core/send_time.py", "", "moment"),
    ("core/local_time.py", "", "moment"),
    ("core/utility.py", "", "ranking"),
    ("core/diversity.py", "", "ranking"),
    ("core/eligibility.py", "", "ranking"),
    ("core/choosing.py", "", "choice"),
    ("core/exploration.py", "", "choice"),
    ("core/messages/", "", "wording"),
    ("flink_job/engine.py", "", "engine"),
    ("flink_job/metrics.py", "", "engine"),
    ("flink_job/dead_letter_limit.py", "", "engine"),
    ("benchmarks/", "", "loop"),
)
"""(end of the file, function or "") → part; the first that fits counts."""


class Samples:
    """Samples by part, and by line within it."""

    def __init__(self) -> None:
        self.by_part: Counter[str] = Counter()
        self.by_line: Counter[tuple[str, str]] = Counter()
        self._known: dict[tuple[str, str], str] = {}

    def shares(self) -> dict[str, float]:
        """Part → share of all samples, largest first."""
        total = max(1, self.by_part.total())
        return {part: count / total for part, count in self.by_part.most_common()}

    def take(self, _signum: int, frame: FrameType | None) -> None:
        """Handler of the timer's signal."""
        while frame is not None:
            code = frame.f_code
            place = code.co_filename, code.co_name
            part = self._known.get(place)
            if part is None:
                part = self._known[place] = _part_of(*place)
            if part:
                self.by_part[part] += 1
                self.by_line[part, f"{code.co_filename.rpartition('/')[2]}:{frame.f_lineno} {code.co_name}"] += 1
                return
            frame = frame.f_back
        self.by_part["other"] += 1


@contextmanager
def sampled() -> Iterator[Samples]:
    """Samples the main thread inside the ``with`` block."""
    samples = Samples()
    before = signal.signal(signal.SIGALRM, samples.take)
    signal.setitimer(signal.ITIMER_REAL, SAMPLE_EVERY_S, SAMPLE_EVERY_S)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _part_of(path: str, function: str) -> str:
    for file, name, part in PARTS:
        if (path.endswith(file) or (file.endswith("/") and file in path)) and name in ("", function):
            return part
    return ""
