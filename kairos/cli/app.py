"""The console program ``kairos``: registers the command groups and turns errors into exit codes.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted (Ctrl-C), 143 terminated.
"""

import importlib
import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

import kairos

# Each exports `register(app)`, and imports what is heavy only inside its commands: `kairos --help` stays quick.
_COMMAND_MODULES = (
    "setup",
    "demo",
    "job",
    "package",
    "replay",
    "feed",
    "simulate",
    "consume",
    "explain",
    "collector",
    "gateway",
    "page",
    "check",
    "policy",
    "experiment",
    "replay_decisions",
    "topics",
    "proto",
    "kafka",
    "cluster",
    "bench",
    "evaluate",
)

_HELP = """
Real-time, personalised push decisions on Apache Flink.

[bold]First steps[/]

  kairos setup            Java, JVM artefacts and generated code, once
  kairos demo             all of Kairos on this machine, to see it work
  kairos kafka start      a real Kafka broker on this machine
  kairos cluster start    a Flink cluster: one JobManager, two TaskManagers
  kairos submit           the job, on that cluster

Every command explains itself with [cyan]kairos COMMAND --help[/].
Shell completion: [cyan]kairos --install-completion[/].
"""


def main() -> None:
    """Entry point of the console script."""
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)
    from kairos.errors import KairosError

    try:
        build()()
    except KairosError as error:
        from kairos.console import print_error

        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of a pipe, `head` for example, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def build() -> typer.Typer:
    """The whole application; tests invoke it without the console script."""
    app = typer.Typer(
        name="kairos",
        rich_markup_mode="rich",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=_HELP)(_root)
    for name in _COMMAND_MODULES:
        importlib.import_module(f"kairos.cli.{name}").register(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"kairos {kairos.__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options of the program as a whole."""


def _terminate(signum: int, _frame: FrameType | None) -> None:
    """Leaves through ``with`` and ``finally``, so that child processes are stopped in order."""
    sys.exit(128 + signum)


if __name__ == "__main__":
    main()
