"""How long a push takes, from the creation of the event that causes it to its arrival at a consumer, at a steady rate of events."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.builds.build import Running
from benchmarks.stage import Stage
from benchmarks.usage import Usage
from kairos.errors import KairosError

SETTLE_S = 3.0
"""Pushes of the first seconds are not counted: the client's connections are being opened."""
_CHILD_TIMEOUT_S = 60.0
_FEWEST_PUSHES = 20


@dataclass(frozen=True, slots=True)
class Latency:
    """One run at one rate. Milliseconds; CPU as a share of one core."""

    rate: int
    pushes: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    most_ms: float
    build_cores: float
    client_latest_ms: float
    """How far the client itself fell behind its pace at worst: what it delays is not the build's fault, but disturbs the run."""


def measure_latency(running: Running, stage: Stage, usage: Usage, *, rate: int, seconds: float, items: int, first_user: int) -> Latency:
    """Send for SETTLE_S and then for so many seconds more; `usage` is being taken with a group `build`."""
    arguments = ["--rate", str(rate), "--seconds", str(seconds + SETTLE_S), "--items", str(items), "--first-user", str(first_user)]
    with _child("benchmarks.listen", stage, "pushes", []) as listener:
        _await_ready(listener)
        with _child("benchmarks.load", stage, "interactions", arguments) as client:
            sent = json.loads(_answer(client, seconds + SETTLE_S))
        ended_ms = time.time_ns() / 1e6
        arrived: list[tuple[float, float]] = json.loads(_answer(listener, 0))
    running.check()
    first_ms = ended_ms - 1_000 * seconds
    latencies = sorted(latency_ms for created_ms, latency_ms in arrived if created_ms >= first_ms)
    if len(latencies) < _FEWEST_PUSHES:
        raise KairosError(f"Only {len(latencies)} pushes arrived in {seconds:.0f} s at {rate:,} events/s: too few to tell a latency.")
    return Latency(
        rate=rate,
        pushes=len(latencies),
        p50_ms=percentile(latencies, 0.5),
        p90_ms=percentile(latencies, 0.9),
        p99_ms=percentile(latencies, 0.99),
        p999_ms=percentile(latencies, 0.999),
        most_ms=latencies[-1],
        build_cores=usage.cpu_between("build", first_ms, ended_ms) / seconds,
        client_latest_ms=float(sent["latest_ms"]),
    )


def percentile(ordered: list[float], share: float) -> float:
    """The least value that `share` of all values do not exceed (nearest rank).

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@contextmanager
def _child(module: str, stage: Stage, topic: str, arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", module, "--bootstrap-servers", stage.bootstrap_servers, "--topic", stage.topic(topic), *arguments]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


def _await_ready(listener: subprocess.Popen[str]) -> None:
    if listener.stdout is None or listener.stdout.readline() != "ready\n":
        raise KairosError("The listener of pushes did not start; its error stands above.")


def _answer(child: subprocess.Popen[str], seconds: float) -> str:
    output, _ = child.communicate(timeout=seconds + _CHILD_TIMEOUT_S)  # closes its standard input, which ends a listener
    if child.returncode:
        raise KairosError("A client of the latency measurement failed; its error stands above.")
    return output
