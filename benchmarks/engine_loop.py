"""The engine alone in a loop, no Flink and no Kafka: microseconds per event, by part, by line, and by what came of the event.

    python -m benchmarks.engine_loop [--events 200000] [--users 20000] [--items 10000] [--repeats 3] [--lines 15] [--json FILE]

Times are CPU time of this thread, so a busy machine disturbs them less. `--users` is scaled with `--events` by default, so that a user has as many
events as in the full benchmark.
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a task slot; it must be set before NumPy is imported

import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import thread_time_ns, time_ns

from benchmarks.events import EVENTS_PER_USER_AND_DAY, make_events
from benchmarks.items import make_catalogue
from benchmarks.overlay import engine_config
from benchmarks.parts import sampled
from flink_job.engine import Answer, Engine
from flink_job.garbage import collect_rarely
from flink_job.settings import engine_settings

Records = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What the loop measured. Times are microseconds of CPU."""

    events: int
    users: int
    items: int
    us_per_event: float
    us_per_event_of_repeats: list[float]
    events_per_cpu_second: float
    us_by_part: dict[str, float]
    us_by_answer: dict[str, float]
    share_by_answer: dict[str, float]
    scored_share: float
    push_share: float
    held_share: float
    """Events whose user's state was still decoded in memory, see `flink_job.state_cache`."""
    state_bytes_median: float
    state_bytes_largest: int
    lines: dict[str, float]


class Loop:
    """One engine over a dictionary of states."""

    def __init__(self, catalogue: Records, now_ms: int) -> None:
        config = engine_config()
        self.engine = Engine(engine_settings(config))
        self.states: dict[str, bytes] = {}
        self.answers: dict[str, list[int]] = defaultdict(list)
        self.held = 0
        self._now_ms = now_ms
        items_topic = config.topic("items")
        for at, (item_id, payload) in enumerate(catalogue):
            self.engine.on_shared(item_id, payload, f"{items_topic}/0/{at}/{now_ms}", now_ms)
        self.engine.catalogue.fresh(1, now_ms)  # builds the indexes, as the first decision would

    def run(self, records: Records) -> None:
        """Take in every record; nothing else happens in the loop."""
        engine, states, now_ms = self.engine, self.states, self._now_ms
        origin = f"kairos.interactions/0/0/{now_ms}"
        for user_id, payload in records:
            blob = None if engine.holds(user_id) else states.get(user_id)
            answer = engine.on_signal(user_id, payload, origin, blob, now_ms)
            if answer.state is not None:
                states[user_id] = answer.state

    def run_apart(self, records: Records) -> None:
        """The same, with a clock around every record and its time booked on what came of it."""
        engine, states, now_ms = self.engine, self.states, self._now_ms
        origin = f"kairos.interactions/0/0/{now_ms}"
        counts = engine.metrics.counts
        for user_id, payload in records:
            scored, pushed = counts["scored"], counts["pushes"]
            self.held += engine.holds(user_id)
            started = thread_time_ns()
            blob = None if engine.holds(user_id) else states.get(user_id)
            answer: Answer = engine.on_signal(user_id, payload, origin, blob, now_ms)
            spent = thread_time_ns() - started
            if answer.state is not None:
                states[user_id] = answer.state
            if counts["pushes"] > pushed:
                kind = "pushed"
            elif counts["scored"] > scored:
                kind = "scored, not pushed"
            elif answer.records:
                kind = "not scored, logged"
            else:
                kind = "not scored"
            self.answers[kind].append(spent)


def measure(events: int, users: int, items: int, repeats: int) -> EngineResult:
    """Run the same log several times, each time from no state at all."""
    collect_rarely()
    now_ms = time_ns() // 1_000_000
    catalogue = make_catalogue(items, engine_config().catalogue.feature_dim, now_ms)
    records = list(make_events(catalogue, users, events).records(now_ms))
    times: list[float] = []
    for _ in range(repeats):
        loop = Loop(catalogue.records, now_ms)
        started = thread_time_ns()
        loop.run(records)
        times.append((thread_time_ns() - started) / len(records) / 1_000)
    us = median(times)
    profiled = Loop(catalogue.records, now_ms)
    with sampled() as samples:  # one run more: its times are not used, only its shares
        profiled.run(records)
    clocked = Loop(catalogue.records, now_ms)
    clocked.run_apart(records)
    clock_us = _cost_of_the_clock_us()
    sizes = sorted(map(len, clocked.states.values()))
    counts = clocked.engine.metrics.counts
    return EngineResult(
        events=len(records),
        users=users,
        items=items,
        us_per_event=us,
        us_per_event_of_repeats=times,
        events_per_cpu_second=1e6 / us,
        us_by_part={part: share * us for part, share in samples.shares().items()},
        us_by_answer={kind: sum(spent) / len(spent) / 1_000 - clock_us for kind, spent in sorted(clocked.answers.items())},
        share_by_answer={kind: len(spent) / len(records) for kind, spent in sorted(clocked.answers.items())},
        scored_share=counts["scored"] / len(records),
        push_share=counts["pushes"] / len(records),
        held_share=clocked.held / len(records),
        state_bytes_median=median(sizes),
        state_bytes_largest=sizes[-1],
        lines={f"{part}: {line}": us * count / samples.by_line.total() for (part, line), count in samples.by_line.most_common(200)},
    )


def measure_apart(events: int, users: int, items: int, repeats: int) -> EngineResult:
    """The same in a process of its own, where nothing else runs. Raises CalledProcessError."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        sizes = ["--events", str(events), "--users", str(users), "--items", str(items), "--repeats", str(repeats)]
        command = [sys.executable, "-m", "benchmarks.engine_loop", *sizes, "--json", file.name]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return EngineResult(**json.load(file))


def table(result: EngineResult, lines: int) -> str:
    """For people."""
    repeats = ", ".join(f"{us:.2f}" for us in result.us_per_event_of_repeats)
    out = [
        f"{result.us_per_event:.2f} µs per event ({repeats}), {result.events_per_cpu_second:,.0f} events per CPU second",
        f"{result.events:,} events, {result.users:,} users, {result.items:,} items",
        f"{result.scored_share:.1%} scored, {result.push_share:.1%} pushed; {result.held_share:.0%} met a state that was still in memory",
        f"state {result.state_bytes_median:,.0f} bytes (median), {result.state_bytes_largest:,} (largest)",
        "",
        f"  {'part':<16} {'µs/event':>8}  share",
        *(f"  {part:<16} {us:8.2f}  {us / result.us_per_event:6.1%}" for part, us in result.us_by_part.items()),
        "",
        f"  {'the event was':<20} {'share':>6} {'µs each':>8} {'µs/event':>9}",
        *(
            f"  {kind:<20} {result.share_by_answer[kind]:6.1%} {us:8.1f} {us * result.share_by_answer[kind]:9.2f}"
            for kind, us in result.us_by_answer.items()
        ),
    ]
    if lines:
        out += ["", f"  {'µs/event':>8}  line", *(f"  {us:8.2f}  {line}" for line, us in list(result.lines.items())[:lines])]
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--users", type=int, help="default: events / 12")
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lines", type=int, default=15, help="how many of the dearest lines to print")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    users = options.users or max(1, options.events // EVENTS_PER_USER_AND_DAY)
    result = measure(options.events, users, options.items, options.repeats)
    if options.json:
        options.json.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")
    print(table(result, options.lines))


def _cost_of_the_clock_us() -> float:
    spent = []
    for _ in range(10_000):
        started = thread_time_ns()
        spent.append(thread_time_ns() - started)
    return median(spent) / 1_000


if __name__ == "__main__":
    main()
