"""``kairos proto``: keep the schemas in order and the contract unbroken."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    proto = typer.Typer(no_args_is_help=True, help="Check the schemas, and keep what was released unbroken (docs/contract.md).")
    proto.command("lint")(lint)
    proto.command("format")(reformat)
    proto.command("breaking")(breaking)
    proto.command("golden")(golden)
    proto.command("release")(release)
    app.add_typer(proto, name="proto")


def lint() -> None:
    """Check style, comments and format of proto/kairos/v1/*.proto."""
    from kairos.console import done
    from kairos.contract import buf

    buf.lint(_schemas())
    done("the schemas follow proto/buf.yaml and are formatted")


def reformat() -> None:
    """Rewrite the schemas in the one format."""
    from kairos.console import done
    from kairos.contract import buf

    buf.reformat(_schemas())
    done("the schemas are formatted")


def breaking() -> None:
    """Compare the schemas with every release: nothing that was released may be removed, renamed or change its type."""
    from kairos.console import done, warn
    from kairos.contract import buf

    against = buf.breaking(_schemas())
    if against:
        done(f"nothing is broken that was released as {', '.join(against)}")
    else:
        warn("nothing was released yet, so nothing can break", "`kairos proto release v1` makes the first release.")


def golden() -> None:
    """Make the bytes of golden records that have none yet, from their JSON; bytes that exist are checked and kept.

    Exit code 1 if today's code would write other bytes than are there.
    """
    from kairos.console import done
    from kairos.contract.golden import write_missing
    from kairos.errors import KairosError

    for folder in sorted((_schemas() / "golden").iterdir()):
        written, different = write_missing(folder)
        if different:
            raise KairosError(
                f"Today's code writes other bytes than proto/golden/{folder.name} has for {', '.join(different)}.",
                "If the JSON was changed, undo that; new examples belong to the next release.",
            )
        done(f"{folder.name}: {len(written)} made{': ' if written else ''}{', '.join(written)}; the others are as they were")


def release(name: Annotated[str, typer.Argument(help="Such as v1.1.")]) -> None:
    """Keep the schemas of today as a release, which no later change may break."""
    from kairos.console import done
    from kairos.contract import buf

    done(f"{buf.release(_schemas(), name)} written; put examples into proto/golden/{name} and run `kairos proto golden`")


def _schemas() -> Path:
    from kairos.local.paths import project_root

    return project_root() / "proto"
