"""The part of Flink's REST API that tools and tests need, with deadlines.

*Contract*: raises ``KairosError`` if the cluster does not answer, a job fails while it is waited for, or time is up.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

import httpx

from kairos.errors import KairosError

_POLL_S = 0.1
_ENDED = {"FAILED", "CANCELED", "FINISHED", "SUSPENDED"}


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the JobManager lists it. ``state``: RUNNING, RESTARTING, FAILED, FINISHED, ..."""

    id: str
    name: str
    state: str

    @property
    def has_ended(self) -> bool:
        """It will never run again."""
        return self.state in _ENDED


class FlinkRest:
    """A client of one JobManager."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._client = httpx.Client(base_url=self.base_url, timeout=10.0, trust_env=False)

    def is_up(self) -> bool:
        """The REST API answers."""
        try:
            return self._client.get("/overview").is_success
        except httpx.TransportError:
            return False

    def overview(self) -> dict[str, Any]:
        """``taskmanagers``, ``slots-total``, ``slots-available``, ``jobs-running``, ``flink-version``, ..."""
        return self._get("/overview")

    def settings(self) -> dict[str, str]:
        """Flink's options as the JobManager was started with them, those left at their defaults not included."""
        return {entry["key"]: entry["value"] for entry in self._get_list("/jobmanager/config")}

    def taskmanagers(self) -> list[dict[str, Any]]:
        """Those that are registered, each with ``id`` and ``slotsNumber``; one that has just died may be among them."""
        return list(self._get("/taskmanagers")["taskmanagers"])

    def jobs(self) -> list[Job]:
        """All the JobManager remembers, newest first."""
        listed = sorted(self._get("/jobs/overview")["jobs"], key=lambda job: -int(job["start-time"]))
        return [Job(job["jid"], job["name"], job["state"]) for job in listed]

    def active_jobs(self) -> list[Job]:
        """Those that run, restart or are being started, newest first."""
        return [job for job in self.jobs() if not job.has_ended]

    def the_job(self) -> Job:
        """The one job that is active; raises ``KairosError`` if there is none, or more than one."""
        active = self.active_jobs()
        if not active:
            raise KairosError(f"No job runs on {self.base_url}.", "Submit it: kairos submit")
        if len(active) > 1:
            names = ", ".join(f"{job.name} ({job.id})" for job in active)
            raise KairosError(f"More than one job runs on {self.base_url}: {names}.", "Say which: --job ID")
        return active[0]

    def job(self, job_id: str) -> dict[str, Any]:
        """``state``, ``status-counts`` of its subtasks, ``timestamps`` of its states, ``vertices``, ..."""
        return self._get(f"/jobs/{job_id}")

    def root_exception(self, job_id: str) -> str:
        """The latest failure's stack trace, or an empty string."""
        entries = self._get(f"/jobs/{job_id}/exceptions").get("exceptionHistory", {}).get("entries", [])
        return str(entries[0]["stacktrace"]) if entries else ""

    def completed_checkpoints(self, job_id: str) -> int:
        """Since the job was submitted or restored."""
        return int(self.checkpoints(job_id)["counts"]["completed"])

    def restarts(self, job_id: str) -> int:
        """How often the job was restarted after a failure."""
        values = {entry["id"]: entry["value"] for entry in self._get_list(f"/jobs/{job_id}/metrics?get=numRestarts")}
        return int(values.get("numRestarts", 0))

    def last_restart_ms(self, job_id: str) -> int:
        """When the JobManager last began to restart the job, epoch milliseconds; 0 if it never did."""
        return int(self.job(job_id)["timestamps"]["RESTARTING"])

    def wait_for_slots(self, count: int, *, deadline_s: float = 60.0) -> None:
        """Until exactly ``count`` slots are registered."""
        self._wait(lambda: self.overview()["slots-total"] == count, f"{count} slots were registered", deadline_s)

    def all_tasks_run(self, job_id: str) -> bool:
        """Whether the job and each of its subtasks run; raises ``KairosError`` with the root exception if the job has ended."""
        job = self.job(job_id)
        if job["state"] in _ENDED:
            cause = self.root_exception(job_id)[:4000]
            raise KairosError(f"Job {job['name']} ({job_id}) is {job['state']} instead of RUNNING.\n{cause}".rstrip())
        tasks = {state: n for state, n in job["status-counts"].items() if n}
        return job["state"] == "RUNNING" and set(tasks) <= {"RUNNING", "FINISHED"} and "RUNNING" in tasks

    def operator_metrics(self, job_id: str, operator: str) -> dict[str, list[float]]:
        """``[sum, max]`` over the subtasks of each metric of an operator, named without the operator's name."""
        found: dict[str, list[float]] = {}
        for vertex in self.job(job_id)["vertices"]:
            path = f"/jobs/{job_id}/vertices/{vertex['id']}/subtasks/metrics"
            names = [entry["id"] for entry in self._get_list(path) if entry["id"].startswith(f"{operator}.")]
            if names:
                values = self._get_list(f"{path}?get={quote(','.join(names))}")
                found |= {entry["id"].removeprefix(f"{operator}."): [entry["sum"], entry["max"]] for entry in values}
        return found

    def task_clocks(self, job_id: str) -> dict[str, Any]:
        """How long the tasks of each vertex were idle and busy, in ms: differs from the answer before once the TaskManagers were asked in between."""
        query = "get=accumulateIdleTimeMs,accumulateBusyTimeMs&agg=sum"
        vertices = [node["id"] for node in self._get(f"/jobs/{job_id}/plan")["plan"]["nodes"]]
        return {vertex: self._get_list(f"/jobs/{job_id}/vertices/{vertex}/subtasks/metrics?{query}") for vertex in vertices}

    def checkpoints(self, job_id: str) -> dict[str, Any]:
        """``counts``, ``summary``, ``latest``, ``history``, as Flink gives them."""
        return self._get(f"/jobs/{job_id}/checkpoints")

    def wait_until_running(self, job_id: str, *, deadline_s: float = 90.0) -> None:
        """Until the job and each of its subtasks run; raises with the root exception if the job ends instead."""
        self._wait(lambda: self.all_tasks_run(job_id), f"job {job_id} was running", deadline_s)

    def wait_for_restart(self, job_id: str, before_ms: int, *, deadline_s: float = 120.0) -> None:
        """Until the job runs again after a restart later than ``before_ms``, the ``last_restart_ms`` of before.

        After a ``kill -9`` the JobManager shows the job as running until it notices.
        """
        self._wait(lambda: self.last_restart_ms(job_id) > before_ms, f"job {job_id} was restarted", deadline_s)
        self.wait_until_running(job_id, deadline_s=deadline_s)

    def wait_until_ended(self, job_id: str, *, deadline_s: float = 90.0) -> str:
        """The final state."""
        self._wait(lambda: self.job(job_id)["state"] in _ENDED, f"job {job_id} had ended", deadline_s)
        return str(self.job(job_id)["state"])

    def wait_for_checkpoint(self, job_id: str, *, deadline_s: float = 60.0) -> None:
        """Until one more checkpoint than now is complete."""
        before = self.completed_checkpoints(job_id)
        self._wait(lambda: self.completed_checkpoints(job_id) > before, "a checkpoint was complete", deadline_s)

    def stop_with_savepoint(self, job_id: str, folder: Path, *, deadline_s: float = 120.0) -> Path:
        """Stops the job after a savepoint in canonical form; returns the savepoint's folder."""
        body = {"targetDirectory": folder.as_uri(), "drain": False, "formatType": "CANONICAL"}
        answer = self._send("POST", f"/jobs/{job_id}/stop", body)
        path = self._savepoint(job_id, str(answer["request-id"]), deadline_s)
        self.wait_until_ended(job_id, deadline_s=deadline_s)
        return path

    def savepoint(self, job_id: str, folder: Path, *, deadline_s: float = 120.0) -> Path:
        """A savepoint of a job that goes on."""
        body = {"target-directory": folder.as_uri(), "cancel-job": False, "formatType": "CANONICAL"}
        answer = self._send("POST", f"/jobs/{job_id}/savepoints", body)
        return self._savepoint(job_id, str(answer["request-id"]), deadline_s)

    def cancel(self, job_id: str, *, deadline_s: float = 60.0) -> None:
        """Ends the job without a savepoint; returns when it has ended."""
        self._send("PATCH", f"/jobs/{job_id}?mode=cancel", None)
        self.wait_until_ended(job_id, deadline_s=deadline_s)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _savepoint(self, job_id: str, request_id: str, deadline_s: float) -> Path:
        location = ""

        def complete() -> bool:
            nonlocal location
            answer = self._get(f"/jobs/{job_id}/savepoints/{request_id}")
            if answer["status"]["id"] != "COMPLETED":
                return False
            if cause := answer["operation"].get("failure-cause"):
                raise KairosError(f"The savepoint of job {job_id} failed.\n{str(cause['stack-trace'])[:4000]}")
            location = str(answer["operation"]["location"])
            return True

        self._wait(complete, "the savepoint was complete", deadline_s)
        return Path(unquote(urlsplit(location).path))

    def _wait(self, reached: Callable[[], bool], goal: str, deadline_s: float) -> None:
        deadline = time.monotonic() + deadline_s
        while not reached():
            if time.monotonic() > deadline:
                raise KairosError(f"{deadline_s:.0f} s went by before {goal} on {self.base_url}.", f"Look at {self.base_url}")
            time.sleep(_POLL_S)

    def _get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._send("GET", path, None)
        return answer

    def _get_list(self, path: str) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = self._send("GET", path, None)
        return answer

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        try:
            response = self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            raise KairosError(
                f"No Flink cluster answers on {self.base_url}: {error or type(error).__name__}.",
                "Start one: kairos cluster start",
            ) from error
        if response.is_error:
            raise KairosError(f"Flink answered {response.status_code} to {method} {path}: {response.text[:2000]}")
        return response.json()
