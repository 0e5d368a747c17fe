"""``kairos kafka``: a real broker on this machine, in the background or in the foreground."""

from typing import Annotated

import typer

Port = Annotated[int, typer.Option(envvar="KAIROS_KAFKA_PORT", help="Port that clients connect to.", show_default=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    group = typer.Typer(
        no_args_is_help=True,
        help="A real Kafka broker on this machine: Apache Kafka, one process, no Docker.",
    )
    group.command("start")(start)
    group.command("stop")(stop)
    group.command("status")(status)
    app.add_typer(group, name="kafka")


def start(
    port: Port = 9092,
    foreground: Annotated[bool, typer.Option("--foreground", "-f", help="Stay until Ctrl-C.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the topics of earlier runs first.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A broker property; may be repeated.")] = None,
) -> None:
    """Start the broker and return when clients can connect. Its topics are kept in .kairos/kafka.

    Examples:
      kairos kafka start
      kairos kafka start --port 19092 --fresh
      kairos kafka start --foreground --set log.retention.hours=1
    """
    from kairos.local.kafka_service import run_in_foreground, start_in_background

    properties = _properties(set_ or [])
    if foreground:
        run_in_foreground(port, properties, fresh=fresh)
    else:
        start_in_background(port, properties, fresh=fresh)


def stop() -> None:
    """Stop the broker that `kairos kafka start` has started; no error if there is none."""
    from kairos.local.kafka_service import stop_broker

    stop_broker()


def status(as_json: AsJson = False) -> None:
    """Tell whether the broker runs, and where. Exit code 1 if it does not.

    Example:
      kairos kafka status --json | jq -r .bootstrap_servers
    """
    from kairos.local.kafka_service import print_status

    if not print_status(as_json=as_json):
        raise typer.Exit(1)


def _properties(assignments: list[str]) -> dict[str, str]:
    pairs = [assignment.partition("=") for assignment in assignments]
    for key, separator, _ in pairs:
        if not separator or not key.strip():
            raise typer.BadParameter(f"{key!r} is not KEY=VALUE", param_hint="--set")
    return {key.strip(): value.strip() for key, _, value in pairs}
