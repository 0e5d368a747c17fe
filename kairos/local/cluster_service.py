"""The Flink cluster of the command line: one per clone, in ``.kairos/cluster``."""

import os
import shutil
from pathlib import Path

from rich.table import Table

from kairos.console import console, doing, done, print_json
from kairos.errors import KairosError
from kairos.local import detached, paths
from kairos.local.cluster import FlinkCluster
from kairos.local.detached import DetachedProcess, ProcessRecord, ServiceRecord, launch_detached
from kairos.local.processes import ManagedProcess

_SERVICE = "cluster"


def running_cluster() -> FlinkCluster:
    """The cluster that ``kairos cluster start`` has started; raises ``KairosError`` if none runs."""
    cluster = _find()
    if cluster is None:
        raise KairosError("No Flink cluster of this clone runs.", "Start one: kairos cluster start (or make cluster)")
    return cluster


def start_cluster(port: int, taskmanagers: int, state_backend: str, *, knows_project: bool) -> None:
    """No error if this clone's cluster runs already on that port."""
    if (running := _find()) is not None:
        if running.rest_port != port:
            raise KairosError(f"This clone's cluster runs on {running.rest.base_url} already.", "Stop it first: kairos cluster stop")
        done(f"The Flink cluster runs already: {running.rest.base_url}")
        return
    python_path = [paths.project_root()] if knows_project else []
    cluster = FlinkCluster(
        _folder(),
        rest_port=port,
        taskmanagers=taskmanagers,
        settings={"state.backend.type": state_backend},
        python_path=python_path,
        launch=launch_detached,
    )
    doing(f"Starting a Flink cluster: one JobManager, {taskmanagers} TaskManagers (about 15 s)")
    shutil.rmtree(_folder() / "log", ignore_errors=True)
    cluster.start()
    _save(cluster, python_path)
    done(f"The Flink cluster runs: {cluster.rest.base_url} (logs: {cluster.folder / 'log'})")


def stop_cluster() -> None:
    """Jobs are lost that were not stopped with a savepoint; their checkpoints stay."""
    if (cluster := _find()) is not None:
        doing("Stopping the Flink cluster")
        cluster.stop()
    detached.forget(_SERVICE)
    done("The Flink cluster is stopped")


def replace_idle_taskmanagers() -> int:
    """So that the next job runs the code as it is now; returns how many, none if no job has run yet."""
    cluster = running_cluster()
    if not cluster.rest.jobs():
        return 0
    count = cluster.replace_idle_taskmanagers()
    record = detached.load(_SERVICE)
    assert record is not None  # it was found a moment ago
    _save(cluster, _python_path(record))
    return count


def add_taskmanager() -> None:
    """Raises ``KairosError`` if no cluster runs."""
    cluster = running_cluster()
    doing("Starting one more TaskManager")
    cluster.add_taskmanager()
    record = detached.load(_SERVICE)
    assert record is not None  # it was found a moment ago
    _save(cluster, _python_path(record))
    done(f"{len(cluster.taskmanagers)} TaskManagers run: {cluster.rest.base_url}")


def print_status(*, as_json: bool) -> bool:
    """Whether the cluster runs."""
    cluster = _find()
    if as_json:
        print_json(_as_json(cluster))
    elif cluster is None:
        console.print("The Flink cluster does not run. Start it with: kairos cluster start")
    else:
        _print_table(cluster)
    return cluster is not None


def _as_json(cluster: FlinkCluster | None) -> dict[str, object]:
    if cluster is None:
        return {"running": False}
    overview = cluster.rest.overview()
    return {
        "running": True,
        "url": cluster.rest.base_url,
        "folder": str(cluster.folder),
        "slots": overview["slots-total"],
        "free_slots": overview["slots-available"],
        "jobmanager_pid": cluster.jobmanager.pid if cluster.jobmanager else None,
        "taskmanager_pids": [process.pid for process in cluster.taskmanagers],
        "jobs": [{"id": job.id, "name": job.name, "state": job.state} for job in cluster.rest.jobs()],
    }


def _print_table(cluster: FlinkCluster) -> None:
    overview = cluster.rest.overview()
    console.print(f"Flink {overview['flink-version']} on {cluster.rest.base_url} (logs: {cluster.folder / 'log'})")
    free, slots = overview["slots-available"], overview["slots-total"]
    console.print(f"{len(cluster.taskmanagers)} TaskManagers, {free} of {slots} slots free")
    table = Table("job", "state", "id", box=None)
    for job in cluster.rest.jobs():
        table.add_row(job.name, job.state, job.id)
    console.print(table if table.row_count else "No jobs yet. Submit one: kairos submit")


def _find() -> FlinkCluster | None:
    record = detached.load(_SERVICE)
    if record is None:
        return None
    jobmanager, *taskmanagers = [DetachedProcess(process) for process in record.processes]
    cluster = FlinkCluster(
        Path(record.details["folder"]),
        rest_port=int(record.details["port"]),
        python_path=_python_path(record),
        launch=launch_detached,
    )
    living: list[ManagedProcess] = [process for process in taskmanagers if process.is_running]
    cluster.attach(jobmanager, living)
    if not jobmanager.is_running:  # TaskManagers without one are of no use and hold memory
        cluster.stop()
        detached.forget(_SERVICE)
        return None
    return cluster


def _save(cluster: FlinkCluster, python_path: list[Path]) -> None:
    processes = [cluster.jobmanager, *cluster.taskmanagers]
    records = [ProcessRecord.of(process) for process in processes if process is not None]
    details = {
        "folder": str(cluster.folder),
        "port": str(cluster.rest_port),
        "python_path": os.pathsep.join(map(str, python_path)),
    }
    detached.save(_SERVICE, ServiceRecord(records, details))


def _python_path(record: ServiceRecord) -> list[Path]:
    return [Path(part) for part in record.details["python_path"].split(os.pathsep) if part]


def _folder() -> Path:
    return paths.state_dir() / "cluster"
