"""The engine in a loop: it measures the shipped engine, and its profile names parts that exist."""

import ast
from pathlib import Path

import pytest

from benchmarks import parts
from benchmarks.engine_loop import measure_apart, table

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("file", sorted({file for file, _, _ in parts.PARTS if not file.startswith("benchmarks")}))
def test_every_part_of_the_profile_is_code_that_is_there(file: str) -> None:
    path = ROOT / "flink_job" / file.removeprefix("flink_job/")
    assert path.exists()
    if path.is_file():
        defined = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
        named = {function for other, function, _ in parts.PARTS if other == file and function}
        assert named <= defined


def test_a_run_books_every_microsecond_on_a_part_and_every_event_on_an_answer() -> None:
    result = measure_apart(events=4_000, users=300, items=500, repeats=1)
    assert result.events == 4_000
    assert sum(result.us_by_part.values()) == pytest.approx(result.us_per_event)
    assert {"decode signal", "encode state", "policy"} <= result.us_by_part.keys()
    assert sum(result.share_by_answer.values()) == pytest.approx(1.0)
    assert 0 < result.push_share <= result.scored_share < 1
    assert 0 < result.state_bytes_median <= result.state_bytes_largest
    assert "µs per event" in table(result, lines=3)
