"""The console program itself: help, version, exit codes, quick start-up."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import kairos

KAIROS = Path(sys.executable).with_name("kairos")
HEAVY = {
    "pyflink",
    "apache_beam",
    "kafka",
    "confluent_kafka",
    "httpx",
    "numpy",
    "pandas",
    "pyarrow",
    "google",
    "gateway",
    "fastapi",
    "uvicorn",
    "jwt",
}


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **environment}
    return subprocess.run([KAIROS, *arguments], capture_output=True, text=True, check=False, env=env)


def test_version_and_help() -> None:
    assert run("--version").stdout == f"kairos {kairos.__version__}\n"
    for help_flag in ("--help", "-h"):
        done = run(help_flag)
        assert done.returncode == 0
        assert "kairos kafka start" in done.stdout


def test_every_command_explains_itself() -> None:
    from typer.main import get_command

    from kairos.cli.app import build

    pending = {"kairos": get_command(build())}
    while pending:
        name, command = pending.popitem()
        assert command.help, f"{name} has no help text"
        pending |= {f"{name} {child}": found for child, found in getattr(command, "commands", {}).items()}


def test_no_help_text_shows_marks_that_are_meant_for_the_formatter() -> None:
    """As it is printed: a mark that is a character to the formatter may be two in a raw string."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from kairos.cli.app import build

    app = build()
    pending: list[tuple[str, ...]] = [()]
    shown = 0
    while pending:
        path = pending.pop()
        command = get_command(app)
        for name in path:
            command = command.commands[name]  # type: ignore[attr-defined]  # only groups have children
        pending += [(*path, child) for child in getattr(command, "commands", {})]
        done = CliRunner().invoke(app, [*path, "--help"])
        assert done.exit_code == 0, path
        assert "\\b" not in done.output, path
        assert "\b" not in done.output, path
        shown += 1
    assert shown > 20


def test_what_stops_the_job_says_that_it_is_not_what_stops_everything() -> None:
    assert "the cluster and the broker go on" in run("stop", "--help").stdout
    assert "any job that runs on it" in run("cluster", "stop", "--help").stdout
    (make_stop,) = [line for line in (Path(kairos.__file__).parents[1] / "Makefile").read_text().splitlines() if line.startswith("stop:")]
    assert "cluster" in make_stop
    assert "broker" in make_stop
    assert "kairos stop" in make_stop


def test_starting_up_imports_nothing_heavy() -> None:
    code = "import sys; from kairos.cli.app import build; build(); print(*{m.split('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_wrong_usage_is_exit_code_2() -> None:
    for arguments in (["nonsense"], ["kafka", "start", "--set", "novalue"], ["kafka", "start", "--port", "x"]):
        assert run(*arguments).returncode == 2, arguments


def test_a_failure_is_exit_code_1_with_a_sentence_and_advice_but_no_traceback(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    done = run("setup", KAIROS_CACHE=str(occupied / "cache"))
    assert done.returncode == 1
    assert f"The cache folder {occupied / 'cache'} cannot be created" in done.stderr
    assert "Set KAIROS_CACHE" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_as_json_is_json_and_nothing_else(tmp_path: Path) -> None:
    for service in ("kafka", "cluster"):
        done = run(service, "status", "--json", KAIROS_HOME=str(tmp_path))
        assert json.loads(done.stdout)["running"] is False
        assert done.returncode == 1


def test_stopping_what_does_not_run_is_no_error(tmp_path: Path) -> None:
    for service in ("kafka", "cluster"):
        assert run(service, "stop", KAIROS_HOME=str(tmp_path)).returncode == 0


def test_shell_completion_is_offered() -> None:
    shell_as_named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # not the one that runs this, if any does
    assert "_KAIROS_COMPLETE" in run("--show-completion", "bash", **shell_as_named).stdout


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interrupted_command_ends_its_children_and_tells_by_its_exit_code(
    tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    program = subprocess.Popen([sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    child = psutil.Process(int(program.stdout.readline()))
    program.send_signal(number)
    assert program.wait(10) == exit_code
    assert wait_until_gone(child)


PROGRAM = """
import sys, time
from pathlib import Path
import typer
from kairos.cli import app
from kairos.local.processes import ChildProcess

def hang():
    with ChildProcess("sleeper", ["sleep", "60"], log=Path(sys.argv[1], "log")) as child:
        print(child.pid, flush=True)
        time.sleep(60)

def build():
    application = typer.Typer()
    application.command()(hang)
    return lambda: application(args=[])

app.build = build
app.main()
"""


def wait_until_gone(process: psutil.Process) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False
