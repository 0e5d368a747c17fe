"""How many connections one gateway holds, and how fast pushes get through it: `python -m benchmarks.gateway_load`.

A real broker, a real gateway process with its durable store, and a client of this file that is cheaper than what it measures: it speaks
just enough WebSocket, on one socket for each user. The client acknowledges every push, as a device does, so each push is written to the
store, sent, acknowledged, and told to the job twice (accepted, delivered).

Latency runs from the producer's call to the client's receipt, by one clock: Kafka, the gateway and the client are all in it.
Broker, gateway, producer and client share the machine.
"""

import argparse
import asyncio
import base64
import gc
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import uvloop
import yaml

from gateway.common.tokens import issue_token
from kairos.contract.topics import TOPICS, ensure_topics
from kairos.local.kafka import EmbeddedKafka
from kairos.logs.producer import RecordProducer
from kairos.v1.push_pb2 import Content, PushCommand

SECRET = "a-secret-for-a-load-test-0123456789"
STEP_S = 0.005
CONNECTING_AT_ONCE = 200
CONNECT_S = 60.0


class Client(asyncio.Protocol):
    """One device. `arrived` collects latencies in milliseconds."""

    __slots__ = ("_acknowledging", "_arrived", "_buffer", "_transport", "open", "user")

    def __init__(self, user: str, arrived: list[float], *, acknowledging: bool) -> None:
        self.user = user
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrived = arrived
        self._acknowledging = acknowledging
        self._buffer = b""

    def connection_made(self, transport: Any) -> None:  # noqa: D102 - as asyncio.Protocol
        self._transport = transport
        token = issue_token(self.user, "k1", SECRET.encode(), "kairos", int(time.time()), 3600)
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /v1/stream?device_id=d HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Authorization: Bearer {token}\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self._buffer += data
        if not self.open.done():
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.open.set_exception(RuntimeError(head.decode(errors="replace")))
                return
            self._buffer = rest
            self.open.set_result(None)
        while (frame := self._frame()) is not None:
            kind, body = frame
            if kind == 0x1:
                self._text(body)
            elif kind == 0x9:
                self._write(0xA, body)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002, D102
        if not self.open.done():
            self.open.set_exception(RuntimeError("closed"))

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        start, length = 2, buffer[1]
        if length == 126:
            if len(buffer) < 4:
                return None
            start, length = 4, struct.unpack_from(">H", buffer, 2)[0]
        if len(buffer) < start + length:
            return None
        self._buffer = buffer[start + length :]
        return buffer[0] & 0xF, buffer[start : start + length]

    def _text(self, body: bytes) -> None:
        if body.startswith(b'{"type":"push"'):
            now_ns = time.time_ns()
            message = json.loads(body)
            self._arrived.append((now_ns - int(message["push"]["command_id"].rpartition("-")[2])) / 1e6)
            if self._acknowledging:
                self._write(0x1, b'{"type":"ack","id":"%s"}' % message["id"].encode())

    def _write(self, kind: int, body: bytes) -> None:
        self._transport.write(bytes((0x80 | kind, 0x80 | len(body))) + b"\0\0\0\0" + body)  # masked with zeros, which is a mask


class Load(threading.Thread):
    """Writes so many pushes a second, evenly, to users drawn at random."""

    def __init__(self, bootstrap_servers: str, topic: str, users: list[str], rate: float, seconds: float) -> None:
        super().__init__(daemon=True)
        self._producer = RecordProducer(bootstrap_servers, "gateway-load")
        self._topic = topic
        self._users = users
        self._rate = rate
        self._seconds = seconds
        self.sent = 0

    def run(self) -> None:
        """Until the time is over."""
        drawn = np.random.default_rng(1).integers(0, len(self._users), int(self._rate * self._seconds) + 1)
        began = time.perf_counter()
        with self._producer as producer:
            while (elapsed := time.perf_counter() - began) < self._seconds:
                due = int(elapsed * self._rate)
                producer.send(self._topic, [self._push(self._users[drawn[number]], number) for number in range(self.sent, due)])
                self.sent = due
                time.sleep(STEP_S)

    def _push(self, user: str, number: int) -> tuple[bytes, bytes]:
        now_ns = time.time_ns()
        command = PushCommand(
            command_id=f"{number}-{now_ns}",
            user_id=user,
            decided_at_ms=now_ns // 1_000_000,
            expires_at_ms=now_ns // 1_000_000 + 600_000,
            content=Content(title="Blue mug", body="Back in stock, and cheaper than it was", deep_link="shop://mug-7"),
            collapse_key=f"item-{number:016x}",
            item_ids=["mug-7"],
            reason="because it goes with what you looked at last",
        )
        return user.encode(), command.SerializeToString()


async def _connect(port: int, users: list[str], arrived: list[float], *, acknowledging: bool) -> list[Client]:
    loop = asyncio.get_running_loop()
    limit = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def one(user: str) -> Client:
        async with limit:
            _, client = await loop.create_connection(lambda: Client(user, arrived, acknowledging=acknowledging), "127.0.0.1", port)
            async with asyncio.timeout(CONNECT_S):
                await client.open
            return client

    return await asyncio.gather(*(one(user) for user in users))


async def _measure(kafka: EmbeddedKafka, port: int, process: psutil.Process, given: argparse.Namespace) -> dict[str, Any]:
    users = [f"user-{number:06d}" for number in range(given.connections)]
    arrived: list[float] = []
    rss_before = process.memory_info().rss
    began = time.perf_counter()
    clients = await _connect(port, users, arrived, acknowledging=not given.no_ack)
    connected_s = time.perf_counter() - began
    print(f"{len(clients)} connections", file=sys.stderr)
    await asyncio.sleep(3)
    rss_idle = process.memory_info().rss
    cpu = process.cpu_times()
    own_cpu_s = time.process_time()
    load = Load(kafka.bootstrap_servers, "load.pushes", users, given.rate, given.seconds)
    load.start()
    await asyncio.sleep(given.warm_up)
    skipped = len(arrived)
    while load.is_alive():
        await asyncio.sleep(0.2)
    in_time = len(arrived) - skipped
    await asyncio.sleep(3)
    used = process.cpu_times()
    used_s = used.user + used.system - cpu.user - cpu.system
    latencies = np.array(arrived[skipped:])
    result = {
        "connections": len(clients),
        "connected_per_s": round(len(clients) / connected_s),
        "memory_per_connection_kb": round((rss_idle - rss_before) / len(clients) / 1024, 1),
        "memory_idle_mb": round(rss_idle / 2**20),
        "memory_after_mb": round(process.memory_info().rss / 2**20),
        "rate_wanted": given.rate,
        "rate_arrived": round(in_time / (given.seconds - given.warm_up)),
        "sent": load.sent,
        "arrived": len(arrived),
        "p50_ms": round(float(np.percentile(latencies, 50)), 1),
        "p99_ms": round(float(np.percentile(latencies, 99)), 1),
        "max_ms": round(float(latencies.max()), 1),
        "gateway_cores": round(used_s / given.seconds, 2),
        "gateway_cpu_per_push_ms": round(used_s * 1000 / len(arrived), 3),  # comparable whatever else the machine does
        "client_cpu_per_push_ms": round((time.process_time() - own_cpu_s) * 1000 / len(arrived), 3),
        "load_average": round(os.getloadavg()[0], 1),
        "acknowledged": not given.no_ack,
    }
    for client in clients:
        client._transport.abort()
    return result


def main() -> None:
    """Measure once and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=2_000, help="pushes per second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--warm-up", type=float, default=5, help="seconds at the start that do not count")
    parser.add_argument("--no-ack", action="store_true", help="clients acknowledge nothing")
    given = parser.parse_args()
    gc.disable()  # the client's own pauses are not the gateway's
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, given.connections + 1000)), hard))
    with tempfile.TemporaryDirectory(prefix="gateway-load-") as name, EmbeddedKafka() as kafka:
        folder = Path(name)
        ensure_topics(
            kafka.bootstrap_servers,
            "load.",
            partitions=12,
            topics=[TOPICS[each] for each in ("pushes", "feedback", "interactions", "dead-letters")],
        )
        settings = {
            "delivery": {
                "port": 0,
                "store": {"path": str(folder / "gateway.db")},
                "stream": {"linger_ms": 60_000, "max_connections": 50_000},
            }
        }
        (folder / "edge.yaml").write_text(yaml.safe_dump(settings))
        argv = [
            sys.executable,
            "-m",
            "kairos.cli.app",
            "gateway",
            "-c",
            str(folder / "edge.yaml"),
            "-b",
            kafka.bootstrap_servers,
            "--prefix",
            "load.",
        ]
        log = folder / "gateway.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                argv, env={**os.environ, "KAIROS_TOKEN_SECRETS": f"k1:{SECRET}"}, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            port = _port(log, process)
            time.sleep(8)  # until the group has given it its partitions
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                result = runner.run(_measure(kafka, port, psutil.Process(process.pid), given))
        finally:
            process.terminate()
            process.wait(30)
    print(json.dumps(result, indent=2))


def _port(log: Path, process: "subprocess.Popen[bytes]") -> int:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                port: int = json.loads(line)["port"]
                return port
        time.sleep(0.1)
    raise SystemExit(log.read_text())


if __name__ == "__main__":
    main()
