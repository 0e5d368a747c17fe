"""The package for other clusters: what is in it, that nothing is missing, and that it is reproducible."""

import ast
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kairos.job.package.build import NAME, Package, build_package
from kairos.job.package.reproducible import write_zip
from kairos.job.package.wheels import JOB_NEEDS, packages_to_ship
from kairos.local.paths import project_root

KAIROS = Path(sys.executable).with_name("kairos")
IMPORTED_AS = {"yaml": "PyYAML", "kafka": "kafka-python", "google": "protobuf"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return build_package(tmp_path_factory.mktemp("dist"))


def _inside(package: Package) -> zipfile.ZipFile:
    with zipfile.ZipFile(package.path) as outer:
        return zipfile.ZipFile(io.BytesIO(outer.read(f"{NAME}/job.zip")))


def test_a_second_build_has_the_same_bytes(built: Package, tmp_path: Path) -> None:
    assert build_package(tmp_path).path.read_bytes() == built.path.read_bytes()


def test_the_zip_does_not_depend_on_times_and_modes_of_files(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"x.py": b"1", "a/y.jar": b"2"}, "top")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["top/a/y.jar", "top/x.py"]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_everything_the_job_imports_is_declared() -> None:
    wanted = set()
    for source in (project_root() / "flink_job").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                wanted |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                wanted.add(str(node.module).split(".")[0])
    third_party = wanted - sys.stdlib_module_names - {"flink_job", "kairos", "pyflink", "pemja"}  # the last two are Flink's
    assert {IMPORTED_AS.get(name, name) for name in third_party} <= set(JOB_NEEDS)


def test_what_flink_brings_is_left_to_flink() -> None:
    shipped = packages_to_ship()
    assert {"pydantic", "pydantic-core", "kafka-python", "typing-extensions"} <= set(shipped)
    assert not {"numpy", "protobuf", "apache-flink", "pandas"} & set(shipped)


def test_what_only_the_edge_needs_is_not_shipped_to_the_cluster(built: Package) -> None:
    edge = ["fastapi", "uvicorn", "structlog", "prometheus-client", "pyjwt", "pywebpush", "google-auth", "httpx", "websockets", "psycopg"]
    assert not set(edge) & set(built.packages)
    folders = {name.split("/")[0] for name in _inside(built).namelist()}
    assert not {"gateway", "fastapi", "starlette", "uvicorn", "structlog", "jwt", "cryptography", "confluent_kafka"} & folders


def test_the_compiled_module_is_there_for_every_python(built: Package) -> None:
    names = _inside(built).namelist()
    for tag in ("cpython-311-x86_64-linux-gnu", "cpython-312-x86_64-linux-gnu"):
        assert f"pydantic_core/_pydantic_core.{tag}.so" in names


def test_the_job_is_there_whole_and_nothing_of_the_tools(built: Package) -> None:
    names = set(_inside(built).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "flink_job"], cwd=project_root(), capture_output=True, text=True, check=False
    ).stdout.split()
    assert {"flink_job/main.py", "flink_job/config/default.yaml", "flink_job/ddl/kafka/signals.sql", *tracked} <= names
    assert "kairos/v1/signal_pb2.py" in names
    assert {name for name in names if name.startswith("kairos/") and not name.startswith("kairos/v1/")} == {"kairos/__init__.py"}
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".pyi"))]


def test_licences_of_others_travel_with_their_code(built: Package) -> None:
    names = _inside(built).namelist()
    for package in built.packages:
        folder = package.replace("-", "_")
        assert any(re.match(rf"{folder}-[^/]+\.dist-info/.*LICEN[CS]E", name, re.IGNORECASE) for name in names), package


def test_job_zip_alone_reads_the_configuration(built: Package, tmp_path: Path) -> None:
    """In a Python that sees Flink's packages, but of pydantic and the rest only what is in the zip."""
    _inside(built).extractall(tmp_path)
    program = (
        "import sys, pydantic, typing_extensions, kafka; from flink_job.config import load_config; import kairos.v1.signal_pb2; "
        "assert all(module.__file__.startswith(sys.argv[1]) for module in (pydantic, typing_extensions, kafka, kairos)); "
        "print(load_config().kafka.topic_prefix)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert (done.returncode, done.stdout) == (0, "kairos.\n"), done.stderr


def test_the_readme_has_five_lines_that_name_files_of_the_package(built: Package) -> None:
    with zipfile.ZipFile(built.path) as archive:
        readme = archive.read(f"{NAME}/README.md").decode()
        files = {name.removeprefix(f"{NAME}/") for name in archive.namelist()}
    (block,) = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    assert len(block.splitlines()) == 5
    assert {word for word in block.split() if word.endswith((".jar", "job.zip", ".yaml"))} <= files | {"kairos.yaml"}
    assert "{{" not in readme


def test_the_projects_readme_shows_the_same_lines(built: Package) -> None:
    with zipfile.ZipFile(built.path) as archive:
        theirs = _shell_lines(archive.read(f"{NAME}/README.md").decode())
    ours = (project_root() / "README.md").read_text(encoding="utf-8")
    assert all(line in ours.splitlines() for line in theirs)


def _shell_lines(readme: str) -> list[str]:
    (block,) = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    return [line.split("   #")[0].rstrip() for line in block.splitlines()]


def test_the_command_prints_where_it_is_and_refuses_other_pythons(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(KAIROS), "package", "-o", str(tmp_path), "--python", "3.12", "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert Path(told["path"]).stat().st_size == told["bytes"]
    assert told["pythons"] == ["3.12"]
    refused = subprocess.run([str(KAIROS), "package", "--python", "3.13"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--python 3.13: Flink 2.3 is built for Python 3.11 and 3.12" in refused.stderr
