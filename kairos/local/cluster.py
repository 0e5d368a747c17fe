"""A standalone Flink cluster from the pip package's own distribution: one JobManager, TaskManagers of one slot each.

    with FlinkCluster(folder) as cluster:
        job_id = cluster.submit("-pym", "flink_job.main", "--config", "my.yaml")
        cluster.rest.wait_until_running(job_id)
        before_ms = cluster.rest.last_restart_ms(job_id)
        cluster.taskmanagers[0].kill()
        cluster.add_taskmanager()
        cluster.rest.wait_for_restart(job_id, before_ms)

*Contract*: all slots are registered when the ``with`` block is entered; no process is left when it is left. Flink's
scripts run in the foreground under supervision, so that a process id is that of the JVM.
"""

import re
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from kairos.errors import KairosError
from kairos.local import flink_dist, paths, ports
from kairos.local.flink_rest import FlinkRest
from kairos.local.processes import ChildProcess, Launch, ManagedProcess

DEFAULT_REST_PORT = 8081
START_DEADLINE_S = 90.0
_JOB_ID = re.compile(r"JobID ([0-9a-f]{32})")


class FlinkCluster:
    """A cluster for the length of a ``with`` block.

    ``settings``: Flink options over those of ``deploy/flink/config.yaml``, for example
    ``{"state.backend.type": "rocksdb"}``. ``python_path``: what Python finds inside Flink beside this environment's
    packages; the project by default, nothing for a cluster that does not know it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rest_port: int | None = None,
        taskmanagers: int = 2,
        settings: Mapping[str, str] | None = None,
        python_path: Sequence[Path] | None = None,
        launch: Launch = ChildProcess,
    ) -> None:
        self.folder = folder
        self.rest_port = rest_port or ports.free_port()
        self.rest = FlinkRest(f"http://{ports.LOCALHOST}:{self.rest_port}")
        self.jobmanager: ManagedProcess | None = None
        self.taskmanagers: list[ManagedProcess] = []
        self._taskmanager_count = taskmanagers
        self._settings = dict(settings or {})
        self._python_path = [paths.project_root()] if python_path is None else list(python_path)
        self._launch = launch

    @property
    def savepoints(self) -> Path:
        """The folder below which savepoints are written."""
        return self.folder / "savepoints"

    def start(self) -> None:
        """Returns when every slot is registered; raises ``KairosError`` with the end of the log of what failed."""
        ports.require_free(self.rest_port, "Flink's web UI and REST API", "--port, or KAIROS_FLINK_PORT")
        settings = {**self._machine_settings(), **self._settings}
        flink_dist.prepare(self.folder, settings)
        try:
            self.jobmanager = self._run("jobmanager", "jobmanager.sh", "JobManager")
            for _ in range(self._taskmanager_count):
                self._launch_taskmanager()
            goal = f"answering on {self.rest.base_url}"
            self.jobmanager.wait_until(self.rest.is_up, goal, deadline_s=START_DEADLINE_S)
            self._await_slots()
        except BaseException:
            self.stop()
            raise

    def attach(self, jobmanager: ManagedProcess, taskmanagers: Sequence[ManagedProcess]) -> None:
        """Takes over a cluster that was started from this folder by another program."""
        self.jobmanager, self.taskmanagers = jobmanager, list(taskmanagers)

    def stop(self) -> None:
        """TaskManagers first. Safe to repeat."""
        for process in (*self.taskmanagers, self.jobmanager):
            if process is not None:
                process.stop()
        self.taskmanagers, self.jobmanager = [], None

    def add_taskmanager(self) -> ManagedProcess:
        """One more, with one slot; returns when it is registered. Those that have died are forgotten."""
        self.taskmanagers = [process for process in self.taskmanagers if process.is_running]
        process = self._launch_taskmanager()
        self._await_slots()
        return process

    def replace_idle_taskmanagers(self) -> int:
        """New ones for those whose slot is free; returns how many.

        In thread mode a TaskManager keeps the Python modules it has once imported, also for later jobs: new code needs a new process.
        """
        idle = {manager["id"] for manager in self.rest.taskmanagers() if manager["freeSlots"] == manager["slotsNumber"]}
        old = [process for process in self.taskmanagers if process.log.stem in idle]
        for process in old:
            process.stop()
        self.taskmanagers = [process for process in self.taskmanagers if process.is_running]
        for _ in old:
            self._launch_taskmanager()
        self._await_slots()
        return len(old)

    def submit(self, *arguments: str, savepoint: Path | None = None) -> str:
        """``flink run`` with these arguments, detached; returns the job's id, which may not run yet.

        ``arguments``: ``-py FILE`` or ``-pym MODULE -pyfs FILES``, and after it the job's own.
        """
        resume = ("-s", str(savepoint)) if savepoint is not None else ()
        output = self.flink("run", "-d", *resume, *arguments)
        found = _JOB_ID.search(output)
        if found is None:
            raise KairosError(f"Flink took the job, but gave no job id:\n{output[-2000:]}")
        return found[1]

    def flink(self, *arguments: str) -> str:
        """The ``flink`` command line against this cluster; returns what it prints."""
        return run_flink(arguments, flink_dist.environment(self.folder, self._python_path))

    def _run(self, name: str, script: str, title: str, *arguments: str) -> ManagedProcess:
        argv = [str(flink_dist.flink_home() / "bin" / script), "start-foreground", *arguments]
        environment = flink_dist.environment(self.folder, self._python_path)
        return self._launch(title, argv, log=self.folder / "log" / f"{name}.out", env=environment)

    def _launch_taskmanager(self) -> ManagedProcess:
        name = f"taskmanager-{uuid.uuid4().hex[:6]}"
        process = self._run(name, "taskmanager.sh", "TaskManager", "-D", f"taskmanager.resource-id={name}")
        self.taskmanagers.append(process)
        return process

    def _await_slots(self) -> None:
        """Until each TaskManager that was started is registered; one that was killed may still be listed."""
        for process in self.taskmanagers:
            name = process.log.stem
            process.wait_until(
                partial(self._is_registered, name),
                f"registered at {self.rest.base_url}",
                deadline_s=START_DEADLINE_S,
            )

    def _is_registered(self, name: str) -> bool:
        """With its slot: the JobManager lists a TaskManager a little before it knows what it offers."""
        return any(manager["id"] == name and manager["slotsNumber"] > 0 for manager in self.rest.taskmanagers())

    def _machine_settings(self) -> dict[str, str]:
        rpc_port, blob_port = ports.free_ports(2)
        return {
            **flink_dist.machine_settings(self.folder),
            "jobmanager.rpc.address": ports.LOCALHOST,
            "jobmanager.rpc.port": str(rpc_port),
            "jobmanager.bind-host": ports.LOCALHOST,
            "blob.server.port": str(blob_port),
            "taskmanager.host": ports.LOCALHOST,
            "taskmanager.bind-host": ports.LOCALHOST,
            "rest.address": ports.LOCALHOST,
            "rest.bind-address": ports.LOCALHOST,
            "rest.port": str(self.rest_port),
            "web.refresh-interval": "300ms",  # for how long the REST API may repeat an old answer
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self.rest.close()


def run_flink(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """``bin/flink`` with the configuration that ``environment`` names; raises ``KairosError`` with what it printed."""
    command = [str(flink_dist.flink_home() / "bin" / "flink"), *arguments]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KairosError(f"`flink {arguments[0]}` failed:\n{(done.stdout + done.stderr).strip()[-6000:]}")
    return done.stdout
