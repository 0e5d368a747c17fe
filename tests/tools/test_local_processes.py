"""Children never outlive their parent, whatever ends it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import psutil
import pytest

from kairos.errors import KairosError
from kairos.local.processes import ChildProcess, log_tail

PARENT = """
import sys, time
from pathlib import Path
from kairos.local.processes import ChildProcess

child = ChildProcess("family", ["sh", "-c", "sleep 60 & echo $! ; exec sleep 60"], log=Path(sys.argv[1]))
child.wait_until(lambda: Path(sys.argv[1]).read_text().strip().isdigit(), "up", deadline_s=10)
print(child.pid, Path(sys.argv[1]).read_text().strip(), flush=True)
{ending}
"""


def await_true(condition: Callable[[], bool], deadline_s: float = 10.0) -> bool:
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def open_descriptors() -> int:
    return psutil.Process().num_fds()


def start_parent(tmp_path: Path, ending: str) -> tuple["subprocess.Popen[str]", list[int]]:
    """A program with a child and a grandchild; returns it and their process ids."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(ending=ending))
    parent = subprocess.Popen([sys.executable, script, tmp_path / "log"], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, [int(word) for word in parent.stdout.readline().split()]


def test_the_output_of_a_child_is_in_its_log_and_its_exit_code_is_known(tmp_path: Path) -> None:
    child = ChildProcess("echo", ["sh", "-c", "echo out; echo err >&2; exit 7"], log=tmp_path / "deep" / "log")
    assert child.wait(10) == 7
    assert (tmp_path / "deep" / "log").read_text() == "out\nerr\n"
    assert not child.is_running


def test_leaving_the_block_stops_the_child_and_what_it_started(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ChildProcess("family", ["sh", "-c", "sleep 60 & echo $! ; exec sleep 60"], log=log) as child:
        child.wait_until(lambda: log.read_text().strip().isdigit(), "up", deadline_s=10)
        grandchild = int(log.read_text())
        assert not is_gone(child.pid)
        assert not is_gone(grandchild)
    assert is_gone(child.pid)
    assert await_true(lambda: is_gone(grandchild))


def test_a_child_gets_the_time_to_end_in_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "trap 'echo stopping; exit 0' TERM; echo up; while :; do sleep 0.02; done"
    with ChildProcess("orderly", ["sh", "-c", script], log=log) as child:
        child.wait_until(lambda: "up" in log.read_text(), "up", deadline_s=10)
    assert "stopping" in log.read_text()
    assert child.returncode == 0


def test_a_child_that_ignores_the_request_is_killed_after_its_grace_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "trap '' TERM; echo up; while :; do sleep 0.02; done"
    with ChildProcess("stubborn", ["sh", "-c", script], log=log, grace_s=0.2) as child:
        child.wait_until(lambda: "up" in log.read_text(), "up", deadline_s=10)
    assert child.returncode == 128 + signal.SIGKILL
    assert is_gone(child.pid)


@pytest.mark.parametrize("ending", ["raise RuntimeError", "import os; os._exit(3)", "import os; os.kill(os.getpid(), 9)"])
def test_a_crash_of_the_parent_ends_child_and_grandchild(tmp_path: Path, ending: str) -> None:
    parent, family = start_parent(tmp_path, ending)
    assert parent.wait(10) != 0
    assert len(family) == 2
    assert await_true(lambda: all(map(is_gone, family)))


def test_kill_9_of_the_parent_ends_child_and_grandchild(tmp_path: Path) -> None:
    parent, family = start_parent(tmp_path, "time.sleep(60)")
    assert not any(map(is_gone, family))
    parent.kill()
    parent.wait(10)
    assert await_true(lambda: all(map(is_gone, family)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to its parent in the kernel")
def test_kill_9_of_the_guard_ends_the_child(tmp_path: Path) -> None:
    with ChildProcess("sleeper", ["sleep", "60"], log=tmp_path / "log") as child:
        guard = psutil.Process(child.pid).parent()
        assert guard is not None
        guard.kill()
        assert await_true(lambda: is_gone(child.pid))


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    started: list[ChildProcess] = []
    starter = Thread(target=lambda: started.append(ChildProcess("sleeper", ["sleep", "60"], log=tmp_path / "log")))
    starter.start()
    starter.join()
    with started[0] as child:
        assert not await_true(lambda: is_gone(child.pid), deadline_s=0.3)


def test_kill_is_a_crash_of_the_child_alone(tmp_path: Path) -> None:
    child = ChildProcess("sleeper", ["sleep", "60"], log=tmp_path / "log")
    child.kill()
    assert child.returncode == 128 + signal.SIGKILL
    child.stop()


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(KairosError, match="Flink could not be started: /no/such/program: No such file"):
        ChildProcess("Flink", ["/no/such/program"], log=tmp_path / "log")


def test_a_child_that_ends_too_early_shows_the_end_of_its_log(tmp_path: Path) -> None:
    script = "for i in $(seq 100); do echo line $i; done; exit 1"
    with (
        ChildProcess("broker", ["sh", "-c", script], log=tmp_path / "log") as child,
        pytest.raises(KairosError, match="broker ended before it was listening") as caught,
    ):
        child.wait_until(lambda: False, "listening", deadline_s=10)
    assert "line 100" in caught.value.message
    assert "line 75\n" not in caught.value.message


def test_a_child_that_is_not_ready_in_time_is_an_error(tmp_path: Path) -> None:
    with (
        ChildProcess("sleeper", ["sleep", "60"], log=tmp_path / "log") as child,
        pytest.raises(KairosError, match="sleeper was not awake after 0 s"),
    ):
        child.wait_until(lambda: False, "awake", deadline_s=0.1)


def test_no_file_descriptor_is_left_open(tmp_path: Path) -> None:
    before = open_descriptors()
    for _ in range(3):
        with ChildProcess("true", ["true"], log=tmp_path / "log") as child:
            child.wait(10)
    assert open_descriptors() == before


def test_the_tail_of_a_log_that_is_missing_or_empty_says_so(tmp_path: Path) -> None:
    assert log_tail(tmp_path / "none") == "  (no log file)"
    (tmp_path / "empty").touch()
    assert log_tail(tmp_path / "empty") == "  (empty)"
