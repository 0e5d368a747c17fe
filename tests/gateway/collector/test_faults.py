"""The program as it is run: what is accepted survives a broker that is away, a terminated collector, and a restart; secrets stay secret."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from kairos.contract.topics import TOPICS as SPECS
from kairos.contract.topics import ensure_topics
from kairos.local.kafka import EmbeddedKafka
from kairos.local.paths import project_root
from kairos.local.ports import free_port
from kairos.v1.signal_pb2 import Signal
from tests.gateway.collector.conftest import API_KEY, SECRET, TOPIC_NAMES, Running, token

pytestmark = pytest.mark.kafka
DEADLINE_S = 90


@contextmanager
def program(servers: str, prefix: str, log: Path, **environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`kairos collector` as a process of its own: its address, and the process."""
    argv = [sys.executable, "-m", "kairos.cli.app", "collector", "--port", "0", "-b", servers, "--prefix", prefix]
    secrets = {"KAIROS_API_KEYS": f"shop:{API_KEY}", "KAIROS_TOKEN_SECRETS": f"t1:{SECRET}"}
    edge = {f"KAIROS_EDGE__{name}": value for name, value in environment.items()}
    env = {**os.environ, "PYTHONPATH": str(project_root()), **secrets, **edge}
    with log.open("wb") as stderr, subprocess.Popen(argv, cwd=project_root(), env=env, stdout=stderr, stderr=stderr) as process:
        try:
            yield _address(process, log), process
        finally:
            process.kill()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "listening":
                return f"http://127.0.0.1:{event['port']}"
        time.sleep(0.05)
    raise AssertionError(log.read_text())


class Sender(threading.Thread):
    """Sends numbered events one after the other, each again until it is taken."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.taken: list[str] = []
        self.refused = 0
        self.stop = threading.Event()

    def run(self) -> None:
        number = 0
        with httpx.Client(base_url=self.url, headers={"X-API-Key": API_KEY}, timeout=60) as client:
            while not self.stop.is_set():
                event_id = f"e{number}"
                try:
                    answer = client.post("/v1/events", json={"eventId": event_id, "userId": "ada", "type": "INTERACTION_TYPE_VIEW"})
                except httpx.TransportError:  # it has ended
                    return
                if answer.status_code == 200:
                    self.taken.append(event_id)
                    number += 1
                else:
                    assert answer.status_code == 503
                    assert answer.headers["Retry-After"]
                    self.refused += 1


def wait_for(condition: object, what: str) -> None:
    assert callable(condition)
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def in_kafka(servers: str, prefix: str, count: int) -> list[str]:
    return [Signal.FromString(value).interaction.event_id for _, value in Running("", servers, prefix).records("interactions", count)]


@pytest.mark.parametrize("given_up_after_ms", ["60000", "1000"], ids=["kept in the buffer", "given up"])
def test_while_the_broker_is_away_nothing_is_accepted_and_nothing_that_was_accepted_is_lost(tmp_path: Path, given_up_after_ms: str) -> None:
    topics = [SPECS[name] for name in TOPIC_NAMES]
    port = free_port()
    data = tmp_path / "kafka"
    changes = {
        "PRODUCER__REPLY_TIMEOUT_MS": "500",
        "PRODUCER__DELIVERY_TIMEOUT_MS": given_up_after_ms,
        "PRODUCER__PROBE_INTERVAL_MS": "200",
    }
    with EmbeddedKafka(data_dir=data, port=port) as kafka:
        servers = kafka.bootstrap_servers
        ensure_topics(servers, "f.", partitions=1, topics=topics)
        started = program(servers, "f.", tmp_path / "log", **changes)
        url, process = started.__enter__()
        sender = Sender(url)
        sender.start()
        wait_for(lambda: len(sender.taken) > 20, "events are taken")
    try:
        wait_for(lambda: sender.refused > 4, "events are refused while the broker is away")
        assert ("records given up" in (tmp_path / "log").read_text()) == (given_up_after_ms == "1000")
        wait_for(lambda: httpx.get(f"{url}/readyz").status_code == 503, "it says that it is not ready")
        before = len(sender.taken)
        with EmbeddedKafka(data_dir=data, port=port) as kafka:
            wait_for(lambda: len(sender.taken) > before + 20, "events are taken again")
            wait_for(lambda: httpx.get(f"{url}/readyz").status_code == 200, "it is ready again")
            sender.stop.set()
            sender.join(DEADLINE_S)
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_S) == 128 + signal.SIGTERM
            found = _all(kafka.bootstrap_servers, "f.")
        # each taken one is there; one that was refused while the client still had it may be there as well, under its one id
        assert set(sender.taken) <= set(found)
        assert set(found) - set(sender.taken) <= {f"e{len(sender.taken)}"}
    finally:
        started.__exit__(None, None, None)


def _all(servers: str, prefix: str) -> list[str]:
    from kafka import TopicPartition

    from kairos.contract.clients import open_consumer

    with open_consumer(servers, group_id=None) as consumer:
        partition = TopicPartition(f"{prefix}interactions", 0)
        count = consumer.end_offsets([partition])[partition]
    return in_kafka(servers, prefix, count)


def test_terminated_under_load_it_finishes_what_it_has_begun_and_logs_no_secret(kafka: EmbeddedKafka, topics: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    changes = {"LOG__LEVEL": "debug", "PRODUCER__LINGER_MS": "200"}
    with program(kafka.bootstrap_servers, topics, log, **changes) as (url, process):
        with httpx.Client(base_url=url) as client:
            secret_bodies = [
                b'{"userId": "a-secret-user", "query": "a-secret-query',
                b'{"userId": "a-secret-user", "typ": "a-secret-query"}',
            ]
            for body in secret_bodies:
                client.post("/v1/events", content=body, headers={"Authorization": f"Bearer {token('a-secret-user')}"})
                client.post("/v1/events", content=body, headers={"Authorization": "Bearer a-wrong-credential"})
        senders = [Sender(url) for _ in range(4)]
        for sender in senders:
            sender.start()
        wait_for(lambda: all(len(sender.taken) > 2 for sender in senders), "events are taken")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 128 + signal.SIGTERM
        for sender in senders:
            sender.stop.set()
            sender.join(DEADLINE_S)
    found = _all(kafka.bootstrap_servers, topics)
    assert sum(len(sender.taken) for sender in senders) <= len(found)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[-1]["event"] == "ended"
    assert lines[-1]["records_not_acknowledged"] == 0
    for word in (API_KEY, SECRET, "a-secret-user", "a-secret-query", "a-wrong-credential", "Bearer"):
        assert word not in log.read_text()


def test_it_says_what_is_missing_and_ends_before_it_listens(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "kairos.cli.app", "collector", "--port", "0"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("KAIROS")}
    done = subprocess.run(
        argv, cwd=project_root(), env={**env, "PYTHONPATH": str(project_root())}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "KAIROS_API_KEYS" in done.stderr
    assert "Traceback" not in done.stderr
    wrong = subprocess.run(
        [*argv[:-1], "70000"],
        cwd=project_root(),
        env={**env, "PYTHONPATH": str(project_root())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert wrong.returncode == 2
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        taken = subprocess.run(
            [*argv[:-1], str(occupied.getsockname()[1])],
            cwd=project_root(),
            env={**env, "PYTHONPATH": str(project_root()), "KAIROS_API_KEYS": f"shop:{API_KEY}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert taken.returncode == 1
    assert "cannot listen on 127.0.0.1" in taken.stderr
    assert "Traceback" not in taken.stderr


def test_a_token_of_the_command_line_is_accepted_by_a_collector_with_development_keys(
    kafka: EmbeddedKafka, topics: str, tmp_path: Path
) -> None:
    env = {**os.environ, "PYTHONPATH": str(project_root()), "KAIROS_HOME": str(tmp_path / "home")}
    kairos = [sys.executable, "-m", "kairos.cli.app"]
    made = subprocess.run(
        [*kairos, "token", "ada", "--dev"], cwd=project_root(), env=env, capture_output=True, text=True, timeout=60, check=True
    )
    log = tmp_path / "log"
    argv = [*kairos, "collector", "--dev", "--port", "0", "-b", kafka.bootstrap_servers, "--prefix", topics]
    with (
        log.open("wb") as out,
        subprocess.Popen(argv, cwd=project_root(), env={**env, "KAIROS_EDGE__LOG__FORMAT": "json"}, stdout=out, stderr=out) as process,
    ):
        try:
            wait_for(lambda: b'"listening"' in log.read_bytes(), "it listens")
            (line,) = (line for line in log.read_text().splitlines() if '"listening"' in line)
            url = f"http://127.0.0.1:{json.loads(line)['port']}"
            sent = httpx.post(
                f"{url}/v1/events",
                json={"type": "INTERACTION_TYPE_VIEW"},
                headers={"Authorization": f"Bearer {made.stdout.strip()}", "Origin": "http://localhost:3000"},
            )
            assert (sent.status_code, sent.json()["accepted"]) == (200, 1)
            assert sent.headers["Access-Control-Allow-Origin"] == "*"
        finally:
            process.kill()
    secrets = list((tmp_path / "home").rglob("api-keys")) + list((tmp_path / "home").rglob("token-secrets"))
    assert [oct(file.stat().st_mode & 0o777) for file in secrets] == ["0o600", "0o600"]
