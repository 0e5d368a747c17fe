"""What the job has counted is what it has counted by now, not what Flink was told when somebody last asked."""

from collections.abc import Iterator

import pytest

from kairos.job import counts, fresh_metrics
from kairos.job.counts import read_counts
from kairos.local.flink_rest import FlinkRest
from tests.tools.flink_answers import JOB, FlinkAnswers, serving


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_metrics, "_POLL_S", 0.001)
    monkeypatch.setattr(counts, "_POLL_S", 0.001)


@pytest.fixture
def flink() -> Iterator[FlinkAnswers]:
    with serving(FlinkAnswers()) as answers:
        yield answers


def pushes(flink: FlinkAnswers, *, at_least: int = 0) -> int:
    with FlinkRest(flink.url) as rest:
        return read_counts(rest, JOB, pushes=at_least)["pushes"]


def test_counts_of_a_job_nobody_has_looked_at_for_long_are_those_of_now(flink: FlinkAnswers) -> None:
    flink.known, flink.pushes = (3, -5_000), 20
    assert pushes(flink) == 20


def test_counts_of_a_job_nobody_has_ever_looked_at_are_there(flink: FlinkAnswers) -> None:
    flink.pushes = 20
    assert pushes(flink) == 20


def test_counts_that_somebody_asked_for_a_moment_ago_are_asked_for_once_more(flink: FlinkAnswers) -> None:
    flink.interval = 60
    flink.pushes = 3
    assert pushes(flink) == 3
    flink.pushes = 20
    assert pushes(flink) == 20
    assert flink.requests > 60


def test_a_job_that_does_nothing_is_known_to_do_nothing_without_waiting_for_a_change_of_its_counts(flink: FlinkAnswers) -> None:
    flink.known, flink.pushes = (20, -5_000), 20
    assert pushes(flink) == 20
    assert flink.requests < 50  # the fetcher's interval of a minute was not waited for


def test_taskmanagers_that_do_not_answer_are_not_waited_for_longer_than_the_fetcher_does(
    flink: FlinkAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh_metrics, "_ANSWER_S", 0.02)
    flink.update_interval = "20ms"
    flink.known, flink.pushes, flink.silent = (3, -5_000), 20, True
    assert pushes(flink) == 3


def test_counts_that_must_know_of_a_push_are_waited_for() -> None:
    class Later(FlinkAnswers):
        """The operator shows the last pushes with its next record."""

        def answer(self, path: str, query: dict[str, list[str]]) -> object:
            self.pushes = 20 if self.requests > 60 else 3
            return super().answer(path, query)

    with serving(Later()) as later:
        assert pushes(later, at_least=20) == 20


@pytest.mark.parametrize(
    ("option", "seconds"), [("1000", 1.0), ("1000ms", 1.0), ("500 ms", 0.5), ("10 s", 10.0), ("2 min", 120.0), ("PT5S", 10.0), ("", 10.0)]
)
def test_the_fetchers_interval_is_read_as_flink_writes_it(flink: FlinkAnswers, option: str, seconds: float) -> None:
    flink.update_interval = option
    with FlinkRest(flink.url) as rest:
        assert fresh_metrics.update_interval_s(rest) == seconds
