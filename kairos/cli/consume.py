"""``kairos consume``: push commands as they come; the shell around the example consumer in ``kairos.consume``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kairos.consume.consumer import PushConsumer
    from kairos.consume.show import Shown

INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("consume")(consume)


def consume(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Configuration file; its kafka section is used.")] = None,
    bootstrap_servers: Annotated[
        str | None, typer.Option("--bootstrap-servers", "-b", help="host:port[,host:port], instead of the configuration's.")
    ] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Prefix of topic names, instead of the configuration's.")] = None,
    group: Annotated[str, typer.Option(help="Consumer group: programs of one group share the pushes.")] = "kairos-consume",
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Start with the oldest push there is, not with the next one.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many pushes.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="End after so many seconds.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout; the totals on stderr.")] = False,
) -> None:
    """Show push commands as they come: user, item, score, reason, and the time from event to push.

    Each command is shown once: what comes twice is dropped by its id. Ends with Ctrl-C, after --limit pushes or --timeout
    seconds, and then prints the totals. Exit code 1 if --limit was not reached.

    kairos/consume/consumer.py is written to be copied as the start of your own delivery; docs/consuming.md explains it.
    """
    import logging

    from kairos.console import console, stderr
    from kairos.consume.consumer import PushConsumer
    from kairos.consume.show import End
    from kairos.contract.connection import resolve_connection
    from kairos.errors import RUNTIME_FAILURE

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what concerns the user is raised
    there = resolve_connection(config, bootstrap_servers, prefix)
    with PushConsumer(
        there.bootstrap_servers,
        there.topic("pushes"),
        group=group,
        from_beginning=from_beginning,
        properties=there.properties,
    ) as consumer:
        shown = _show(consumer, limit, timeout, as_json=as_json)
    if as_json or not console.is_terminal:  # the live table ends with them
        stderr.print(shown.summary, markup=False)
    if shown.end is End.INTERRUPTED:
        raise typer.Exit(INTERRUPTED)
    if limit is not None and shown.end is End.TIMEOUT:
        raise typer.Exit(RUNTIME_FAILURE)


def _show(consumer: "PushConsumer", limit: int | None, timeout: float | None, *, as_json: bool) -> "Shown":
    from rich.live import Live

    from kairos.console import console
    from kairos.consume.show import JsonLines, LiveTable, PlainLines, show
    from kairos.consume.table import PushTable
    from kairos.consume.totals import Totals

    if as_json:
        return show(consumer, JsonLines(sys.stdout), limit=limit, timeout_s=timeout)
    if not console.is_terminal:
        return show(consumer, PlainLines(console), limit=limit, timeout_s=timeout)
    totals = Totals()
    table = PushTable(totals)
    with Live(table, console=console, auto_refresh=False, screen=False, vertical_overflow="crop") as live:
        return show(consumer, LiveTable(live, table), limit=limit, timeout_s=timeout, totals=totals)
