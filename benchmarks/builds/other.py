"""Builds that are other engines with the shipped core inside: one process each, in an environment of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.builds.build import write_config
from benchmarks.environment import bench_python
from benchmarks.stage import Stage
from kairos.errors import KairosError
from kairos.local.paths import project_root
from kairos.local.processes import ChildProcess, log_tail


@dataclass(frozen=True, slots=True)
class OtherBuild:
    """A Python program that takes `--config` and `--state`."""

    name: str
    title: str
    module: str

    @contextmanager
    def running(self, stage: Stage, folder: Path) -> Iterator[RunningProgram]:
        """See Build."""
        config = write_config(stage, folder)
        command = [str(bench_python()), "-m", self.module, "--config", str(config), "--state", str(folder / "state")]
        environment = {**os.environ, "PYTHONPATH": str(project_root()), "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        with ChildProcess(self.title, command, log=folder / f"{self.name}.log", env=environment) as process:
            yield RunningProgram(process)


@dataclass(frozen=True, slots=True)
class RunningProgram:
    """One process."""

    process: ChildProcess

    def pids(self) -> Sequence[int]:
        """See Running."""
        return [self.process.pid]

    def check(self) -> None:
        """See Running."""
        if not self.process.is_running:
            raise KairosError(f"{self.process.name} has ended. The end of {self.process.log}:\n{log_tail(self.process.log)}")

    def facts(self) -> dict[str, Any]:
        """Nothing is known from outside."""
        return {}


BYTEWAX = OtherBuild("bytewax", "core inside Bytewax", "benchmarks.engines.bytewax_flow")
QUIX = OtherBuild("quix", "core inside Quix Streams", "benchmarks.engines.quix_app")
