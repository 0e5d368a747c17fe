"""The job on this machine against a Kafka that is there already, until Ctrl-C."""

from pathlib import Path

from kairos.console import done, stderr
from kairos.contract.connection import read_config
from kairos.job.local_job import LocalJob
from kairos.job.locked import locked
from kairos.job.steps import step
from kairos.local import paths


def run_in_foreground(config: Path | None, savepoint: Path | None, ui_port: int) -> None:
    """Raises ``KairosError`` if the job fails, and ``KeyboardInterrupt`` when the job is stopped by one."""
    folder = paths.state_dir() / "run-here"
    settings = read_config(config)
    environment = {}
    if not settings.job.checkpoint_dir:  # in memory, where they go otherwise, they may be 5 MB at most
        environment["KAIROS__JOB__CHECKPOINT_DIR"] = (folder / "checkpoints").as_uri()
    path = config.resolve() if config is not None else None
    resume = savepoint.as_uri() if savepoint is not None else None
    with locked(folder, "A job in the foreground"):
        job = LocalJob(folder, path, ui_port, savepoint=resume, environment=environment)
        with job:
            with step("Starting the job on a Flink cluster inside one process") as say:
                job.wait_until_running()
                say(f"{settings.job.name} runs on {settings.kafka.bootstrap_servers}; how Flink sees it: {job.rest.base_url}")
            stderr.print(f"  Log: {job.log}. Ctrl-C ends it.", style="dim", markup=False)
            try:
                job.wait()
            except KeyboardInterrupt:
                done("The job is stopping")
                raise
