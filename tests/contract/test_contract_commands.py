"""``kairos topics`` and ``kairos proto`` as a user runs them."""

import json

import pytest
from typer.testing import CliRunner, Result

from kairos.cli.app import build
from kairos.contract.topics import TOPICS
from kairos.errors import KairosError
from kairos.local.kafka import EmbeddedKafka


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(build(), list(arguments))
    if isinstance(result.exception, KairosError):
        raise result.exception
    return result


@pytest.mark.kafka
def test_create_then_list_then_describe(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    there = ("-b", kafka.bootstrap_servers, "--prefix", topic_prefix)
    before = json.loads(run("topics", "list", *there, "--json").stdout)
    assert {row["name"]: row["exists"] for row in before} == {spec.name(topic_prefix): False for spec in TOPICS.values()}

    created = json.loads(run("topics", "create", *there, "--partitions", "2", "--json").stdout)
    assert all(outcome["created"] and not outcome["differences"] for outcome in created)

    again = run("topics", "create", *there)
    assert f"{topic_prefix}items exists" in again.stderr
    assert "2 partitions instead of 4" in again.stderr

    items = json.loads(run("topics", "describe", "items", *there, "--json").stdout)
    assert (items["key"], items["actual_partitions"], items["replication"]) == ("item_id", 2, 1)
    assert items["actual_settings"]["cleanup.policy"] == "compact"
    assert items["differences"] == ["2 partitions instead of 4"]
    assert "kairos.v1.Item" in run("topics", "describe", "items", *there).stdout
    assert "differs" in run("topics", "list", *there).stdout


def test_a_topic_that_the_contract_does_not_have_is_a_usage_error_that_names_those_it_has() -> None:
    with pytest.raises(KairosError, match="no topic 'item'") as refused:
        run("topics", "describe", "item")
    assert refused.value.exit_code == 2
    assert "items" in refused.value.hint


def test_lint_breaking_and_golden_are_content_with_the_schemas_as_they_are() -> None:
    assert "formatted" in run("proto", "lint").stderr
    assert "released as v1" in run("proto", "breaking").stderr
    assert "v1: 0 made" in run("proto", "golden").stderr


def test_a_release_that_is_there_is_refused() -> None:
    with pytest.raises(KairosError, match="was released before"):
        run("proto", "release", "v1")
