"""``kairos evaluate``: policies side by side on worlds whose truth is known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kairos.evaluate.comparison import Comparison
    from kairos.evaluate.plan import Plan


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    users: Annotated[int | None, typer.Option(min=2, help="How many users each world has (150).")] = None,
    items: Annotated[int | None, typer.Option(min=10, help="How many items there are at a time (400).")] = None,
    weeks: Annotated[int | None, typer.Option(min=1, help="How long it goes (8).")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many worlds of the kind (2).")] = None,
    scenario: Annotated[str | None, typer.Option(help="shop, news, social, or mixed: the same users use all three (mixed).")] = None,
    world: Annotated[str | None, typer.Option(help="default, or other: other people with other hours and habits.")] = None,
    policies: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these, separated by commas; see the list below.", show_default=False)
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A look, in less than a minute: few users, one week.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at a time.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder for the JSON document and the picture.")] = Path("build/evaluation"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as one JSON document instead of tables.")] = False,
) -> None:
    """Run push policies side by side on the built-in world, with the same users and the same luck, and print what they earn.

    Kairos as shipped, Kairos without one part, three baselines, and an oracle that knows the truth. Names: oracle, kairos, send-at-once,
    fixed-hour, popular, no-… for Kairos without something, and with = at the end for the same at the pushes of Kairos (oracle=).
    docs/evaluation.md explains the method. Exit code 0 whether or not the targets are met.

    Examples:
      kairos evaluate --quick
      kairos evaluate --scenario shop --users 1000 --seeds 3
      kairos evaluate --world other --policies oracle=,kairos,send-at-once=
    """
    from dataclasses import replace

    from kairos.console import done, print_json
    from kairos.evaluate.plan import QUICK, Plan

    given = {"users": users, "items": items, "weeks": weeks, "scenario": scenario, "world": world}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if seeds is not None:
        changes["seeds"] = tuple(range(1, seeds + 1))
    if policies is not None:
        changes["policies"] = tuple(dict.fromkeys(name.strip() for name in policies.split(",")))
    plan = replace(QUICK if quick else Plan(), **changes)
    comparison = _compare(plan, jobs)
    written = _write(comparison, out)
    if as_json:
        print_json(comparison.document())
    else:
        _print(comparison)
    done(", ".join(str(path) for path in written))


def _compare(plan: "Plan", jobs: int) -> "Comparison":
    import time

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from kairos.console import stderr
    from kairos.evaluate.comparison import Comparison
    from kairos.evaluate.parallel import run_all

    runs = plan.runs
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True) as progress:
        task = progress.add_task(f"0 of {len(runs)} runs; simulated days", total=7 * plan.weeks * len(runs))
        finished = 0

        def tell(days: int, run: tuple[str, int] | None) -> None:
            nonlocal finished
            finished += run is not None
            progress.update(task, advance=days, description=f"{finished} of {len(runs)} runs; simulated days")

        outcomes = run_all(plan, jobs, tell)
    return Comparison(plan, outcomes, time.monotonic() - began)


def _write(comparison: "Comparison", folder: Path) -> tuple[Path, Path]:
    import json

    from kairos.evaluate.plots import plot

    plan = comparison.plan
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{plan.world}-{plan.scenario}-{plan.users}x{plan.weeks}w"
    document, picture = folder / f"{name}.json", folder / f"{name}.png"
    document.write_text(json.dumps(comparison.document(), indent=2) + "\n", encoding="utf-8")
    plot(comparison, picture)
    return document, picture


def _print(comparison: "Comparison") -> None:
    from rich.console import Console

    from kairos.console import console
    from kairos.evaluate.table import WIDTH, report

    wide = Console(width=max(WIDTH, console.width), highlight=False)
    for part in report(comparison):
        wide.print(part)
