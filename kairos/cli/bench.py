"""``kairos bench``: how fast Kairos is on this machine, beside other ways to build it."""

from typing import Annotated

import typer

Quick = Annotated[bool, typer.Option("--quick", help="A look, about 4 minutes; smaller than the targets ask for.")]
Full = Annotated[bool, typer.Option("--full", help="Numbers to quote, about 40 minutes.")]
Only = Annotated[
    str | None,
    typer.Option(
        metavar="PARTS",
        help="a (the shipped job), b (a textbook PyFlink job), c (the core inside Bytewax and Quix Streams), d (the core alone), "
        "e (growing users and items); separated by commas.",
    ),
]
Cores = Annotated[int, typer.Option(min=1, help="Keep everything, broker and load generator included, to so many cores (Linux).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole result as one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("bench")(bench)


def bench(quick: Quick = False, full: Full = False, only: Only = None, cores: Cores = 2, as_json: AsJson = False) -> None:
    """Measure throughput, latency, memory and state on a real Kafka broker, all builds in one run; about 15 minutes.

    Prints a table, ratios first, and writes it as JSON and as a picture into benchmarks/results. docs/performance.md explains the method.
    Leave the machine alone meanwhile.

    Examples:
      kairos bench --quick
      kairos bench --only a,d
      kairos bench --full --json > result.json
    """
    from rich.console import Console

    from kairos.console import console, doing, done, print_json
    from kairos.errors import USAGE_ERROR, KairosError
    from kairos.local.paths import project_root

    if quick and full:
        raise KairosError("--quick and --full exclude each other.", "Choose one, or neither.", exit_code=USAGE_ERROR)

    project_root()  # the benchmarks are part of the clone, not of the package
    from benchmarks.plan import PLANS
    from benchmarks.report import WIDTH, report
    from benchmarks.run import chosen_parts, run, write

    plan = PLANS["quick" if quick else "full" if full else "default"]
    result = run(plan, chosen_parts(only), cores=cores, say=doing)
    document, picture = write(result)
    if as_json:
        print_json(result.document())
    else:
        wide = Console(width=max(WIDTH, console.width), highlight=False)
        for part in report(result):
            wide.print(part)
    done(f"{document} and {picture.name}")
    if result.failures:
        raise typer.Exit(1)
