"""Checks of the schemas with buf: style, format, and that nothing released is broken.

*Contract*: runs the ``buf`` program of this environment (PyPI ``buf-bin``) on a folder of schemas; needs no network. Raises
``KairosError`` with what buf said, one complaint a line.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kairos.errors import USAGE_ERROR, KairosError

RELEASED = "released"
_RELEASE_NAME = re.compile(r"v\d+(\.\d+)?")
_NUMBER = re.compile(r"\d+")


def lint(schemas: Path) -> None:
    """Style rules and comments of ``buf.yaml``, and the one format."""
    _check(schemas, ["lint"], "The schemas break a rule", "Change what is named; the rules are in proto/buf.yaml.")
    _check(schemas, ["format", "--diff", "--exit-code"], "The schemas are not formatted", "Run `kairos proto format`.")


def reformat(schemas: Path) -> None:
    """Rewrites the schemas in the one format."""
    _check(schemas, ["format", "--write"], "The schemas cannot be formatted", "Correct the syntax.")


def breaking(schemas: Path) -> tuple[str, ...]:
    """Compares with every release and returns their names; raises if a reader or writer of one of them would break."""
    images = released_images(schemas)
    for image in images:
        _check(
            schemas,
            ["breaking", "--against", str(image)],
            f"The schemas break what was released as {image.stem}",
            "Add a new field or message instead; a field that is no longer used is reserved, never removed or reused.",
        )
    return tuple(image.stem for image in images)


def release(schemas: Path, name: str) -> Path:
    """Keeps the schemas of today as the release ``name``, after ``lint`` and ``breaking``. Releases are never overwritten."""
    if not _RELEASE_NAME.fullmatch(name):
        raise KairosError(f"{name!r} is no name of a release.", "Names look like v1 or v1.3.", exit_code=USAGE_ERROR)
    image = schemas / RELEASED / f"{name}.binpb"
    if image.exists():
        raise KairosError(f"{image} exists: {name} was released before.", "Choose the next name, such as v1.1.")
    lint(schemas)
    breaking(schemas)
    image.parent.mkdir(exist_ok=True)
    _check(schemas, ["build", "--exclude-source-info", "-o", str(image)], "The schemas cannot be compiled", "")
    return image


def released_images(schemas: Path) -> list[Path]:
    """One compiled set of schemas a release: v1, v1.2, v1.10, in that order."""
    return sorted((schemas / RELEASED).glob("*.binpb"), key=lambda image: [int(part) for part in _NUMBER.findall(image.stem)])


def _check(schemas: Path, arguments: Sequence[str], sentence: str, hint: str) -> None:
    done = subprocess.run([_buf(), *arguments], cwd=schemas, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise KairosError(f"{sentence}:\n{(done.stdout + done.stderr).strip()}", hint)


def _buf() -> str:
    beside_python = Path(sys.executable).with_name("buf")
    found = str(beside_python) if beside_python.exists() else shutil.which("buf")
    if found is None:
        raise KairosError("The program buf is not installed in this environment.", "Run `make setup`, which installs buf-bin.")
    return found
