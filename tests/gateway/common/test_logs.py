"""Logs are one JSON object a line and hold no secrets."""

import json
import logging
from typing import Literal

import pytest
import structlog

from gateway.common.logs import configure_logging
from gateway.common.settings import LogSettings


@pytest.fixture(autouse=True)
def _restored() -> object:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    yield
    root.handlers, _ = list(before[0]), root.setLevel(before[1])
    structlog.reset_defaults()


def test_every_line_is_an_object_and_what_is_named_like_a_secret_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogSettings(level="info", format="json"))
    structlog.get_logger("collector").info("hello", port=1, api_key="s3cret", Authorization="Bearer s3cret")
    structlog.get_logger("collector").debug("not shown")
    logging.getLogger("some.library").warning("of a %s", "library")
    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["level"], ours["logger"], ours["port"]) == ("hello", "info", "collector", 1)
    assert (ours["api_key"], ours["Authorization"]) == ("***", "***")
    assert (theirs["event"], theirs["level"]) == ("of a library", "warning")


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_trace_shows_no_values_of_variables(capsys: pytest.CaptureFixture[str], form: Literal["json", "text"]) -> None:
    configure_logging(LogSettings(level="info", format=form))
    token = "s3cret-in-a-variable"
    try:
        raise RuntimeError(len(token))
    except RuntimeError as error:
        structlog.get_logger("collector").error("failed", exc_info=error)
    told = capsys.readouterr().err
    assert "RuntimeError" in told
    assert token not in told
