"""`kairos bench`: all builds in turn on one broker, then the report.

Rounds go A B C, A B C, …, not A A A, B B B, …: machines change their speed within the hour, and only neighbours in time are compared.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.builds.build import Build
from benchmarks.builds.flink import ROCKSDB, SHIPPED, TEXTBOOK
from benchmarks.builds.other import BYTEWAX, QUIX
from benchmarks.engine_loop import measure_apart
from benchmarks.environment import bench_python
from benchmarks.log import Log, make_flat_log, make_log
from benchmarks.overlay import engine_config
from benchmarks.plan import Plan
from benchmarks.plot import plot
from benchmarks.result import FlatRun, Result
from benchmarks.session import LatencyPlan, Say, Session, measure
from kairos.errors import KairosError
from kairos.local.kafka import EmbeddedKafka

PARTS = {"a": "kairos", "b": "textbook", "c": "bytewax,quix", "d": "engine", "e": "flatness"}
"""Short names, as `--only` takes them."""
_COMPARED: tuple[Build, ...] = (SHIPPED, BYTEWAX, QUIX)
_ONCE: tuple[Build, ...] = (TEXTBOOK,)
RESULTS = Path(__file__).parent / "results"
_BROKER_HEAP_MB = 1024


def chosen_parts(only: str | None) -> frozenset[str]:
    """The parts named by letters or words, separated by commas; all of them for None. Raises KairosError."""
    words = {word for name in PARTS.values() for word in name.split(",")}
    if only is None:
        return frozenset(words)
    wanted = {word for part in only.split(",") for word in PARTS.get(part.strip(), part.strip()).split(",")}
    if unknown := sorted(wanted - words):
        known = ", ".join(f"{letter} ({name.replace(',', ', ')})" for letter, name in PARTS.items())
        raise KairosError(f"--only {only}: there is no part {unknown[0]!r}.", f"There are {known}.", exit_code=2)
    return frozenset(wanted)


def run(plan: Plan, parts: frozenset[str], *, cores: int, say: Say) -> Result:
    """Measure what is asked for; what fails is noted, and the rest goes on."""
    keep_to(cores)
    result = Result(plan)
    if parts & {"bytewax", "quix"}:
        say("the environment of Bytewax and Quix Streams")
        bench_python()
    if "engine" in parts:
        say("the core alone, in a loop")
        result.engine = measure_apart(plan.events, plan.users, plan.items, plan.engine_repeats)
    builds = [build for build in (*_COMPARED, *_ONCE) if build.name in parts]
    if not builds and "flatness" not in parts:
        return result
    with EmbeddedKafka(heap_mb=_BROKER_HEAP_MB) as broker:
        _compare(result, builds, broker, say)
        if "flatness" in parts:
            _flatness(result, broker, say)
    return result


def write(result: Result, folder: Path = RESULTS) -> tuple[Path, Path]:
    """Write the JSON document and the picture; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{result.started_at[:19].replace(':', '')}-{result.plan.name}"
    document, picture = folder / f"{name}.json", folder / f"{name}.png"
    document.write_text(json.dumps(result.document(), indent=1) + "\n", encoding="utf-8")
    plot(result, picture)
    return document, picture


def keep_to(cores: int) -> None:
    """Keep this process, and all it starts, to so many cores, where the system can: the targets are for two."""
    if hasattr(os, "sched_setaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, mine[:cores])


def _compare(result: Result, builds: list[Build], broker: EmbeddedKafka, say: Say) -> None:
    plan = result.plan
    if not builds:
        return
    say(f"a log of {plan.events:,} events")
    log = make_log(engine_config(), users=plan.users, items=plan.items, events=plan.events, now_ms=_now_ms())
    latency = LatencyPlan(plan.rates, plan.latency_s)
    for build in builds:
        result.titles[build.name] = build.title
        result.sessions[build.name] = []
    for number in range(plan.rounds):
        for build in builds:
            once = build in _ONCE
            if once and number:
                continue
            session = _attempt(
                result,
                broker,
                build,
                log,
                name=f"{build.name}-{number}",
                limit_s=plan.textbook_limit_s if once else plan.limit_s,
                latency=None if once else latency,
                say=_prefixed(say, f"round {number + 1} of {plan.rounds}"),
            )
            if session is not None:
                result.sessions[build.name].append(session)


def _flatness(result: Result, broker: EmbeddedKafka, say: Say) -> None:
    plan = result.plan
    sizes = [("users", size, size, plan.items, ROCKSDB) for size in plan.flat_users]
    sizes += [("items", size, min(plan.flat_users, default=0), size, SHIPPED) for size in plan.flat_items]
    for number in range(plan.flat_rounds):
        for what, size, users, items, build in sizes:
            step = _prefixed(say, f"{size:,} {what}")
            step("a log")
            log = make_flat_log(engine_config(), users=users, items=items, events=plan.flat_events, fill=plan.flat_fill, now_ms=_now_ms())
            session = _attempt(result, broker, build, log, name=f"{what}-{size}-{number}", limit_s=4 * plan.limit_s, latency=None, say=step)
            if session is not None:
                result.flat.append(FlatRun(what, size, session))


def _attempt(
    result: Result,
    broker: EmbeddedKafka,
    build: Build,
    log: Log,
    *,
    name: str,
    limit_s: float,
    latency: LatencyPlan | None,
    say: Say,
) -> Session | None:
    """One session; if it fails, the reason goes into the result."""
    try:
        return measure(broker, build, log, name=name, limit_s=limit_s, latency=latency, say=say)
    except KairosError as error:
        result.failures.append(f"{build.title} ({name}): {error.message}")
        say(f"{build.title} failed: {error.message.splitlines()[0]}")
        return None


def _prefixed(say: Say, prefix: str) -> Callable[[str], None]:
    return lambda text: say(f"{prefix}: {text}")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
