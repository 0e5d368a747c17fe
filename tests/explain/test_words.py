"""Whatever the log can name has words, in one table."""

import re

import pytest

from flink_job.core.gates import ORDER
from flink_job.core.reasons import Reason
from kairos.local.paths import project_root
from kairos.v1.feedback_pb2 import Outcome
from kairos.v1.signal_pb2 import Trigger
from kairos.words import (
    GATES,
    OUTCOMES,
    RULES,
    TRIGGERS,
    gate_words,
    never_by_itself_words,
    outcome_words,
    reason_words,
    rule_words,
    trigger_words,
)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.metric)
def test_every_reason_has_words(reason: Reason) -> None:
    assert reason_words(reason.metric) == reason.value
    assert " " in reason.value


def test_every_gate_has_words_for_open_and_for_closed_and_nothing_else_has() -> None:
    assert tuple(GATES) == ORDER
    for gate in ORDER:
        assert gate_words(gate.metric) == GATES[gate] != reason_words(gate.metric)


def test_every_trigger_and_every_outcome_of_the_schemas_has_words() -> None:
    assert set(TRIGGERS) == set(Trigger.values())
    assert set(OUTCOMES) == set(Outcome.values())


def test_every_rule_that_the_core_names_has_words() -> None:
    """The core has no list of them: they are the names in the two modules that forbid an item, and those in the table of docs/policy.md."""
    table = (project_root() / "docs" / "policy.md").read_text(encoding="utf-8").split("## Items that are not sent")[1].split("\n## ")[0]
    documented = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    core = project_root() / "flink_job" / "core"
    code = "".join((core / name).read_text(encoding="utf-8") for name in ("eligibility.py", "ranking.py"))
    named = set(re.findall(r'(?:return|\] =) "(\w+)"', code))
    assert documented <= set(RULES)
    assert len(documented) >= 11
    assert named == set(RULES)


def test_what_a_newer_job_names_is_shown_as_it_is() -> None:
    assert reason_words("some_new_reason") == "some new reason"
    assert gate_words("new_gate") == "new gate"
    assert rule_words("new_rule") == "new rule"
    assert trigger_words(99) == "trigger 99"
    assert outcome_words(99) == "outcome 99"
    assert never_by_itself_words("new_reason") == "when that has changed"
