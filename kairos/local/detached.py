"""Processes that stay when the command that started them ends: the broker and the cluster of the command line.

What runs is recorded in ``.kairos/run/<name>.json``, so that a later command finds it. A process id is believed only
together with the start time of the process: ids are used again.
"""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import psutil

from kairos.local import paths
from kairos.local.processes import ManagedProcess


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """Enough to find a process again. ``started_s``: the system's start time of it, seconds since the epoch."""

    name: str
    pid: int
    started_s: float
    log: str

    @classmethod
    def of(cls, process: ManagedProcess) -> Self:
        """The process must run."""
        started_s = psutil.Process(process.pid).create_time()
        return cls(process.name, process.pid, started_s, str(process.log))


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A service, its processes, and what a later command needs to know of it (ports, folders)."""

    processes: list[ProcessRecord]
    details: dict[str, str] = field(default_factory=dict)


class DetachedProcess(ManagedProcess):
    """A process in a session of its own, of which only the record is kept."""

    def __init__(self, record: ProcessRecord, grace_s: float = 10.0) -> None:
        self.record = record
        self.name = record.name
        self.pid = record.pid
        self.log = Path(record.log)
        self._grace_s = grace_s

    @property
    def is_running(self) -> bool:
        """There is a process of this id and this start time."""
        return self._find() is not None

    def stop(self) -> None:
        """SIGTERM to its whole session, then SIGKILL; returns when it is gone."""
        process = self._find()
        if process is None:
            return
        self._signal_group(signal.SIGTERM)
        try:
            process.wait(self._grace_s)
        except psutil.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to its whole session."""
        process = self._find()
        if process is not None:
            self._signal_group(signal.SIGKILL)
            process.wait()

    def _find(self) -> psutil.Process | None:
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.record.started_s) < 1.0
            if same and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def launch_detached(
    name: str, argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, grace_s: float = 10.0
) -> DetachedProcess:
    """Starts a command that outlives this program; the log file is begun anew."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            start_new_session=True,
        )
    started_s = psutil.Process(process.pid).create_time()
    return DetachedProcess(ProcessRecord(name, process.pid, started_s, str(log)), grace_s)


def save(service: str, record: ServiceRecord) -> None:
    """Atomic, so that a reader never sees half a record."""
    target = _file(service)
    part = target.with_suffix(".part")
    part.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    part.replace(target)


def load(service: str) -> ServiceRecord | None:
    """The record of a service that was started and not stopped; its processes may have died since."""
    try:
        raw = json.loads(_file(service).read_text(encoding="utf-8"))
        return ServiceRecord([ProcessRecord(**process) for process in raw["processes"]], raw["details"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # a damaged record describes nothing
        return None


def forget(service: str) -> None:
    """Delete the record; no error if there is none."""
    _file(service).unlink(missing_ok=True)


def _file(service: str) -> Path:
    folder = paths.state_dir() / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{service}.json"
