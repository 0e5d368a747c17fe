"""What every command prints with: results on stdout, progress and errors on stderr, JSON where a script asks for it."""

import json
import sys
from typing import Any

from rich.console import Console

from kairos.errors import KairosError

console = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


def done(text: str) -> None:
    """A step that is finished."""
    stderr.print(f"[green]✓[/] {text}")


def doing(text: str) -> None:
    """A step that has begun and may take a while."""
    stderr.print(f"[cyan]…[/] {text}")


def warn(text: str, hint: str = "") -> None:
    """Something that works less well than it could, and what to do about it."""
    stderr.print(f"[yellow]![/] {text}")
    if hint:
        stderr.print(f"  {hint}", style="dim")


def print_error(error: KairosError) -> None:
    """The message as it is, then what to do; markup in either is text, not style."""
    stderr.print("[bold red]error:[/] ", end="")
    stderr.print(error.message, markup=False)
    if error.hint:
        stderr.print(error.hint, style="yellow", markup=False)


def print_json(value: Any) -> None:
    """One JSON document on stdout, nothing else."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
