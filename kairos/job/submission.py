"""The job on this clone's Flink cluster: submitted, stopped with a savepoint, resumed from it.

*Contract*: every function raises ``KairosError`` if the cluster does not run (``kairos cluster start``), and says what to do
about everything else a user can cause.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from flink_job.config import Config
from kairos.check.finding import Finding, Level
from kairos.check.run import run_checks
from kairos.contract.connection import read_config
from kairos.contract.topics import ensure_topics
from kairos.errors import USAGE_ERROR, KairosError
from kairos.local import paths
from kairos.local.cluster_service import replace_idle_taskmanagers, running_cluster
from kairos.local.flink_rest import FlinkRest, Job
from kairos.local.kafka_service import is_own_broker

LAST = "last"
"""What to resume from, said instead of a path."""

_RUNNING_DEADLINE_S = 180.0


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job that runs: each of its tasks does."""

    job_id: str
    name: str
    url: str


def make_topics_on_own_broker(settings: Config) -> int:
    """Creates the missing topics on the broker that this clone has started; returns how many. Other brokers are left alone."""
    kafka = settings.kafka
    if not is_own_broker(kafka.bootstrap_servers):
        return 0
    return sum(outcome.created for outcome in ensure_topics(kafka.bootstrap_servers, kafka.topic_prefix, kafka.properties))


def failures(config: Path | None) -> list[Finding]:
    """What ``kairos check`` finds that would keep the job from running."""
    return [finding for finding in run_checks(config) if finding.level is Level.FAIL]


def require_room(settings: Config) -> None:
    """That the job can be started: it does not run yet, and there are slots enough."""
    cluster = running_cluster()
    name = settings.job.name
    if same := [job for job in cluster.rest.active_jobs() if job.name == name]:
        raise KairosError(
            f"The job {name} runs already ({same[0].id}, {same[0].state}).",
            "Stop it first: kairos savepoint, or without one: kairos stop. Another job needs another job.name, and another kafka.group_id.",
        )
    free, wanted = int(cluster.rest.overview()["slots-available"]), settings.job.parallelism
    if free < wanted:
        raise KairosError(
            f"The job needs {wanted} slots (job.parallelism), but only {free} are free.",
            "Add some: kairos cluster add-taskmanager",
        )


def submit(config: Path | None, savepoint: Path | None = None, *, drop_unknown_state: bool = False) -> Submitted:
    """Returns when the job runs. ``drop_unknown_state``: go on without state of operators that are no longer there."""
    settings = read_config(config)
    require_room(settings)
    replace_idle_taskmanagers()
    cluster = running_cluster()
    arguments = ["-n"] if drop_unknown_state else []
    arguments += ["-pym", "flink_job.main"]
    if config is not None:
        arguments += ["--config", str(config.resolve())]
    job_id = cluster.submit(*arguments, savepoint=savepoint)
    cluster.rest.wait_until_running(job_id, deadline_s=_RUNNING_DEADLINE_S)
    return Submitted(job_id, settings.job.name, f"{cluster.rest.base_url}/#/job/{job_id}/overview")


def stop_with_savepoint(job_id: str | None = None) -> Path:
    """Stops the one job that runs, or the one named; returns the savepoint, which ``last`` means from now on."""
    cluster = running_cluster()
    savepoint = cluster.rest.stop_with_savepoint(_job(cluster.rest, job_id).id, cluster.savepoints)
    _remembered().write_text(json.dumps({"savepoint": str(savepoint)}) + "\n", encoding="utf-8")
    return savepoint


def cancel(job_id: str | None = None) -> tuple[Job, str]:
    """Ends the job without a savepoint; returns it and the path of its last checkpoint, empty if it had none."""
    cluster = running_cluster()
    job = _job(cluster.rest, job_id)
    cluster.rest.cancel(job.id)
    completed = cluster.rest.checkpoints(job.id)["latest"]["completed"]
    return job, str(completed["external_path"]) if completed else ""


def find_savepoint(text: str) -> Path:
    """The folder of a savepoint or a retained checkpoint; ``last`` is the one that ``stop_with_savepoint`` made."""
    if text == LAST:
        try:
            text = json.loads(_remembered().read_text(encoding="utf-8"))["savepoint"]
        except (FileNotFoundError, ValueError, KeyError):
            raise KairosError("No savepoint was made yet.", "Make one with: kairos savepoint", exit_code=USAGE_ERROR) from None
    folder = Path(text.removeprefix("file:")).expanduser().resolve()
    if not (folder / "_metadata").is_file():
        raise KairosError(
            f"{folder} is no savepoint: it has no file _metadata.",
            "Give the folder that `kairos savepoint` printed, or a checkpoint's chk-… folder.",
            exit_code=USAGE_ERROR,
        )
    return folder


def _job(rest: FlinkRest, job_id: str | None) -> Job:
    if job_id is None:
        return rest.the_job()
    found = [job for job in rest.active_jobs() if job.id == job_id]
    if not found:
        raise KairosError(f"No job {job_id} is active on {rest.base_url}.", "kairos status lists the jobs.")
    return found[0]


def _remembered() -> Path:
    return paths.state_dir() / "last-savepoint.json"
