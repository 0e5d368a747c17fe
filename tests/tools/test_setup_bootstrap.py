"""The bootstrap script: what it accepts, what it says, and that it needs nothing but the standard library."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from kairos.local.paths import project_root

SCRIPT = project_root() / "deploy" / "bootstrap.py"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bootstrap() -> ModuleType:
    return loaded(SCRIPT)


@pytest.fixture
def installing() -> ModuleType:
    return loaded(SCRIPT.with_name("installing.py"))


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
        bootstrap.main()
    assert caught.value.code == 1
    assert_advice(capsys.readouterr().err)


def test_pythons_of_long_ago_understand_the_script_that_tells_them() -> None:
    source = SCRIPT.read_text(encoding="ascii")
    for node in ast.walk(ast.parse(source)):
        assert not isinstance(node, ast.AnnAssign | ast.JoinedStr | ast.NamedExpr | ast.AsyncFunctionDef | ast.Nonlocal), ast.unparse(node)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert not node.args.kwonlyargs
            assert not any(argument.annotation for argument in node.args.args)


@pytest.mark.parametrize("name", ["python2.7", "python3.6", "python3.10", "python3.13"])
def test_a_python_that_does_not_fit_gets_advice_and_no_traceback(name: str) -> None:
    python = shutil.which(name)
    if python is None or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"no {name} on this machine")
    done = subprocess.run([python, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert_advice(done.stderr)
    assert subprocess.run([python, str(SCRIPT), "--probe"], capture_output=True, check=False).returncode == 1


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
def test_a_python_that_is_not_there_is_named_by_make_with_advice() -> None:
    done = subprocess.run(["make", "PYTHON=/nowhere/python", "demo"], cwd=SCRIPT.parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "error: /nowhere/python does not run." in done.stderr
    assert "make PYTHON=/path/to/python3.12 demo" in done.stderr


def assert_advice(printed: str) -> None:
    assert "Kairos needs Python 3.11 or 3.12" in printed
    assert "make PYTHON=/path/to/python3.12" in printed
    assert "Traceback" not in printed
    assert "SyntaxError" not in printed


def test_a_linux_machine_without_flink_packages_is_told_so(
    installing: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(SystemExit):
        installing.check_machine()
    assert "no build for Linux on aarch64" in capsys.readouterr().err


def test_the_stamp_changes_with_each_list_of_requirements(installing: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in lists:
        path.write_text("one==1\n")
    monkeypatch.setattr(installing, "REQUIREMENTS", tuple(lists))
    digests = {installing.digest()}
    for path in lists:
        path.write_text("one==2\n")
        digests.add(installing.digest())
    assert len(digests) == 3


def test_an_environment_made_elsewhere_is_not_used(installing: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "VENV", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "activate").write_text("VIRTUAL_ENV='/somewhere/else/.venv'\n")
    assert not installing.usable(Path(sys.executable))
    (tmp_path / "bin" / "activate").write_text(f"VIRTUAL_ENV='{tmp_path}'\n")
    assert installing.usable(Path(sys.executable))


def test_uv_uses_the_package_index_that_pip_is_set_to(installing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pypi.example.org/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.delenv("UV_INDEX_URL", raising=False)
    assert installing.uv_settings()["UV_DEFAULT_INDEX"] == "https://pypi.example.org/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example.org/simple")
    assert "UV_DEFAULT_INDEX" not in installing.uv_settings()
