"""The whole benchmark, small: real broker, real cluster, the shipped job and the textbook one. It asserts no times."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.plan import DEFAULT
from benchmarks.report import WIDTH, report
from benchmarks.run import run, write
from kairos.cli.app import build
from kairos.errors import KairosError

TINY = replace(
    DEFAULT,
    name="tiny",
    users=400,
    items=500,
    events=5_000,
    rounds=1,
    limit_s=240,
    textbook_limit_s=240,
    latency_s=5,
    rates=(200,),
    engine_repeats=1,
    flat_rounds=1,
    flat_users=(500,),
    flat_items=(),
    flat_events=2_000,
    flat_fill=1_000,
)


@pytest.mark.e2e
@pytest.mark.timeout(900)
def test_shipped_and_textbook_job_get_the_same_log_and_come_to_about_as_many_pushes(tmp_path: Path) -> None:
    steps: list[str] = []
    result = run(TINY, frozenset({"kairos", "textbook", "engine", "flatness"}), cores=64, say=steps.append)
    assert result.failures == []
    shipped, textbook = result.sessions["kairos"][0], result.sessions["textbook"][0]
    assert shipped.throughput.complete
    assert textbook.throughput.complete
    # Decisions of the first moments wait for the catalogue in one and not in the other, so a few pushes differ.
    assert result.engine is not None
    for session in (shipped, textbook):
        assert session.throughput.push_share == pytest.approx(result.engine.push_share, rel=0.25)
        assert session.throughput.cpu_us > 0
        assert session.throughput.rss_mib > 100
    assert shipped.throughput.facts["restarted"] is False
    latency = shipped.latencies[0]
    assert latency.pushes >= 20
    assert 0 < latency.p50_ms <= latency.p99_ms <= latency.most_ms
    assert [(flat.what, flat.size) for flat in result.flat] == [("users", 500)]
    assert result.flat[0].session.throughput.events_counted <= 2_000
    document, picture = write(result, tmp_path)
    assert json.loads(document.read_text())["plan"]["name"] == "tiny"
    assert picture.stat().st_size > 10_000
    console = Console(width=WIDTH, record=True, quiet=True)
    for part in report(result):
        console.print(part)
    assert any("latency at 200" in step for step in steps)


def test_quick_and_full_exclude_each_other() -> None:
    outcome = CliRunner().invoke(build(), ["bench", "--quick", "--full"])
    assert isinstance(outcome.exception, KairosError)
    assert outcome.exception.exit_code == 2
