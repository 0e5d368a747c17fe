"""Builds that are Flink jobs: a standalone cluster of one JobManager and one TaskManager with one slot, and a job on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.builds.build import write_config
from benchmarks.stage import Stage
from kairos.errors import KairosError
from kairos.local.cluster import FlinkCluster


@dataclass(frozen=True, slots=True)
class FlinkBuild:
    """A job whose entry point is a Python module that takes `--config`."""

    name: str
    title: str
    module: str
    job: Mapping[str, object] = field(default_factory=dict)
    """Settings of the configuration's section `job` that differ from the defaults."""
    cluster: Mapping[str, str] = field(default_factory=dict)
    """Flink options that differ from those of `deploy/flink/config.yaml`."""

    @contextmanager
    def running(self, stage: Stage, folder: Path) -> Iterator[RunningJob]:
        """See Build."""
        config = write_config(stage, folder, **self.job)
        with FlinkCluster(folder / "flink", taskmanagers=1, settings=self.cluster) as cluster:
            job_id = cluster.submit("-pym", self.module, "--config", str(config))
            cluster.rest.wait_until_running(job_id)
            yield RunningJob(cluster, job_id)


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job on a cluster of its own."""

    cluster: FlinkCluster
    job_id: str

    def pids(self) -> Sequence[int]:
        """JobManager and TaskManager; Python workers are their children."""
        return [process.pid for process in (self.cluster.jobmanager, *self.cluster.taskmanagers) if process is not None]

    def check(self) -> None:
        """See Running."""
        state = self.cluster.rest.job(self.job_id)["state"]
        if state != "RUNNING":
            raise KairosError(f"The Flink job is {state}.\n{self.cluster.rest.root_exception(self.job_id)[:4000]}")

    def facts(self) -> dict[str, Any]:
        """Checkpoints and their size, and whether the job was restarted: a measurement with restarts is none."""
        answer = httpx.get(f"{self.cluster.rest.base_url}/jobs/{self.job_id}/checkpoints", trust_env=False).raise_for_status().json()
        last = answer["latest"]["completed"] or {}
        return {
            "checkpoints": answer["counts"]["completed"],
            "state_bytes": last.get("state_size", 0),
            "checkpoint_ms": answer["summary"]["end_to_end_duration"]["avg"],
            "restarted": self.cluster.rest.last_restart_ms(self.job_id) > 0,
        }


SHIPPED = FlinkBuild("kairos", "Kairos", "flink_job.main")
ROCKSDB = FlinkBuild("kairos-rocksdb", "Kairos, RocksDB", "flink_job.main", job={"state_backend": "rocksdb"})
TEXTBOOK = FlinkBuild("textbook", "textbook PyFlink", "benchmarks.textbook.job")
