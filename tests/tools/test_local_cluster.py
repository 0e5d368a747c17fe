"""The standalone cluster: thread mode, one job after another, savepoints, and the loss of a TaskManager."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from kairos.errors import KairosError
from kairos.local import flink_dist, ports
from kairos.local.cluster import FlinkCluster
from kairos.local.flink_rest import FlinkRest
from kairos.local.paths import project_root

JOB = Path(__file__).parent / "cluster_job" / "counting_job.py"
KAIROS = Path(sys.executable).with_name("kairos")


def printed_counts(cluster: FlinkCluster) -> Counter[str]:
    """How often each ``user=count`` was printed by any TaskManager, dead ones included."""
    found: Counter[str] = Counter()
    for log in (cluster.folder / "log").glob("taskmanager-*.out"):
        found.update(re.findall(r"^\d> (user-\d=\d+)$", log.read_text(errors="replace"), re.MULTILINE))
    return found


def await_highest_count_above(cluster: FlinkCluster, floor: int) -> int:
    deadline = time.monotonic() + 60
    while (highest := max((int(text.split("=")[1]) for text in printed_counts(cluster)), default=0)) <= floor:
        assert time.monotonic() < deadline, f"counts stay at {highest}"
        time.sleep(0.1)
    return highest


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_state_survives_a_savepoint_and_the_loss_of_a_taskmanager(tmp_path: Path) -> None:
    with FlinkCluster(tmp_path / "flink", python_path=[JOB.parent]) as cluster:
        first = cluster.submit("-py", str(JOB))
        cluster.rest.wait_until_running(first)
        await_highest_count_above(cluster, 10)
        savepoint = cluster.rest.stop_with_savepoint(first, cluster.savepoints)
        assert (savepoint / "_metadata").is_file()
        before = await_highest_count_above(cluster, 0)

        second = cluster.submit("-py", str(JOB), savepoint=savepoint)  # a second job in the same TaskManagers
        cluster.rest.wait_until_running(second)
        await_highest_count_above(cluster, before)
        cluster.rest.wait_for_checkpoint(second)

        restart_ms = cluster.rest.last_restart_ms(second)
        cluster.taskmanagers[0].kill()
        cluster.add_taskmanager()
        cluster.rest.wait_for_restart(second, restart_ms)
        await_highest_count_above(cluster, await_highest_count_above(cluster, 0))

        # Nobody was counted from one again: neither after the savepoint nor after the crash.
        assert {printed_counts(cluster)[f"user-{number}=1"] for number in range(4)} == {1}
        cluster.rest.cancel(second)
        pids = [process.pid for process in (cluster.jobmanager, *cluster.taskmanagers) if process is not None]
        assert len(pids) == 3
    assert not any(map(psutil.pid_exists, pids))


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_the_command_line_starts_a_cluster_replaces_a_dead_taskmanager_and_stops_it(tmp_path: Path) -> None:
    environment = {**os.environ, "KAIROS_HOME": str(tmp_path), "KAIROS_FLINK_PORT": str(ports.free_port())}

    def kairos(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(KAIROS), "cluster", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    started = kairos("start", "--taskmanagers", "1", "--state-backend", "rocksdb")
    assert started.returncode == 0, started.stderr
    try:
        status = json.loads(kairos("status", "--json").stdout)
        assert (status["running"], status["slots"], status["jobs"]) == (True, 1, [])
        configuration = (tmp_path / "cluster" / "conf" / "config.yaml").read_text()
        assert "state.backend.type: rocksdb" in configuration
        (dead,) = status["taskmanager_pids"]
        psutil.Process(dead).kill()
        assert kairos("add-taskmanager").returncode == 0
        (living,) = json.loads(kairos("status", "--json").stdout)["taskmanager_pids"]
        assert living != dead
    finally:
        assert kairos("stop").returncode == 0
    assert not psutil.pid_exists(living)
    assert not psutil.pid_exists(status["jobmanager_pid"])


def test_flinks_settings_are_the_templates_with_those_of_this_machine_on_top(tmp_path: Path) -> None:
    flink_dist.prepare(tmp_path, {"rest.port": "18081", "state.backend.type": "rocksdb"})
    written = (tmp_path / "conf" / "config.yaml").read_text()
    assert "classloader.parent-first-patterns.additional: pemja\n" in written  # or the second job fails
    assert "rest.port: '18081'\n" in written
    assert "state.backend.type: rocksdb\n" in written


def test_flinks_library_folder_has_its_jars_the_python_bridge_and_the_connector(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "flink-sql-connector-kafka-1.0.jar").touch()  # of an earlier version
    flink_dist.prepare(tmp_path, {})
    names = {jar.name for jar in (tmp_path / "lib").iterdir() if jar.is_file()}
    for part in ("flink-dist", "flink-table-planner-loader", "flink-python", "flink-sql-connector-kafka-5"):
        assert any(name.startswith(part) for name in names), part
    assert "flink-sql-connector-kafka-1.0.jar" not in names


def test_a_cluster_that_does_not_know_the_project_has_it_on_no_path(tmp_path: Path) -> None:
    root = str(project_root())
    known = flink_dist.environment(tmp_path, [project_root()])["PYTHONPATH"].split(os.pathsep)
    unknown = flink_dist.environment(tmp_path, [])["PYTHONPATH"].split(os.pathsep)
    assert root in known
    assert root not in unknown
    assert any((Path(entry) / "pyflink").is_dir() for entry in unknown)


def test_no_cluster_is_an_error_that_says_how_to_start_one() -> None:
    with (
        FlinkRest(f"http://127.0.0.1:{ports.free_port()}") as rest,
        pytest.raises(KairosError, match="No Flink cluster answers") as caught,
    ):
        rest.overview()
    assert "kairos cluster start" in caught.value.hint


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with pytest.raises(KairosError, match=f"Port {port}, needed for Flink's web UI and REST API, is taken"):
            FlinkCluster(tmp_path, rest_port=port).start()
    assert not (tmp_path / "conf").exists()
