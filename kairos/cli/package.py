"""``kairos package``: what one submits to one's own Flink cluster."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("package")(package)


def package(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")] = Path("dist"),
    python: Annotated[
        list[str] | None, typer.Option("--python", help="Python of the cluster, 3.11 or 3.12; may be repeated. Default: both.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Build a zip with the job, the packages it needs beside apache-flink, the Kafka connector and the commands to submit it.

    For Flink clusters on Linux (x86_64) where Kairos is not installed. The same sources give the same bytes.
    """
    from kairos.console import print_json, stderr
    from kairos.errors import USAGE_ERROR, KairosError
    from kairos.job.package.build import PYTHONS, build_package
    from kairos.job.steps import step

    wanted = sorted(set(python or PYTHONS))
    if unknown := [version for version in wanted if version not in PYTHONS]:
        raise KairosError(f"--python {unknown[0]}: Flink 2.3 is built for Python {' and '.join(PYTHONS)}.", exit_code=USAGE_ERROR)
    with step("Building the package") as say:
        built = build_package(output.resolve(), wanted)
        say(f"{built.path} ({built.bytes / 1e6:.1f} MB, for Python {' and '.join(built.pythons)})")
    if as_json:
        print_json({"path": str(built.path), "bytes": built.bytes, "packages": built.packages, "pythons": list(built.pythons)})
    else:
        stderr.print("  How to submit it: README.md inside, and docs/deploying.md", style="dim")
