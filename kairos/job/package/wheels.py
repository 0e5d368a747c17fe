"""The third-party packages that the job needs and a Python with only ``apache-flink`` has not, for Linux on x86_64.

Flink's Python runs in Flink's processes, so the versions must be those that this environment was tested with; packages that
``apache-flink`` brings (NumPy, protobuf, PyYAML, tzdata) are left to it.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from kairos.errors import KairosError
from kairos.local import paths

JOB_NEEDS = ("pydantic", "PyYAML", "kafka-python", "tzdata", "numpy", "protobuf")
"""What ``flink_job`` imports; a test compares it with the imports."""

_FLINK = "apache-flink"
_TOO_OLD_WITH_FLINK = {"typing-extensions"}
"""Comes with Flink too, but an older one would satisfy Flink and not pydantic."""
_NOT_NEEDED = {"INSTALLER", "RECORD", "REQUESTED", "WHEEL", "direct_url.json"}


def packages_to_ship() -> dict[str, str]:
    """Name → version, as installed here."""
    ours, flinks = _closure(JOB_NEEDS), _closure([_FLINK])
    return {name: version for name, version in sorted(ours.items()) if name not in flinks or name in _TOO_OLD_WITH_FLINK}


def wheel_files(packages: Mapping[str, str], pythons: Sequence[str]) -> dict[str, bytes]:
    """Path → contents of everything the wheels install. Compiled modules of several Pythons have different names.

    Fetches what is not in uv's cache; raises ``KairosError`` if that fails.
    """
    found: dict[str, bytes] = {}
    for version in pythons:
        with tempfile.TemporaryDirectory(prefix="kairos-wheels-") as folder:
            _unpack(Path(folder), version, [f"{name}=={number}" for name, number in packages.items()])
            found |= {name: contents for name, contents in read_tree(Path(folder)).items() if _is_wanted(name)}
    return found


def read_tree(folder: Path) -> dict[str, bytes]:
    """Path below ``folder`` → contents, without Python's caches."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _is_wanted(name: str) -> bool:
    path = Path(name)
    return (
        path.suffix != ".pyi"
        and path.parts[0] != "bin"
        and not (path.name in _NOT_NEEDED and ".dist-info" in name)
        and "sboms" not in path.parts
    )


def _unpack(folder: Path, python: str, requirements: Sequence[str]) -> None:
    base_python = os.path.realpath(sys.executable)  # not the environment's, which has no pip to take settings from
    bootstrap = paths.project_root() / "deploy" / "bootstrap.py"
    done = subprocess.run(
        [base_python, str(bootstrap), "--wheels", str(folder), python, *requirements], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise KairosError(f"The packages for Python {python} could not be fetched.\n{(done.stdout + done.stderr).strip()[-2000:]}")


def _closure(roots: Iterable[str]) -> dict[str, str]:
    """Installed packages that these need, themselves included: name → version."""
    found: dict[str, str] = {}
    waiting = list(roots)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        distribution = metadata.distribution(name)
        found[name] = distribution.version
        for line in distribution.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found
