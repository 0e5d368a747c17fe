"""One build, started on fresh topics, measured, and stopped."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.builds.build import Build
from benchmarks.latency import Latency, measure_latency
from benchmarks.log import Log
from benchmarks.stage import staged
from benchmarks.throughput import Throughput, drain, evaluate
from benchmarks.usage import watched
from kairos.local.kafka import EmbeddedKafka

Say = Callable[[str], None]

_FIRST_NEW_USER = 10_000_000
_LIMITS_FOR_THE_REST = 3


@dataclass(frozen=True, slots=True)
class Session:
    """What one session measured."""

    throughput: Throughput
    latencies: list[Latency] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LatencyPlan:
    """At which rates, and for how long, latency is measured once the backlog is done."""

    rates: Sequence[int]
    seconds: float


def measure(broker: EmbeddedKafka, build: Build, log: Log, *, name: str, limit_s: float, latency: LatencyPlan | None, say: Say) -> Session:
    """Backlog first, then, when the build is through with it, the paced runs. Raises KairosError.

    What it reached of the backlog within `limit_s` is its throughput; for the rest it has longer.
    """
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder, staged(broker.bootstrap_servers, name) as stage:
        log.write_to(stage)
        say(f"{build.title}: starting")
        with build.running(stage, Path(folder)) as running, watched({"build": running.pids, "broker": lambda: [broker.pid]}) as usage:
            say(f"{build.title}: {len(log.signals):,} events")
            complete = drain(running, stage, log.markers, limit_s)
            throughput = evaluate(stage, usage, log.markers, counted_from=log.counted_from, complete=complete, facts=running.facts())
            latencies = []
            if latency and not complete:
                say(f"{build.title}: the rest of the events")
                complete = drain(running, stage, log.markers, _LIMITS_FOR_THE_REST * limit_s)
            for number, rate in enumerate(latency.rates if latency and complete else ()):
                say(f"{build.title}: latency at {rate:,} events/s")
                latencies.append(
                    measure_latency(
                        running,
                        stage,
                        usage,
                        rate=rate,
                        seconds=latency.seconds if latency else 0,
                        items=len(log.items),
                        first_user=_FIRST_NEW_USER * (number + 1),
                    )
                )
    return Session(throughput, latencies)
