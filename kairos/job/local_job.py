"""The job on a Flink cluster inside one process of this machine: no JobManager, no TaskManagers, one slot.

    with LocalJob(folder, config, launch_port) as job:
        job.wait_until_running()
        print(job.rest.base_url)

*Contract*: the Kafka topics exist. State is kept in ``folder/checkpoints`` and dies with the process: the next run starts from
the offsets that this one committed, not from its state. Who needs more submits to a cluster.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from kairos.errors import KairosError
from kairos.local import artefacts, flink_dist, paths, ports
from kairos.local.flink_rest import FlinkRest
from kairos.local.processes import ChildProcess, log_tail

_RELEASE_S = 5.0
"""A JVM that was killed takes a moment to give back its memory and ports."""

START_DEADLINE_S = 300.0
"""Half a minute is usual; a job that fails is noticed at once."""


class LocalJob:
    """One run. ``config``: the configuration file, ``None`` for the defaults. ``rest_port``: Flink's web UI and REST API.

    ``savepoint``: to resume from. ``environment``: variables over those of this process.
    """

    def __init__(
        self,
        folder: Path,
        config: Path | None,
        rest_port: int,
        *,
        savepoint: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.log = folder / "job.log"
        self.rest_port = rest_port
        self.rest = FlinkRest(f"http://{ports.LOCALHOST}:{rest_port}")
        self._config = config
        self._savepoint = savepoint
        self._environment = dict(environment or {})
        self._process: ChildProcess | None = None

    def start(self) -> None:
        """Returns at once; ``wait_until_running`` waits."""
        ports.require_free(self.rest_port, "Flink's web UI and REST API", "--ui-port, or KAIROS_FLINK_PORT")
        flink_dist.prepare(self.folder, {})
        environment = {**flink_dist.environment(self.folder, [paths.project_root()]), **self._environment}
        self.log.unlink(missing_ok=True)
        self._process = ChildProcess("The job", self._command(), log=self.log, env=environment)

    def wait_until_running(self, *, deadline_s: float = START_DEADLINE_S) -> None:
        """Raises ``KairosError`` with the end of the log if it ends instead."""
        self._started().wait_until(self._is_up, "running", deadline_s=deadline_s)

    def wait(self) -> None:
        """Until the job ends by itself, which is an error: its sources have no end."""
        self._started().wait()
        self.check()

    def check(self) -> None:
        """Raises ``KairosError`` if the job has ended."""
        if not self._started().is_running:
            raise KairosError(f"The job has ended. The end of {self.log}:\n{log_tail(self.log, 40)}")

    def stop(self) -> None:
        """Returns when the port is free again, for the next run. Safe to repeat."""
        if self._process is not None:
            self._process.stop()
            self._process = None
            deadline_s = time.monotonic() + _RELEASE_S
            while not ports.is_free(self.rest_port) and time.monotonic() < deadline_s:
                time.sleep(0.02)

    def _started(self) -> ChildProcess:
        if self._process is None:
            raise RuntimeError("the job has not been started")
        return self._process

    def _is_up(self) -> bool:
        if not self.rest.is_up():
            return False
        active = self.rest.active_jobs()
        return bool(active) and self.rest.all_tasks_run(active[0].id)

    def _command(self) -> list[str]:
        flink_options = {
            "rest.address": ports.LOCALHOST,
            "rest.bind-address": ports.LOCALHOST,
            "rest.port": str(self.rest_port),
            "rest.bind-port": str(self.rest_port),
            "io.tmp.dirs": str(self.folder / "tmp"),
        }
        command = [sys.executable, "-m", "flink_job.main", "--local"]
        for jar in artefacts.jars("connector"):
            command += ["--jar", jar.as_uri()]
        for key, value in flink_options.items():
            command += ["--set", f"{key}={value}"]
        if self._config is not None:
            command += ["--config", str(self._config)]
        if self._savepoint is not None:
            command += ["--from-savepoint", self._savepoint]
        return command

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self.rest.close()
