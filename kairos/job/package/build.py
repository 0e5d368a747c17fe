"""Builds ``kairos-job-VERSION.zip``.

| in it | what |
|---|---|
| ``job.zip`` | for ``flink run -pyfs``: the job, its DDL and defaults, the contract, and the packages that Flink does not bring |
| ``flink-sql-connector-kafka-….jar`` | for ``flink run -j`` |
| ``kairos.yaml`` | an example of a configuration |
| ``README.md`` | the commands |

*Contract*: the same inputs give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import kairos
from kairos.errors import KairosError
from kairos.job.package.reproducible import write_zip
from kairos.job.package.wheels import packages_to_ship, read_tree, wheel_files
from kairos.local import artefacts, paths

PYTHONS = ("3.11", "3.12")
NAME = f"kairos-job-{kairos.__version__}"


@dataclass(frozen=True, slots=True)
class Package:
    """What was built. ``packages``: third-party ones inside, name → version."""

    path: Path
    bytes: int
    packages: dict[str, str]
    pythons: tuple[str, ...]


def build_package(folder: Path, pythons: Sequence[str] = PYTHONS) -> Package:
    """Writes into ``folder``, which is made if it is missing."""
    root = paths.project_root()
    packages = packages_to_ship()
    folder.mkdir(parents=True, exist_ok=True)
    inner = folder / "job.zip"
    write_zip(inner, {**wheel_files(packages, pythons), **_own_files(root)})
    (connector,) = artefacts.jars("connector")
    template = root / "deploy" / "package"
    readme = (template / "README.md").read_text(encoding="utf-8")
    words = {"NAME": NAME, "CONNECTOR": connector.name, "PYTHONS": " or ".join(pythons), "PACKAGES": _listed(packages)}
    for word, value in words.items():
        readme = readme.replace("{{" + word + "}}", value)
    target = folder / f"{NAME}.zip"
    entries = {
        "README.md": readme.encode(),
        "kairos.yaml": (template / "kairos.yaml").read_bytes(),
        inner.name: inner.read_bytes(),
        connector.name: connector.read_bytes(),
    }
    write_zip(target, entries, NAME)
    inner.unlink()
    return Package(target, target.stat().st_size, packages, tuple(pythons))


def _own_files(root: Path) -> dict[str, bytes]:
    """The job, and of the tools' package only what the job imports: its version and the generated contract."""
    job = {f"flink_job/{name}": contents for name, contents in read_tree(root / "flink_job").items()}
    contract = {f"kairos/v1/{name}": contents for name, contents in read_tree(root / "kairos" / "v1").items() if name.endswith(".py")}
    if not contract:
        raise KairosError("The generated contract kairos/v1 is missing.", "Run `kairos setup`.")
    return {**job, **contract, "kairos/__init__.py": (root / "kairos" / "__init__.py").read_bytes()}


def _listed(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in packages.items())
