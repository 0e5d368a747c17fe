"""Processes that stay, and the records by which they are found again."""

from dataclasses import replace
from pathlib import Path

import pytest

from kairos.local import detached
from kairos.local.detached import DetachedProcess, ProcessRecord, ServiceRecord, launch_detached


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KAIROS_HOME", str(tmp_path))
    return tmp_path


def test_a_process_is_found_again_by_its_record_and_stopped(home: Path) -> None:
    started = launch_detached("sleeper", ["sleep", "60"], log=home / "log")
    detached.save("service", ServiceRecord([ProcessRecord.of(started)], {"port": "1"}))
    record = detached.load("service")
    assert record is not None
    assert record.details == {"port": "1"}
    found = DetachedProcess(record.processes[0])
    assert found.is_running
    found.stop()
    assert not found.is_running
    assert not started.is_running
    found.stop()  # again, without effect


def test_a_process_that_has_got_the_number_of_another_is_not_taken_for_it(home: Path) -> None:
    started = launch_detached("sleeper", ["sleep", "60"], log=home / "log")
    stranger = DetachedProcess(replace(started.record, started_s=started.record.started_s - 3600))
    assert not stranger.is_running
    stranger.stop()
    stranger.kill()
    assert started.is_running
    started.kill()


def test_a_process_that_ignores_the_request_is_killed_after_its_grace_time(home: Path) -> None:
    script = "trap '' TERM; echo up; while :; do sleep 0.02; done"
    process = launch_detached("stubborn", ["sh", "-c", script], log=home / "log", grace_s=0.2)
    process.wait_until(lambda: "up" in (home / "log").read_text(), "up", deadline_s=10)
    process.stop()
    assert not process.is_running


@pytest.mark.parametrize("content", [None, "", "{", '{"processes": 3}', '{"processes": [{}], "details": {}}'])
def test_a_record_that_is_missing_or_damaged_describes_nothing(home: Path, content: str | None) -> None:
    if content is not None:
        (home / "run").mkdir()
        (home / "run" / "service.json").write_text(content)
    assert detached.load("service") is None
    detached.forget("service")
    assert detached.load("service") is None
