"""Child processes that never outlive their parent: started with a log file, awaited with a deadline, stopped in order.

    with ChildProcess("kafka", argv, log=folder / "kafka.log") as broker:
        broker.wait_until(lambda: is_listening(9092), "listening on port 9092", deadline_s=30)

*Contract*: whatever ends this program (Ctrl-C, SIGTERM, an exception, a crash, ``kill -9``), the child and what the
child started end too; ``guard.py`` sees to it. Any thread may start or stop a child. Processes that are meant to
stay are in ``detached.py``.
"""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from kairos.errors import KairosError

_GUARD = Path(__file__).with_name("guard.py")
_POLL_S = 0.05


class ManagedProcess(ABC):
    """What child and detached processes have in common."""

    name: str
    log: Path
    pid: int
    """Process id of the command itself: the one to ``kill -9`` in a test."""

    @property
    @abstractmethod
    def is_running(self) -> bool:
        """It has not ended; a zombie has."""

    @abstractmethod
    def stop(self) -> None:
        """SIGTERM, then SIGKILL after the grace time; returns when it is gone. Safe to repeat."""

    @abstractmethod
    def kill(self) -> None:
        """``kill -9``, as a crash would; returns when it is gone."""

    def wait_until(self, ready: Callable[[], bool], goal: str, *, deadline_s: float) -> None:
        """Polls until ``ready()``; raises ``KairosError`` with the end of the log if it ends or time is up."""
        deadline = time.monotonic() + deadline_s
        while not ready():
            if not self.is_running:
                raise self._failure(f"{self.name} ended before it was {goal}")
            if time.monotonic() > deadline:
                raise self._failure(f"{self.name} was not {goal} after {deadline_s:.0f} s")
            time.sleep(_POLL_S)

    def _failure(self, sentence: str) -> KairosError:
        return KairosError(f"{sentence}. The end of {self.log}:\n{log_tail(self.log)}")


class Launch(Protocol):
    """Starts a command, either as a child or detached; ``grace_s`` is the time between SIGTERM and SIGKILL."""

    def __call__(
        self, name: str, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, grace_s: float = 10.0
    ) -> ManagedProcess:
        """The command has been started, and may fail at once."""


class ChildProcess(ManagedProcess):
    """One supervised child; stopped when the ``with`` block is left. The log file is appended to."""

    def __init__(self, name: str, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, grace_s: float = 10.0) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        life_read, self._life = os.pipe()
        report_read, report_write = os.pipe()
        guarded = [sys.executable, "-I", "-S", str(_GUARD), str(life_read), str(report_write), str(grace_s), *argv]
        with log.open("ab") as output:
            self._guard = subprocess.Popen(
                guarded,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(env) if env is not None else None,
                pass_fds=(life_read, report_write),
                start_new_session=True,  # Ctrl-C reaches this program only, which then stops its children
            )
        os.close(life_read)
        os.close(report_write)
        with os.fdopen(report_read, encoding="utf-8") as report:
            answer = report.readline().strip()
        if not answer.isdigit():
            self.stop()
            raise KairosError(f"{name} could not be started: {answer.removeprefix('error ') or log_tail(log)}")
        self.pid = int(answer)

    @property
    def is_running(self) -> bool:
        """The guard ends when the command has."""
        return self.returncode is None

    @property
    def returncode(self) -> int | None:
        """``None`` while it runs; 128 + signal if a signal ended it."""
        return self._guard.poll()

    def wait(self, timeout_s: float | None = None) -> int:
        """Blocks until the child has ended; raises ``subprocess.TimeoutExpired``."""
        return self._guard.wait(timeout_s)

    def kill(self) -> None:
        """Of the command itself, by its process id."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.stop()  # the guard is left to end; there is nothing more for it to stop

    def stop(self) -> None:
        """Closes the pipe on which the guard waits, which does the rest."""
        if self._life >= 0:
            os.close(self._life)
            self._life = -1
        self._guard.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def log_tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log file, indented; what a user needs to see when a start has failed."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return "".join(f"  {line}" for line in deque(file, maxlen=lines)).rstrip() or "  (empty)"
    except FileNotFoundError:
        return "  (no log file)"
