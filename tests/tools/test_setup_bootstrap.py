"""The bootstrap script: what it accepts, what it says, and that it needs nothing but the standard library."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kairos.local.paths import project_root

SCRIPT = project_root() / "deploy" / "bootstrap.py"


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_runs_on_a_python_without_any_package() -> None:
    python = os.path.realpath(sys.executable)
    done = subprocess.run([python, "-I", "-S", str(SCRIPT), "--probe"], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, 1)  # 1: a Python that fits, but has no shared library


@pytest.mark.parametrize(
    ("version", "accepted"),
    [((3, 10), False), ((3, 11), True), ((3, 12), True), ((3, 13), False), ((2, 7), False)],
)
def test_it_accepts_the_pythons_flink_is_built_for(bootstrap: ModuleType, version: tuple[int, int], accepted: bool) -> None:
    assert bootstrap.fits(version) is accepted


def test_another_python_is_told_which_to_install_and_how_to_name_it(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "fits", lambda _version: False)
    with pytest.raises(SystemExit) as caught:
        bootstrap.check_machine()
    assert caught.value.code == 1
    printed = capsys.readouterr().err
    assert "Kairos needs Python 3.11 or 3.12" in printed
    assert "make PYTHON=/path/to/python3.12" in printed


def test_a_linux_machine_without_flink_packages_is_told_so(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(SystemExit):
        bootstrap.check_machine()
    assert "no build for Linux on aarch64" in capsys.readouterr().err


def test_the_stamp_changes_with_each_list_of_requirements(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in lists:
        path.write_text("one==1\n")
    monkeypatch.setattr(bootstrap, "REQUIREMENTS", tuple(lists))
    digests = {bootstrap.digest()}
    for path in lists:
        path.write_text("one==2\n")
        digests.add(bootstrap.digest())
    assert len(digests) == 3


def test_an_environment_made_elsewhere_is_not_used(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "activate").write_text("VIRTUAL_ENV='/somewhere/else/.venv'\n")
    assert not bootstrap.usable(Path(sys.executable))
    (tmp_path / "bin" / "activate").write_text(f"VIRTUAL_ENV='{tmp_path}'\n")
    assert bootstrap.usable(Path(sys.executable))


def test_uv_uses_the_package_index_that_pip_is_set_to(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pypi.example.org/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("UV_INDEX_URL", raising=False)
    assert bootstrap.uv_settings()["UV_DEFAULT_INDEX"] == "https://pypi.example.org/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example.org/simple")
    assert "UV_DEFAULT_INDEX" not in bootstrap.uv_settings()
