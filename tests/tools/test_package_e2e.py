"""The package on a cluster of somebody else: Flink as it is distributed, a Python with apache-flink alone, and the README's lines."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from kairos.consume.consumer import PushConsumer
from kairos.consume.show import Display, End, show
from kairos.contract.topics import ensure_topics
from kairos.job.package.build import NAME, Package, build_package
from kairos.local import ports
from kairos.local.flink_rest import FlinkRest
from kairos.local.java import java_environment
from kairos.local.kafka import EmbeddedKafka
from kairos.local.paths import project_root
from kairos.local.processes import ChildProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
KAIROS = Path(sys.executable).with_name("kairos")
PUSHES = 10


@dataclass(frozen=True)
class Cluster:
    home: Path
    rest: FlinkRest


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return build_package(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def their_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with apache-flink and what it brings, and nothing else."""
    folder = tmp_path_factory.mktemp("theirs") / "venv"
    install = [sys.executable, str(project_root() / "deploy" / "bootstrap.py"), "--venv", str(folder), "apache-flink==2.3.0"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    python = folder / "bin" / "python"
    for module in ("kairos", "flink_job", "pydantic", "kafka"):
        found = subprocess.run([python, "-c", f"import {module}"], capture_output=True, text=True, check=False, env=_clean(), cwd=folder)
        assert f"No module named '{module}'" in found.stderr
    return python


@pytest.mark.parametrize("mode", ["thread", "process"])
def test_the_five_lines_of_the_readme_work_as_written(
    mode: str, package: Package, their_python: Path, kafka: EmbeddedKafka, topic_prefix: str, tmp_path: Path
) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1)
    shutil.copy(package.path, tmp_path)
    with _their_cluster(tmp_path / "flink", their_python, ready_for_threads=mode == "thread") as cluster:
        environment = _clean() | {
            "FLINK_HOME": str(cluster.home),
            "PYTHON": str(their_python),
            "BROKERS": kafka.bootstrap_servers,
            "KAIROS__KAFKA__TOPIC_PREFIX": topic_prefix,
            "KAIROS__JOB__EXECUTION_MODE": mode,
            # So that pushes come at any hour of the day at which the test runs.
            "KAIROS__POLICY__GATES__QUIET_HOURS": "{start_minute: 0, end_minute: 0}",
        }
        lines = subprocess.run(
            ["bash", "-euxc", _lines(package)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert lines.returncode == 0, lines.stdout + lines.stderr
        assert "kairos-decide" in lines.stdout
        job = cluster.rest.the_job()
        cluster.rest.wait_until_running(job.id, deadline_s=180)
        with (
            _world(kafka, topic_prefix, tmp_path),
            PushConsumer(kafka.bootstrap_servers, f"{topic_prefix}pushes", group=f"{topic_prefix}test", from_beginning=True) as consumer,
        ):
            shown = show(consumer, _Silent(), limit=PUSHES, timeout_s=180)
        assert shown.end is End.LIMIT, cluster.rest.root_exception(job.id)
        assert cluster.rest.restarts(job.id) == 0


class _Silent(Display):
    def push(self, view: object) -> None: ...

    def progress(self, duplicates: int, malformed: int) -> None: ...


def _lines(package: Package) -> str:
    with zipfile.ZipFile(package.path) as archive:
        readme = archive.read(f"{NAME}/README.md").decode()
    (block,) = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    return str(block)


@contextmanager
def _their_cluster(home: Path, python: Path, *, ready_for_threads: bool) -> Iterator[Cluster]:
    """Flink's distribution with ports of its own, and for threads with the README's two lines."""
    found = subprocess.run(
        [python, "-c", "import pyflink; print(pyflink.__path__[0])"], capture_output=True, text=True, check=True, env=_clean()
    )
    distribution = Path(found.stdout.strip())
    home.mkdir()
    for part in ("bin", "conf", "lib", "opt", "plugins"):
        shutil.copytree(distribution / part, home / part, copy_function=os.link)
    config = yaml.safe_load((home / "conf" / "config.yaml").read_text(encoding="utf-8"))
    rest_port, rpc_port = ports.free_ports(2)
    config["rest"]["port"] = rest_port
    config["jobmanager"]["rpc"]["port"] = rpc_port
    config["execution.checkpointing.dir"] = (home / "checkpoints").as_uri()
    if ready_for_threads:
        (home / "lib" / "flink-python-2.3.0.jar").hardlink_to(home / "opt" / "flink-python-2.3.0.jar")
        config["classloader.parent-first-patterns.additional"] = "pemja"
    (home / "conf" / "config.yaml").unlink()  # a link into the distribution
    (home / "conf" / "config.yaml").write_text(yaml.safe_dump(config, width=10_000), encoding="utf-8")
    with (
        _daemon("JobManager", home, "jobmanager.sh"),
        _daemon("TaskManager", home, "taskmanager.sh") as worker,
        FlinkRest(f"http://127.0.0.1:{rest_port}") as rest,
    ):
        worker.wait_until(lambda: rest.is_up() and rest.overview()["slots-total"] == 1, "registered", deadline_s=120)
        yield Cluster(home, rest)


def _daemon(name: str, home: Path, script: str) -> ChildProcess:
    """In a folder of its own: Python finds what lies in the folder it is started in."""
    argv = ["bash", "-c", 'cd "$0" && exec "$@"', str(home), str(home / "bin" / script), "start-foreground"]
    return ChildProcess(name, argv, log=home / "log" / f"{script}.out", env=_clean())


def _world(kafka: EmbeddedKafka, topic_prefix: str, folder: Path) -> ChildProcess:
    argv = [str(KAIROS), "simulate", "--plain", "--users", "200", "--items", "200", "--rate", "50"]
    argv += ["--bootstrap-servers", kafka.bootstrap_servers, "--prefix", topic_prefix]
    return ChildProcess("The world", argv, log=folder / "world.log")


def _clean() -> dict[str, str]:
    """This machine's Java, and no trace of this project's Python."""
    return {name: value for name, value in java_environment().items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "FLINK", "KAIROS"))}
