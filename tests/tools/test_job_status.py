"""What `kairos status` makes of Flink's answers."""

from typing import Any

import pytest

from kairos.job import fresh_metrics
from kairos.job.status import print_status, status_of
from kairos.local.flink_rest import FlinkRest
from tests.tools.flink_answers import FlinkAnswers, serving

COMPLETED = {"trigger_timestamp": 1_000, "end_to_end_duration": 12, "state_size": 2_000_000, "external_path": "file:///chk-7"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_metrics, "_POLL_S", 0.001)


def checkpoints(failed: int, *history: str) -> dict[str, Any]:
    """As Flink tells them: `failed` of the counts are those it could not even begin, too."""
    done = COMPLETED if "COMPLETED" in history else None
    counts = {"completed": history.count("COMPLETED"), "failed": failed}
    return {"counts": counts, "history": [{"status": status} for status in history], "latest": {"completed": done}}


def test_checkpoints_that_were_wanted_before_all_tasks_ran_did_not_fail(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(FlinkAnswers(checkpoints=checkpoints(7, "IN_PROGRESS", "COMPLETED"))) as flink, FlinkRest(flink.url) as rest:
        (job,) = status_of(rest)["jobs"]
        print_status(rest)
    assert (job["checkpoints"]["failed_lately"], job["checkpoints"]["begun_lately"]) == (0, 2)
    printed = capsys.readouterr().out
    assert "1 completed; the last at" in printed
    assert "failed" not in printed


def test_a_checkpoint_that_was_begun_and_failed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(FlinkAnswers(checkpoints=checkpoints(8, "FAILED", "COMPLETED", "FAILED"))) as flink, FlinkRest(flink.url) as rest:
        print_status(rest)
    assert "1 completed, 2 of the last 3 failed; the last at" in capsys.readouterr().out


def test_a_job_without_any_checkpoint_has_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(FlinkAnswers(checkpoints=checkpoints(3))) as flink, FlinkRest(flink.url) as rest:
        print_status(rest)
    assert "0 completed" in capsys.readouterr().out
