"""Everything a run of the benchmark measured, and the medians that are reported from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmarks.engine_loop import EngineResult
from benchmarks.machine import describe_machine
from benchmarks.plan import Plan
from benchmarks.session import Session


@dataclass(frozen=True, slots=True)
class FlatRun:
    """One size of one dimension."""

    what: str
    """`users` or `items`."""
    size: int
    session: Session


@dataclass(slots=True)
class Result:
    """Sessions are kept in the order they were run: the n-th of every build belong to the same round."""

    plan: Plan
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    machine: dict[str, Any] = field(default_factory=describe_machine)
    titles: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, list[Session]] = field(default_factory=dict)
    engine: EngineResult | None = None
    flat: list[FlatRun] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def events_per_s(self, name: str) -> float | None:
        """Median over the rounds; None if the build was not measured."""
        return _median([session.throughput.events_per_s for session in self.sessions.get(name, ())])

    def throughput(self, name: str, what: str) -> float | None:
        """The same of any number in Throughput."""
        return _median([getattr(session.throughput, what) for session in self.sessions.get(name, ())])

    def ratio(self, name: str, other: str, what: str = "events_per_s") -> float | None:
        """Median over the rounds of `name` divided by `other` in the same round: what disturbs a round disturbs both."""
        pairs = _paired(self.sessions.get(name, ()), self.sessions.get(other, ()))
        return _median([getattr(one.throughput, what) / getattr(two.throughput, what) for one, two in pairs])

    def latency(self, name: str, rate: int, what: str) -> float | None:
        """Median over the rounds of any number in Latency."""
        return _median(
            [getattr(latency, what) for session in self.sessions.get(name, ()) for latency in session.latencies if latency.rate == rate]
        )

    def flat_rates(self, what: str) -> dict[int, float]:
        """Size → median events per second."""
        sizes = sorted({run.size for run in self.flat if run.what == what})
        return {
            size: median(run.session.throughput.events_per_s for run in self.flat if (run.what, run.size) == (what, size)) for size in sizes
        }

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _paired(one: Sequence[Session], other: Sequence[Session]) -> list[tuple[Session, Session]]:
    """Sessions of the same round; a build that ran once is compared with every round of the other."""
    if len(other) == 1:
        return [(session, other[0]) for session in one]
    return list(zip(one, other, strict=False))
