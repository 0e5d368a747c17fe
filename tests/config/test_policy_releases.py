"""A policy that is laid over the configured one: as strict as the configuration itself, and no text whatever is more than refused."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.config import ConfigError, default_document, load_config, policy_over, read_policy
from flink_job.core.rules import Rules

RULES = load_config(None, {}).policy


def refused(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        policy_over(RULES, read_policy(text))
    return list(caught.value.problems)


def test_a_document_changes_what_it_names_and_nothing_else() -> None:
    rules = policy_over(RULES, read_policy("gates: {min_gap_ms: 5}\ntriggers: {view: null, purchase: 1}"))
    assert rules.gates.min_gap_ms == 5
    assert rules.gates.caps == RULES.gates.caps
    assert ("view" in rules.triggers, rules.triggers["purchase"], rules.triggers["cart"]) == (False, 1, RULES.triggers["cart"])
    assert rules.send == RULES.send


def test_documents_lie_over_each_other_in_their_order() -> None:
    rules = policy_over(RULES, {"send": {"min_score": 0.1}}, {"send": {"min_score": 0.2}, "gates": {"min_gap_ms": 5}})
    assert (rules.send.min_score, rules.gates.min_gap_ms) == (0.2, 5)


def test_an_empty_document_is_the_policy_as_it_was_configured() -> None:
    for text in ("", "{}", "# nothing", "policy: {}"):
        assert policy_over(RULES, read_policy(text)) == RULES


def test_all_of_the_defaults_may_be_released() -> None:
    assert policy_over(RULES, default_document()["policy"]) == RULES


def test_the_name_of_the_section_may_stand_around_it() -> None:
    assert read_policy("policy: {send: {min_score: 0.4}}") == {"send": {"min_score": 0.4}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gates: {min_gap_ms: -1}", "gates: min_gap_ms: must not be negative, not -1"),
        ("gates: {caps: [{count: -1, window_ms: 5}]}", "gates.caps.0: count: must be greater than 0, not -1"),
        (
            "gates: {quiet_hours: {default_zone: Europe/Berln}}",
            "gates.quiet_hours.default_zone: there is no time zone 'Europe/Berln'; did you",
        ),
        ("send: {min_scor: 1}", "send.min_scor: there is no such key; did you mean send.min_score?"),
        ("caps: []", "caps: there is no such key; did you mean gates.caps?"),
        ("send: {min_score: high}", "send.min_score: Input should be a valid number"),
        ("send: 1", "send: must be a mapping, not int"),
        ("memory: {sent_pushes: 5}", "gates.caps: 10 pushes cannot be counted when memory.sent_pushes is 5"),
        ("gates: {min_gap_ms: 99999999999999999999}", "gates.min_gap_ms: must be at most 9007199254740992"),
        ("interest: {weights: {view: 1.0e+30}}", "interest.weights.view: must be at most"),
        ("kafka: {group_id: x}", "kafka: is no part of a policy, and stays as the job was configured"),
        ("- a list", "document: must be a mapping of sections, not list"),
        ("policy: 3", "policy: must be a mapping, not int"),
        ("{", "document: is not YAML"),
        ("a: !!int x", "document: is not YAML"),
        ("a: " + "9" * 5_000, "document: is not YAML"),
        ("[" * 50_000, "document: is not YAML"),
    ],
)
def test_what_cannot_be_is_named_by_its_key_within_the_policy(text: str, says: str) -> None:
    (problem,) = refused(text)
    assert problem.startswith(says)


def test_all_mistakes_are_told_at_once() -> None:
    assert len(refused("send: {a: 1, b: 2}\nkafka: {}\nlogs: {}")) == 4


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_KEYS = st.sampled_from(["gates", "caps", "send", "triggers", "view", "quiet_hours", "zone_of_country", "DE", "count", "memory"]) | st.text(
    max_size=3
)


@given(document=st.dictionaries(_KEYS, st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner))))
def test_any_document_is_a_policy_or_a_configuration_error(document: dict[str, Any]) -> None:
    with suppress(ConfigError):
        assert isinstance(policy_over(RULES, document), Rules)


@given(text=st.text(max_size=60) | st.text(alphabet="{}[]:,-!&*\n 0int\"'", max_size=60))
def test_any_text_is_a_policy_or_a_configuration_error(text: str) -> None:
    with suppress(ConfigError):
        assert isinstance(policy_over(RULES, read_policy(text)), Rules)
