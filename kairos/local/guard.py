"""Runs one command and outlives nobody: ``python guard.py LIFE_FD REPORT_FD GRACE_S COMMAND...``.

The guard stands between a program and its child, so that the child ends however the program ends. It starts the
command in a process group of its own, writes its process id to ``REPORT_FD``, and then waits for the first of: the
command ends; the other end of the pipe ``LIFE_FD`` is closed, which the kernel does even after ``kill -9``; SIGTERM or
SIGINT. Then it stops the whole group: SIGTERM, ``GRACE_S`` seconds, SIGKILL. Should the guard itself be killed,
Linux kills the command.

*Contract*: standard library only and no imports of kairos, it is started by path. Exits with the command's code.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(life_fd: int, report_fd: int, grace_s: float, command: list[str]) -> int:
    """Run the command to its end, or to that of whoever is behind ``life_fd``."""
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write)
    for number in (*_STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    try:
        # preexec_fn is unsafe beside threads; the guard has none.
        child = subprocess.Popen(command, preexec_fn=_child_setup, stdin=subprocess.DEVNULL)  # noqa: PLW1509
    except OSError as error:
        os.write(report_fd, f"error {command[0]}: {error.strerror}\n".encode())
        return 127
    os.write(report_fd, f"{child.pid}\n".encode())
    os.close(report_fd)
    while child.poll() is None:
        readable, _, _ = select.select([life_fd, wakeup_read], [], [])
        signals = os.read(wakeup_read, 64) if wakeup_read in readable else b""
        if life_fd in readable or any(number in signals for number in _STOP_SIGNALS):
            _stop(child, grace_s)
    _signal_group(child.pid, signal.SIGKILL)  # what the command started and left behind
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _child_setup() -> None:
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _stop(child: "subprocess.Popen[bytes]", grace_s: float) -> None:
    _signal_group(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if child.poll() is None:
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
