"""``kairos check``: whether it would work, before anything is submitted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kairos.check.finding import Finding

_MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[bold red]fail[/]", "skip": "[dim]skip[/]"}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("check")(check)


def check(
    config: Annotated[Path | None, typer.Argument(help="Configuration file; without it, the defaults and the environment.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for scripts.")] = False,
) -> None:
    """Tell whether a configuration, this machine, the brokers and the topics fit together, and what to do where they do not.

    Changes nothing. Exit code 1 if anything fails; warnings do not count.
    """
    import logging

    from kairos.check.finding import Level
    from kairos.check.run import run_checks
    from kairos.console import print_json

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what concerns the user becomes a finding
    if as_json:
        findings = list(run_checks(config))
        print_json(_as_json(findings))
    else:
        findings = _print_as_they_come(config)
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)


def _print_as_they_come(config: Path | None) -> "list[Finding]":
    from rich.table import Table
    from rich.text import Text

    from kairos.check.run import run_checks
    from kairos.console import console

    findings = []
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=2)
    table.add_column(overflow="fold", ratio=5)
    with console.status("checking …"):
        for finding in run_checks(config):
            findings.append(finding)
            text = Text(finding.detail)
            if finding.todo:
                text.append(f"\n{finding.todo}", style="cyan")
            table.add_row(_MARKS[finding.level], Text(finding.what), text)
    console.print(table, soft_wrap=False)
    console.print(_verdict(findings))
    return findings


def _verdict(findings: "list[Finding]") -> str:
    count = {level: sum(finding.level == level for finding in findings) for level in _MARKS}
    if count["fail"]:
        return f"[bold red]{count['fail']} to put right[/], {count['warn']} to look at, {count['ok']} fine"
    return f"[green]fit to submit[/]: {count['ok']} fine, {count['warn']} to look at"


def _as_json(findings: "list[Finding]") -> dict[str, object]:
    return {
        "fit": not any(finding.level == "fail" for finding in findings),
        "findings": [
            {"level": finding.level.value, "what": finding.what, "detail": finding.detail, "todo": finding.todo} for finding in findings
        ],
    }
