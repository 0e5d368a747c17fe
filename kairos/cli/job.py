"""``kairos run``, ``submit``, ``savepoint``, ``stop`` and ``status``: the job here, or on this clone's Flink cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kairos.check.finding import Finding

INTERRUPTED = 130

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file, laid over the defaults.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="SAVEPOINT", help="Resume from this savepoint; `last`: the one `kairos savepoint` made last."),
]
JobId = Annotated[str | None, typer.Option("--job", metavar="ID", help="Which job, if more than one runs.")]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Do not look first whether it can work.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("run")(run)
    app.command("submit")(submit)
    app.command("savepoint")(savepoint)
    app.command("stop")(stop)
    app.command("status")(status)


def run(
    config: Config = None,
    from_: From = None,
    ui_port: Annotated[int, typer.Option(envvar="KAIROS_FLINK_PORT", help="Port of Flink's web UI and REST API.")] = 8081,
    no_check: NoCheck = False,
) -> None:
    """Run the job in the foreground, on a Flink cluster inside one process, against the Kafka of the configuration.

    For trying things out: when it ends, its state is gone unless it is in a checkpoint you resume from. Ends with Ctrl-C.
    """
    from kairos.job.foreground import run_in_foreground
    from kairos.job.submission import find_savepoint

    resume = find_savepoint(from_) if from_ is not None else None
    if not no_check:
        _require_fit(config)
    try:
        run_in_foreground(config, resume, ui_port)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def submit(
    config: Config = None,
    from_: From = None,
    drop_unknown_state: Annotated[
        bool, typer.Option("--drop-unknown-state", help="With --from: go on without state that no operator of this version asks for.")
    ] = False,
    no_check: NoCheck = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout: job_id, name, url.")] = False,
) -> None:
    """Submit the job to this clone's Flink cluster, and return when it runs.

    Examples:
      kairos kafka start && kairos cluster start
      kairos submit                     missing topics are made on this clone's broker, and only there
      kairos savepoint                  stops it, and prints where its state is
      kairos submit --from last         goes on from there
    """
    from dataclasses import asdict

    from kairos.console import done, print_json
    from kairos.contract.connection import read_config
    from kairos.job import submission
    from kairos.job.steps import step

    resume = submission.find_savepoint(from_) if from_ is not None else None
    submission.require_room(read_config(config))
    if not no_check:
        _require_fit(config)
    with step("Submitting the job") as say:
        submitted = submission.submit(config, resume, drop_unknown_state=drop_unknown_state)
        say(f"{submitted.name} runs{f' from {resume}' if resume else ''}")
    if as_json:
        print_json(asdict(submitted))
    else:
        done(f"{submitted.url}; how it does: kairos status")


def savepoint(job: JobId = None) -> None:
    """Stop the job, not the cluster, with a savepoint and print the savepoint's path. Nothing is lost: submit --from last goes on there."""
    import sys

    from kairos.job.steps import step
    from kairos.job.submission import stop_with_savepoint

    with step("Stopping the job with a savepoint") as say:
        path = stop_with_savepoint(job)
        say("The job is stopped; to go on: kairos submit --from last")
    sys.stdout.write(f"{path}\n")


def stop(job: JobId = None) -> None:
    """Stop the job without a savepoint; the cluster and the broker go on. What it has learned since its last checkpoint is lost.

    To keep it: kairos savepoint. To stop the cluster and the broker: kairos cluster stop, kairos kafka stop, or make stop for both.
    """
    from kairos.console import done, stderr
    from kairos.job.submission import cancel

    cancelled, checkpoint = cancel(job)
    done(f"{cancelled.name} ({cancelled.id}) is stopped")
    if checkpoint:
        stderr.print(f"  Its last checkpoint: {checkpoint}", style="dim", markup=False)


def status(
    url: Annotated[str | None, typer.Option("--url", help="REST address of another cluster, such as http://jobmanager:8081.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout, with every count.")] = False,
) -> None:
    """Tell how the job does: its tasks, checkpoints and restarts, what it decided, and why nothing was sent.

    Exit code 1 if no job is active.

    Example:
      kairos status --json | jq '.jobs[0].counts.pushes'
    """
    from kairos.console import print_json
    from kairos.job.status import print_status, status_of
    from kairos.local.cluster_service import running_cluster
    from kairos.local.flink_rest import FlinkRest

    rest = FlinkRest(url) if url is not None else running_cluster().rest
    if as_json:
        print_json(status_of(rest))
    else:
        print_status(rest)
    if not rest.active_jobs():
        raise typer.Exit(1)


def _require_fit(config: Path | None) -> None:
    """Makes the topics if the broker is this clone's own. Raises ``KairosError`` with everything that ``kairos check`` would call a failure."""
    import logging

    from kairos.console import done
    from kairos.contract.connection import read_config
    from kairos.errors import KairosError
    from kairos.job.steps import step
    from kairos.job.submission import failures, make_topics_on_own_broker

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what concerns the user becomes a finding
    if created := make_topics_on_own_broker(read_config(config)):
        done(f"{created} topics created on this clone's broker")
    with step("Checking configuration, brokers and topics") as say:
        found = failures(config)
        if found:
            raise KairosError(_in_words(found), "More: kairos check. To submit nevertheless: --no-check")
        say("Configuration, brokers and topics fit together")


def _in_words(found: "list[Finding]") -> str:
    return "The job would not work:\n" + "\n".join(f"  {finding.what}: {finding.detail}\n    {finding.todo}" for finding in found)
