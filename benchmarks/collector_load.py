"""How fast the collector takes events: in batches, and one by one; on a real broker, with the collector in a process of its own.

    python -m benchmarks.collector_load [--seconds 10] [--batch 100] [--connections 16] [--json]

The load comes from this process over kept connections, written by hand on asyncio's streams: an HTTP client library costs more than what it measures.
Per core: divided by the CPU time that the collector's process used, so that what shares the machine (the load, the broker, others) does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import psutil

from kairos.contract.topics import ensure_topics
from kairos.local.kafka import EmbeddedKafka
from kairos.v1.interaction_pb2 import INTERACTION_TYPE_VIEW, Context, Interaction

KEY = "bench-key-0123456789abcdef"
PREFIX = "bench.collector."
_USERS = 10_000
_START_DEADLINE_S = 60
_WARM_UP_S = 2.0
_LIMITS = "KAIROS_EDGE__COLLECTOR__LIMITS__"


@dataclass(frozen=True, slots=True)
class Result:
    """What one kind of load came to. `cores`: CPU seconds of the collector's process for each second."""

    load: str
    requests_per_s: float
    events_per_s: float
    events_per_core_s: float
    requests_per_core_s: float
    cores: float
    p50_ms: float
    p99_ms: float


def event(number: int) -> dict[str, object]:
    """As a shop's page sends them; 330 bytes of JSON."""
    return {
        "eventId": f"bench-{os.getpid()}-{number:012d}",
        "userId": f"user-{number % _USERS:06d}",
        "type": "INTERACTION_TYPE_VIEW",
        "itemId": f"item-{number % 2_000:06d}",
        "occurredAtMs": str(time.time_ns() // 1_000_000),
        "context": {
            "platform": "PLATFORM_WEB_MOBILE",
            "locale": "pt-PT",
            "timeZone": "Europe/Lisbon",
            "country": "PT",
            "sessionId": f"s-{number}",
        },
    }


def json_batch(first: int, count: int) -> bytes:
    """A list, or one record."""
    events = [event(first + number) for number in range(count)]
    return json.dumps(events[0] if count == 1 else events, separators=(",", ":")).encode()


def protobuf_batch(first: int, count: int) -> bytes:
    """The same, length-delimited; each is shorter than 16,384 bytes, so its length takes one or two bytes."""
    parts = []
    for number in range(first, first + count):
        given = event(number)
        message = Interaction(
            event_id=str(given["eventId"]),
            user_id=str(given["userId"]),
            type=INTERACTION_TYPE_VIEW,
            item_id=str(given["itemId"]),
            occurred_at_ms=int(str(given["occurredAtMs"])),
            context=Context(locale="pt-PT", time_zone="Europe/Lisbon", country="PT", session_id=f"s-{number}"),
        )
        content = message.SerializeToString()
        length = len(content)
        parts.append((bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])) + content)
    return b"".join(parts)


async def load(
    port: int, name: str, body: Callable[[int, int], bytes], media_type: str, count: int, connections: int, seconds: float
) -> Result:
    """Send requests of `count` events over so many connections, one after the other on each."""
    process = psutil.Process(_pid_of(port))
    taken: list[float] = []
    numbers = iter(range(0, 1 << 60, count))

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /v1/events HTTP/1.1\r\nHost: bench\r\nX-API-Key: {KEY}\r\nContent-Type: {media_type}\r\nContent-Length: ".encode()
        while time.perf_counter() < ends:
            content = body(next(numbers), count)
            began = time.perf_counter()
            writer.write(head + str(len(content)).encode() + b"\r\n\r\n" + content)
            answer = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(answer.decode())
            taken.append(time.perf_counter() - began)
        writer.close()

    ends = time.perf_counter() + _WARM_UP_S
    await asyncio.gather(*(one() for _ in range(connections)))
    taken.clear()
    used = _cpu_s(process)
    began = time.perf_counter()
    ends = began + seconds
    await asyncio.gather(*(one() for _ in range(connections)))
    elapsed, used = time.perf_counter() - began, _cpu_s(process) - used
    taken.sort()
    requests = len(taken)
    return Result(
        load=name,
        requests_per_s=requests / elapsed,
        events_per_s=requests * count / elapsed,
        events_per_core_s=requests * count / used,
        requests_per_core_s=requests / used,
        cores=used / elapsed,
        p50_ms=1_000 * taken[requests // 2],
        p99_ms=1_000 * taken[min(requests - 1, requests * 99 // 100)],
    )


def measure(seconds: float, batch: int, connections: int) -> list[Result]:
    """Starts a broker and a collector, and measures the three kinds of load."""
    with EmbeddedKafka() as kafka:
        ensure_topics(kafka.bootstrap_servers, PREFIX)
        # as many as the load can make: what is measured is the collector, not its limits
        limits = dict.fromkeys((f"{_LIMITS}REQUESTS_PER_MINUTE", f"{_LIMITS}RECORDS_PER_MINUTE"), "100000000")
        argv = [sys.executable, "-m", "kairos.cli.app", "collector", "--port", "0", "-b", kafka.bootstrap_servers, "--prefix", PREFIX]
        environment = {**os.environ, **limits, "KAIROS_API_KEYS": f"bench:{KEY}"}
        with subprocess.Popen(argv, env=environment, stderr=subprocess.PIPE, text=True) as collector:
            try:
                port = _port(collector)
                _ports[port] = collector.pid
                json_type, binary_type = "application/json", "application/x-protobuf"
                return [
                    asyncio.run(load(port, f"JSON, {batch} a request", json_batch, json_type, batch, connections, seconds)),
                    asyncio.run(load(port, f"protobuf, {batch} a request", protobuf_batch, binary_type, batch, connections, seconds)),
                    asyncio.run(load(port, "JSON, one a request", json_batch, json_type, 1, connections * 4, seconds)),
                ]
            finally:
                collector.terminate()
                collector.communicate(timeout=30)


_ports: dict[int, int] = {}


def _pid_of(port: int) -> int:
    return _ports[port]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _port(collector: subprocess.Popen[str]) -> int:
    """From the collector's log."""
    assert collector.stderr is not None
    deadline = time.monotonic() + _START_DEADLINE_S
    port = 0
    for line in collector.stderr:
        event = json.loads(line)
        port = int(event.get("port", port))
        if event["event"] == "ready":
            return port
        if time.monotonic() > deadline:
            break
    raise RuntimeError("the collector has not become ready")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    arguments = parser.parse_args()
    results = measure(arguments.seconds, arguments.batch, arguments.connections)
    if arguments.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
        return
    print(
        f"{'load':26} {'events/s':>10} {'requests/s':>10} {'cores':>6} {'events/s·core':>14} {'requests/s·core':>16} {'p50 ms':>7} {'p99 ms':>7}"
    )
    for result in results:
        print(
            f"{result.load:26} {result.events_per_s:10,.0f} {result.requests_per_s:10,.0f} {result.cores:6.2f} {result.events_per_core_s:14,.0f}"
            f" {result.requests_per_core_s:16,.0f} {result.p50_ms:7.1f} {result.p99_ms:7.1f}"
        )


if __name__ == "__main__":
    main()
