"""What the benchmark is held to, and whether it was met. A target that was not measured at its own size is not met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.result import Result

EVENTS_PER_S = 25_000
TIMES_TEXTBOOK = 20.0
LEVEL = 1.0
RATE = 4_000
P50_MS = 6.0
P99_MS = 25.0
FLAT = 0.8
"""The slowest size may be a fifth slower than the fastest."""
_USERS, _ITEMS = 100_000, 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """One of them. `met` None: not measured."""

    text: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """In a word."""
        return {True: "met", False: "MISSED", None: "not measured"}[self.met]


def targets(result: Result) -> list[Target]:
    """All of them, in a fixed order."""
    return [*_throughput(result), *_comparisons(result), *_latency(result), *_flatness(result)]


def _throughput(result: Result) -> Iterator[Target]:
    text = f"at least {EVENTS_PER_S:,} events/s per slot, with {_USERS:,} users and {_ITEMS:,} items"
    rate = result.events_per_s("kairos")
    if rate is None or result.plan.users < _USERS or result.plan.items < _ITEMS:
        yield Target(text, "" if rate is None else f"{rate:,.0f}, with {result.plan.users:,} users", None)
    else:
        yield Target(text, f"{rate:,.0f}", rate >= EVENTS_PER_S)


def _comparisons(result: Result) -> Iterator[Target]:
    for name, least, text in (
        ("textbook", TIMES_TEXTBOOK, f"at least {TIMES_TEXTBOOK:.0f} times a textbook PyFlink job"),
        ("bytewax", LEVEL, "at least level with the core inside Bytewax"),
        ("quix", LEVEL, "at least level with the core inside Quix Streams"),
    ):
        ratio = result.ratio("kairos", name)
        yield Target(text, "" if ratio is None else f"{ratio:.2f} ×", None if ratio is None else ratio >= least)


def _latency(result: Result) -> Iterator[Target]:
    for what, most in (("p50_ms", P50_MS), ("p99_ms", P99_MS)):
        value = result.latency("kairos", RATE, what)
        text = f"{what.removesuffix('_ms')} at most {most:.0f} ms at {RATE:,} events/s"
        yield Target(text, "" if value is None else f"{value:.1f} ms", None if value is None else value <= most)


def _flatness(result: Result) -> Iterator[Target]:
    for what, unit in (("users", "users, RocksDB"), ("items", "items")):
        sizes = result.flat_rates(what)
        if len(sizes) < 2:
            yield Target(f"flat as {what} grow", "", None)
            continue
        text = f"flat from {min(sizes):,} to {max(sizes):,} {unit}: the slowest at least {FLAT:.0%} of the fastest"
        share = min(sizes.values()) / max(sizes.values())
        yield Target(text, f"{share:.0%}", share >= FLAT)
