"""The job on this clone's cluster by the command line: submitted, stopped with a savepoint, resumed with its state."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kairos.contract.topics import ensure_topics
from kairos.local import ports
from kairos.local.kafka import EmbeddedKafka
from kairos.local.processes import ChildProcess

KAIROS = Path(sys.executable).with_name("kairos")
USERS = 40

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def kairos(home: Path) -> Run:
    environment = {**os.environ, "KAIROS_HOME": str(home), "KAIROS_FLINK_PORT": str(ports.free_port())}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([str(KAIROS), *arguments], capture_output=True, text=True, check=False, env=environment, timeout=300)

    return run


@pytest.fixture
def cluster(kairos: Run) -> Iterator[None]:
    started = kairos("cluster", "start", "--taskmanagers", "1")
    assert started.returncode == 0, started.stderr
    try:
        yield
    finally:
        assert kairos("cluster", "stop").returncode == 0


@pytest.fixture
def config(kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps({"kafka": {"bootstrap_servers": kafka.bootstrap_servers, "topic_prefix": topic_prefix}}))
    return file


@pytest.mark.parametrize("command", [("submit",), ("savepoint",), ("stop",), ("status",)])
def test_without_a_cluster_every_command_says_how_to_start_one(kairos: Run, command: tuple[str, ...]) -> None:
    done = kairos(*command)
    assert done.returncode == 1
    assert "No Flink cluster of this clone runs" in done.stderr
    assert "kairos cluster start" in done.stderr


@pytest.mark.parametrize(("given", "said"), [("last", "No savepoint was made yet"), ("/nowhere", "/nowhere is no savepoint")])
def test_a_savepoint_that_is_not_there_is_a_usage_error(kairos: Run, given: str, said: str) -> None:
    done = kairos("submit", "--from", given)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.kafka
def test_a_job_in_the_foreground_is_not_started_without_its_topics(kairos: Run, config: Path, topic_prefix: str) -> None:
    done = kairos("run", "--config", str(config))
    assert done.returncode == 1
    assert f"{topic_prefix}interactions" in done.stderr
    assert "kairos topics create" in done.stderr


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_a_job_in_the_foreground_makes_the_topics_of_its_own_broker_and_ends_with_ctrl_c(kairos: Run, home: Path, tmp_path: Path) -> None:
    broker_port, ui_port = ports.free_ports(2)
    config = tmp_path / "mine.yaml"
    config.write_text(json.dumps({"kafka": {"bootstrap_servers": f"localhost:{broker_port}"}}))
    assert kairos("kafka", "start", "--port", str(broker_port)).returncode == 0
    try:
        argv = [str(KAIROS), "run", "--config", str(config), "--ui-port", str(ui_port)]
        environment = {**os.environ, "KAIROS_HOME": str(home)}
        with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=environment) as job:
            assert job.stderr is not None
            said = []
            while "Ctrl-C ends it" not in (line := job.stderr.readline()):
                assert line, said
                said.append(line)
            assert any("9 topics created on this clone's broker" in line for line in said)
            status = json.loads(kairos("status", "--json", "--url", f"http://127.0.0.1:{ui_port}").stdout)
            job.send_signal(signal.SIGINT)
            assert job.wait(60) == 130
        (running,) = status["jobs"]
        assert (running["name"], running["state"]) == ("kairos-decide", "RUNNING")
        assert ports.is_free(ui_port)
    finally:
        assert kairos("kafka", "stop").returncode == 0


@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_users_are_known_again_after_a_savepoint(
    kairos: Run, cluster: None, config: Path, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path, home: Path
) -> None:
    missing = kairos("submit", "--config", str(config))
    assert missing.returncode == 1
    assert f"{topic_prefix}items" in missing.stderr
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=2)

    submitted = kairos("submit", "--config", str(config), "--json")
    assert submitted.returncode == 0, submitted.stderr
    first = json.loads(submitted.stdout)["job_id"]
    with _world(config, tmp_path / "first.log"):
        before = _await_job(kairos, lambda counts: counts.get("users_new", 0) > USERS // 2)
    assert before["id"] == first
    assert before["restarts"] == 0
    assert before["checkpoints"]["completed"] > 0
    assert before["catalogue_items"] > 0

    twice = kairos("submit", "--config", str(config))
    assert twice.returncode == 1
    assert f"The job kairos-decide runs already ({first}, RUNNING)" in twice.stderr

    saved = kairos("savepoint")
    assert saved.returncode == 0, saved.stderr
    assert (Path(saved.stdout.strip()) / "_metadata").is_file()
    assert kairos("status").returncode == 1  # no job is active

    resumed = kairos("submit", "--config", str(config), "--from", "last")
    assert resumed.returncode == 0, resumed.stderr
    known = before["counts"]["users_new"]
    with _world(config, tmp_path / "second.log"):
        after = _await_job(kairos, lambda counts: counts.get("signals", 0) >= 300)
    assert after["id"] != first
    assert after["counts"]["users_new"] <= USERS - known  # a user of before is not new again
    assert after["catalogue_items"] > 0

    stopped = kairos("stop")
    assert stopped.returncode == 0, stopped.stderr
    assert f"({after['id']}) is stopped" in stopped.stderr
    assert "chk-" in stopped.stderr


def _world(config: Path, log: Path) -> ChildProcess:
    argv = [str(KAIROS), "simulate", "--plain", "--config", str(config), "--users", str(USERS), "--items", "100", "--rate", "30"]
    return ChildProcess("The world", argv, log=log)


def _await_job(kairos: Run, reached: Callable[[dict[str, int]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 180
    while True:
        status = json.loads(kairos("status", "--json").stdout)
        (job,) = status["jobs"]
        if reached(job["counts"]):
            return dict(job)
        assert time.monotonic() < deadline, job
        time.sleep(0.5)
