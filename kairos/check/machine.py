"""What the job needs of the machine it is submitted from, which with ``make cluster`` is also the one it runs on."""

import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import flink_job
from flink_job.config import Config
from kairos.check.finding import Finding, fail, ok
from kairos.errors import KairosError
from kairos.local import artefacts
from kairos.local.java import find_java

_OLDEST_PYTHON, _NEWEST_PYTHON = (3, 11), (3, 12)


def check_machine(config: Config) -> Iterator[Finding]:
    """What this machine has to run the job."""
    yield _python()
    if config.job.execution_mode == "thread":
        yield _libpython()
    yield _flink()
    yield _java()
    yield from _connector(config)


def _python() -> Finding:
    version = sys.version_info[:2]
    words = f"{version[0]}.{version[1]}"
    if _OLDEST_PYTHON <= version <= _NEWEST_PYTHON:
        return ok("Python", words)
    return fail("Python", f"{words}, but Flink 2.3 has packages for 3.11 and 3.12", "Use one of these; `make setup` finds it.")


def _libpython() -> Finding:
    """Thread mode loads the interpreter into the JVM, which takes Python as a shared library."""
    from find_libpython import find_libpython

    found = find_libpython()
    if found:
        return ok("libpython (thread mode)", found)
    return fail(
        "libpython (thread mode)",
        "this Python was built without a shared library, which job.execution_mode thread needs",
        "Install it (Debian: apt-get install libpython3-dev; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared), "
        "or set job.execution_mode: process.",
    )


def _flink() -> Finding:
    try:
        return ok("PyFlink", f"apache-flink {metadata.version('apache-flink')}")
    except metadata.PackageNotFoundError:
        return fail("PyFlink", "the package apache-flink is not installed", "Run `make setup`.")


def _java() -> Finding:
    try:
        java = find_java()
    except KairosError as error:
        return fail("Java", error.message, error.hint)
    return ok("Java", f"{java.version} from {java.source} ({java.home})")


def _connector(config: Config) -> Iterator[Finding]:
    folder = Path(config.job.connectors)
    if not folder.is_absolute():
        folder = Path(flink_job.__file__).parent / "ddl" / config.job.connectors
    if not folder.is_dir():
        yield fail(
            "job.connectors",
            f"there is no folder {folder}",
            "Name a folder of DDL files under flink_job/ddl (kafka), or give the absolute path of your own.",
        )
        return
    yield ok("job.connectors", str(folder))
    try:
        jars = artefacts.jars("connector")
    except KairosError as error:
        yield fail("Kafka connector", error.message, error.hint)
    else:
        yield ok("Kafka connector", ", ".join(jar.name for jar in jars))
