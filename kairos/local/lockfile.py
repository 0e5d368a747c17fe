"""The lock of JVM artefacts: which jars, byte for byte, and what each is for.

One line per jar, ``sha256  group:artifact:version[:classifier]  role``. Roles: ``connector`` (goes into Flink),
``kafka`` (the broker's class path).

>>> parse_line("ab" * 32 + "  org.slf4j:slf4j-api:1.7.36  kafka").path
'org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36.jar'
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from kairos.errors import KairosError

Role = Literal["connector", "kafka"]
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Artefact:
    """One jar of a Maven repository, pinned to its bytes."""

    sha256: str
    group: str
    name: str
    version: str
    classifier: str
    role: Role

    @property
    def coordinate(self) -> str:
        """``group:artifact:version[:classifier]``."""
        tail = f":{self.classifier}" if self.classifier else ""
        return f"{self.group}:{self.name}:{self.version}{tail}"

    @property
    def path(self) -> str:
        """Path below a Maven repository, the same in the cache and on the server."""
        tail = f"-{self.classifier}" if self.classifier else ""
        return f"{self.group.replace('.', '/')}/{self.name}/{self.version}/{self.name}-{self.version}{tail}.jar"


def read_lock(path: Path) -> tuple[Artefact, ...]:
    """All artefacts of a lock file; raises ``KairosError`` naming the first line that is not one."""
    artefacts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            artefacts.append(parse_line(line))
        except ValueError as error:
            raise KairosError(f"{path}, line {number}: {error}", "Restore the file from git, or run `make lock`.") from error
    return tuple(artefacts)


def parse_line(line: str) -> Artefact:
    """Raises ``ValueError`` saying what is wrong with the line."""
    fields = line.split()
    if len(fields) != 3:
        raise ValueError(f"expected 'sha256  group:artifact:version  role', got {line!r}")
    sha256, coordinate, role = fields
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is not a SHA-256 in hex")
    if role not in get_args(Role):
        raise ValueError(f"unknown role {role!r}, expected one of {', '.join(get_args(Role))}")
    parts = coordinate.split(":")
    if len(parts) not in (3, 4) or not all(parts):
        raise ValueError(f"{coordinate!r} is not group:artifact:version[:classifier]")
    classifier = parts[3] if len(parts) == 4 else ""
    return Artefact(sha256, parts[0], parts[1], parts[2], classifier, cast("Role", role))


def write_lock(path: Path, artefacts: Iterable[Artefact], header: str) -> None:
    """One line per artefact, ordered by role and name, so that a change is a small diff."""
    ordered = sorted(artefacts, key=lambda artefact: (artefact.role, artefact.coordinate))
    lines = [f"{artefact.sha256}  {artefact.coordinate}  {artefact.role}" for artefact in ordered]
    path.write_text(header + "\n".join(lines) + "\n", encoding="utf-8")
