"""The command line of ``kairos replay``: what is wrong is said before anything is connected to."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from kairos.cli.app import build
from kairos.errors import USAGE_ERROR, KairosError

EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--speed", "2", "--max"], "--speed, --rate and --max exclude each other"),
        (["--rate", "many"], "--rate many: this is no number of events a second"),
        (["--rate", "-4"], "--rate -4: this is no number of events a second"),
        (["--start", "monday"], "--start monday: this is no ISO 8601 time"),
        (["--warm-up", "long"], "--warm-up: 'long' is no length of time"),
        (["--catalogue", "last"], "--catalogue last: this is none of first, only, none"),
        (["--run", "a b"], "--run a b: a name has up to 40 letters"),
        (["--log", "glbo"], "Did you mean 'globo'"),
        (["--log", "no.yaml"], "no.yaml: the mapping cannot be read"),
    ],
)
def test_a_wrong_option_is_named_and_ends_with_code_2(arguments: list[str], said: str) -> None:
    mapping = [] if "--log" in arguments else ["--log", str(EXAMPLE / "mapping.yaml")]
    result = CliRunner().invoke(build(), ["replay", str(EXAMPLE / "events.csv"), *mapping, *arguments])
    assert isinstance(result.exception, KairosError)
    assert said in result.exception.message
    assert result.exception.exit_code == USAGE_ERROR


def test_neighbours_shows_what_features_mean() -> None:
    taken = ["feed", "neighbours", str(EXAMPLE / "events.csv"), "M-01", "--log", str(EXAMPLE / "mapping.yaml"), "-n", "1"]
    result = CliRunner().invoke(build(), taken)
    assert result.exit_code == 0, result.output
    assert "Red mug" in result.stdout
    assert "Blue mug" in result.stdout
