"""``kairos cluster``: a standalone Flink cluster on this machine, in the background."""

from enum import StrEnum
from typing import Annotated

import typer


class StateBackend(StrEnum):
    """Where Flink keeps the state of users: on the heap, or in RocksDB when it outgrows the memory."""

    hashmap = "hashmap"
    rocksdb = "rocksdb"


Port = Annotated[int, typer.Option(envvar="KAIROS_FLINK_PORT", help="Port of the web UI and the REST API.")]
TaskManagers = Annotated[int, typer.Option(min=1, help="How many TaskManagers, of one slot each.")]
Backend = Annotated[StateBackend, typer.Option(help="Where the state of users is kept.")]
Bare = Annotated[bool, typer.Option("--bare", help="Like a cluster that does not know Kairos: submit a package (kairos package).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(
        no_args_is_help=True,
        help="A standalone Flink cluster on this machine, from the distribution inside the pip package.",
    )
    group.command("start")(start)
    group.command("stop")(stop)
    group.command("status")(status)
    group.command("add-taskmanager")(add_taskmanager)
    app.add_typer(group, name="cluster")


def start(
    port: Port = 8081,
    taskmanagers: TaskManagers = 2,
    state_backend: Backend = StateBackend.hashmap,
    bare: Bare = False,
) -> None:
    """Start the cluster and return when all its slots are registered. Its files are in .kairos/cluster.

    Examples:
      kairos cluster start
      kairos cluster start --taskmanagers 4 --state-backend rocksdb --port 18081
    """
    from kairos.local.cluster_service import start_cluster

    start_cluster(port, taskmanagers, state_backend.value, knows_project=not bare)


def stop() -> None:
    """Stop the cluster, and with it any job that runs on it; the broker goes on. No error if there is none.

    A job that should go on later is stopped first, with: kairos savepoint
    """
    from kairos.local.cluster_service import stop_cluster

    stop_cluster()


def status(as_json: AsJson = False) -> None:
    """Show the cluster's slots and jobs. Exit code 1 if it does not run.

    Example:
      kairos cluster status --json | jq -r '.jobs[] | select(.state == "RUNNING") | .id'
    """
    from kairos.local.cluster_service import print_status

    if not print_status(as_json=as_json):
        raise typer.Exit(1)


def add_taskmanager() -> None:
    """Start one more TaskManager, for example in place of one that has died."""
    from kairos.local.cluster_service import add_taskmanager

    add_taskmanager()
