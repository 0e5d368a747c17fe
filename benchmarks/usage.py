"""What processes use while something is measured: CPU seconds and memory of whole process trees, four times a second."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import psutil

_EVERY_S = 0.25
_MIB = 1 << 20


@dataclass(slots=True)
class Usage:
    """Readings of named groups of processes; times are epoch milliseconds."""

    at_ms: list[float] = field(default_factory=list)
    cpu_s: dict[str, list[float]] = field(default_factory=dict)
    rss_mib: dict[str, list[float]] = field(default_factory=dict)

    def cpu_between(self, group: str, first_ms: float, last_ms: float) -> float:
        """CPU seconds of a group between two moments, by linear interpolation."""
        return self._at(self.cpu_s[group], last_ms) - self._at(self.cpu_s[group], first_ms)

    def peak_rss_mib(self, group: str, first_ms: float, last_ms: float) -> float:
        """Most memory a group held between two moments."""
        first, last = bisect_left(self.at_ms, first_ms), bisect_left(self.at_ms, last_ms)
        return max(self.rss_mib[group][first : last + 1], default=0.0)

    def _at(self, values: Sequence[float], moment_ms: float) -> float:
        after = min(max(bisect_left(self.at_ms, moment_ms), 1), len(self.at_ms) - 1)
        span = self.at_ms[after] - self.at_ms[after - 1]
        part = min(1.0, max(0.0, (moment_ms - self.at_ms[after - 1]) / span)) if span else 0.0
        return values[after - 1] + part * (values[after] - values[after - 1])


@contextmanager
def watched(groups: Mapping[str, Callable[[], Sequence[int]]]) -> Iterator[Usage]:
    """Reads groups, name → process ids whose trees belong to it, until the ``with`` block is left."""
    usage = Usage(cpu_s={name: [] for name in groups}, rss_mib={name: [] for name in groups})
    over = Event()
    trees = {name: _Tree() for name in groups}

    def watch() -> None:
        while True:
            at_ms = time.time_ns() / 1e6
            for name, pids in groups.items():
                cpu_s, rss = trees[name].read(pids())
                usage.cpu_s[name].append(cpu_s)
                usage.rss_mib[name].append(rss / _MIB)
            usage.at_ms.append(at_ms)  # last: whoever asks meanwhile finds a reading for every moment
            if over.wait(_EVERY_S):
                return

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield usage
    finally:
        over.set()
        watcher.join()


class _Tree:
    """Processes and their children. What has ended keeps the CPU it had used."""

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}
        self._cpu_s: dict[int, float] = {}
        self._readings = 0

    def read(self, roots: Sequence[int]) -> tuple[float, int]:
        """CPU seconds so far, and resident bytes now."""
        if self._readings % 8 == 0:  # looking for children costs more than reading them
            self._look_for(roots)
        self._readings += 1
        rss = 0
        for pid, process in list(self._processes.items()):
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    self._cpu_s[pid] = times.user + times.system
                    rss += process.memory_info().rss
            except psutil.NoSuchProcess:
                del self._processes[pid]
        return sum(self._cpu_s.values()), rss

    def _look_for(self, roots: Sequence[int]) -> None:
        for root in roots:
            try:
                process = psutil.Process(root)
                found = [process, *process.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
            for one in found:
                self._processes.setdefault(one.pid, one)
