"""How the job does: where it runs, its checkpoints and restarts, and what it has counted; for people and for scripts."""

from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from kairos.console import console
from kairos.job.counts import Counts, account, read_counts
from kairos.local.flink_rest import FlinkRest, Job


def status_of(rest: FlinkRest) -> dict[str, Any]:
    """One JSON document: the cluster, and each active job with its health and all of its counts."""
    overview = rest.overview()
    return {
        "url": rest.base_url,
        "flink_version": overview["flink-version"],
        "taskmanagers": overview["taskmanagers"],
        "slots": overview["slots-total"],
        "free_slots": overview["slots-available"],
        "jobs": [_job_status(rest, job) for job in rest.active_jobs()],
        "ended_jobs": [{"id": job.id, "name": job.name, "state": job.state} for job in rest.jobs() if job.has_ended],
    }


def print_status(rest: FlinkRest) -> None:
    """The same for people."""
    status = status_of(rest)
    console.print(
        f"Flink {status['flink_version']} on {status['url']}: {status['taskmanagers']} TaskManagers, "
        f"{status['free_slots']} of {status['slots']} slots free"
    )
    if not status["jobs"]:
        console.print("No job runs. Submit it with: kairos submit")
    for job in status["jobs"]:
        _print_job(job)


def _job_status(rest: FlinkRest, job: Job) -> dict[str, Any]:
    counts = read_counts(rest, job.id)
    details = rest.job(job.id)
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "tasks_running": sum(count for state, count in details["status-counts"].items() if state == "RUNNING"),
        "tasks": sum(details["status-counts"].values()),
        "started_ms": details["start-time"],
        "uptime_ms": details["duration"],
        "restarts": rest.restarts(job.id),
        "last_failure": rest.root_exception(job.id)[:2000],
        "checkpoints": _checkpoints(rest.checkpoints(job.id)),
        "counts": counts.total,
        "catalogue_items": counts.largest.get("catalogue_items", 0),
    }


def _checkpoints(found: dict[str, Any]) -> dict[str, Any]:
    """Flink counts as failed also what it wanted to begin before all tasks ran, as after every start. Nothing is wrong then and nothing was lost, and
    only checkpoints that were begun have an entry in the history, which holds the last ten: those are told.
    """
    completed, begun = found["latest"]["completed"], found["history"]
    return {
        "completed": found["counts"]["completed"],
        "begun_lately": len(begun),
        "failed_lately": sum(checkpoint["status"] == "FAILED" for checkpoint in begun),
        "last_ms": completed["trigger_timestamp"] if completed else None,
        "last_duration_ms": completed["end_to_end_duration"] if completed else None,
        "last_bytes": completed["state_size"] if completed else None,
        "last_path": completed["external_path"] if completed else None,
    }


def _print_job(job: dict[str, Any]) -> None:
    checkpoints, counts = job["checkpoints"], Counts(job["counts"], {})
    grid = Table(box=None, pad_edge=False, show_header=False)
    grid.add_column(style="cyan")
    grid.add_column()
    grid.add_row("job", f"{job['name']} ({job['id']})")
    grid.add_row("state", f"{job['state']}, {job['tasks_running']} of {job['tasks']} tasks run, for {_seconds(job['uptime_ms'])}")
    grid.add_row("restarts", f"{job['restarts']}{_newest_line(job['last_failure'])}")
    grid.add_row("checkpoints", f"{checkpoints['completed']:,} completed{_failed(checkpoints)}{_last(checkpoints)}")
    grid.add_row("catalogue", f"{job['catalogue_items']:,} items")
    console.print(grid)
    for line in account(counts, reasons=8) if counts.total else ["Nothing was counted yet."]:
        console.print(line, markup=False)


def _failed(checkpoints: dict[str, Any]) -> str:
    failed, begun = checkpoints["failed_lately"], checkpoints["begun_lately"]
    return f", {failed} of the last {begun} failed" if failed else ""


def _last(checkpoints: dict[str, Any]) -> str:
    if checkpoints["last_ms"] is None:
        return ""
    at = datetime.fromtimestamp(checkpoints["last_ms"] / 1000, UTC).astimezone().strftime("%H:%M:%S")
    return f"; the last at {at}, {checkpoints['last_bytes'] / 1e6:,.1f} MB in {checkpoints['last_duration_ms']:,} ms"


def _newest_line(failure: str) -> str:
    return f"; the last failure: {failure.splitlines()[0][:200]}" if failure else ""


def _seconds(ms: int) -> str:
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
