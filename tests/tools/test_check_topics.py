"""What the check says about topics, brokers and settings: the judgement alone, without a broker."""

from dataclasses import replace
from typing import Any

import pytest

from flink_job.config import parse_config
from kairos.check.brokers import Cluster, check_addresses, check_cluster
from kairos.check.finding import Finding, Level
from kairos.check.settings import check_settings
from kairos.check.topics import check_topics
from kairos.contract.topics import MIN_INSYNC, TOPICS, TopicOnBroker
from kairos.local.ports import free_port

CONFIG = parse_config({})
ALL_RIGHTS = frozenset({"READ", "WRITE", "DESCRIBE"})
GOOD = {
    spec.name("kairos."): TopicOnBroker(
        name=spec.name("kairos."),
        partitions=spec.partitions,
        replication=3,
        in_sync=3,
        leaderless=0,
        settings={**spec.settings, MIN_INSYNC: "2"},
        rights=ALL_RIGHTS,
    )
    for spec in TOPICS.values()
}


def check(name: str, brokers: int = 3, **changes: Any) -> list[Finding]:
    """Findings on one topic after these changes to it; all others must be fine."""
    full_name = f"kairos.{name}"
    found = {**GOOD, full_name: replace(GOOD[full_name], **changes)}
    findings = list(check_topics(CONFIG, found, brokers))
    others = [finding for finding in findings if finding.what != f"topic {full_name}"]
    assert all(finding.level is Level.OK for finding in others), others
    return [finding for finding in findings if finding.what == f"topic {full_name}"]


def settings(name: str, **changes: str) -> dict[str, str]:
    return {**GOOD[f"kairos.{name}"].settings, **{key.replace("_", "."): value for key, value in changes.items()}}


def test_topics_as_the_contract_wants_them_are_fine() -> None:
    findings = list(check_topics(CONFIG, GOOD, brokers=3))
    assert len(findings) == len(TOPICS)
    assert {finding.level for finding in findings} == {Level.OK}


def test_a_missing_topic_fails_and_says_how_to_make_it() -> None:
    found = {name: topic for name, topic in GOOD.items() if name != "kairos.items"}
    (finding,) = [finding for finding in check_topics(CONFIG, found, 3) if finding.level is not Level.OK]
    assert (finding.level, finding.what) == (Level.FAIL, "topic kairos.items")
    assert "kairos topics create" in finding.todo


@pytest.mark.parametrize(
    ("name", "changes", "level", "said"),
    [
        ("items", {"settings": settings("items", cleanup_policy="delete")}, Level.FAIL, "would vanish"),
        ("interactions", {"settings": settings("interactions", cleanup_policy="compact")}, Level.FAIL, "would vanish"),
        ("pushes", {"settings": settings("pushes", retention_ms="60000")}, Level.WARN, "retention.ms is 60000"),
        ("interactions", {"settings": settings("interactions", max_message_bytes="65536")}, Level.WARN, "whole batches"),
        ("dead-letters", {"settings": settings("dead-letters", max_message_bytes="6000")}, Level.FAIL, "stop the job"),
        (
            "interactions",
            {"settings": settings("interactions", message_timestamp_type="LogAppendTime")},
            Level.WARN,
            "LogAppendTime",
        ),
        ("interactions", {"replication": 1, "in_sync": 1}, Level.FAIL, "no write with acks=all"),
        ("interactions", {"replication": 2, "in_sync": 2}, Level.WARN, "one broker lost stops all writes"),
        ("interactions", {"in_sync": 1}, Level.FAIL, "1 copies in sync, of 2"),
        ("interactions", {"leaderless": 4}, Level.FAIL, "4 of 12 partitions have no leader"),
        ("interactions", {"rights": frozenset({"WRITE"})}, Level.FAIL, "may not READ"),
        ("pushes", {"rights": frozenset({"READ"})}, Level.FAIL, "may not WRITE"),
    ],
)
def test_what_does_not_fit_is_told(name: str, changes: dict[str, Any], level: Level, said: str) -> None:
    (finding,) = check(name, **changes)
    assert finding.level is level
    assert said in finding.detail
    assert finding.todo


def test_one_copy_is_right_for_one_broker_and_a_risk_for_three() -> None:
    one_copy: dict[str, Any] = {"replication": 1, "in_sync": 1, "settings": {**GOOD["kairos.items"].settings, MIN_INSYNC: "1"}}
    assert [finding.level for finding in check("items", brokers=1, **one_copy)] == [Level.OK]
    assert [finding.level for finding in check("items", brokers=3, **one_copy)] == [Level.WARN]


def test_rights_that_the_brokers_do_not_tell_are_no_problem() -> None:
    assert [finding.level for finding in check("pushes", rights=None)] == [Level.OK]


def test_more_slots_than_partitions_is_a_warning() -> None:
    config = parse_config({"job": {"parallelism": 13}})
    findings = [finding for finding in check_topics(config, GOOD, 3) if finding.level is not Level.OK]
    assert {finding.what for finding in findings} == {
        "topic kairos.interactions",
        "topic kairos.feedback",
        "topic kairos.nudges",
    }
    assert {finding.level for finding in findings} == {Level.WARN}


def test_records_larger_than_the_topic_takes_are_told() -> None:
    config = parse_config({"limits": {"max_record_bytes": 2_000_000}})
    levels = {finding.what: finding.level for finding in check_topics(config, GOOD, 3)}
    assert levels["topic kairos.interactions"] is Level.WARN
    assert levels["topic kairos.knowledge"] is Level.OK  # takes 4 MiB
    assert levels["topic kairos.pushes"] is Level.OK  # not read by the job


EXACTLY_ONCE = {"delivery": "exactly-once", "transaction_timeout_ms": 900_000}


@pytest.mark.parametrize(
    ("broker", "brokers", "level"),
    [
        ({}, 3, Level.OK),
        ({"transaction.max.timeout.ms": "899999"}, 3, Level.FAIL),
        ({"transaction.state.log.replication.factor": "3"}, 1, Level.FAIL),
        ({"transaction.state.log.replication.factor": "1"}, 3, Level.WARN),
        ({"transaction.state.log.replication.factor": "1"}, 1, Level.OK),
        ({"auto.create.topics.enable": "true"}, 3, Level.WARN),
    ],
)
def test_exactly_once_needs_brokers_that_allow_it(broker: dict[str, str], brokers: int, level: Level) -> None:
    allowed = {"transaction.max.timeout.ms": "900000", "transaction.state.log.replication.factor": "3", **broker}
    findings = list(check_cluster(Cluster(brokers, allowed), parse_config({"job": EXACTLY_ONCE})))
    assert max(findings, key=lambda finding: [Level.OK, Level.WARN, Level.FAIL].index(finding.level)).level is level


def test_at_least_once_asks_nothing_of_transactions() -> None:
    findings = check_cluster(Cluster(1, {"transaction.max.timeout.ms": "1"}), CONFIG)
    assert {finding.level for finding in findings} == {Level.OK}


def test_brokers_settings_that_may_not_be_read_are_a_warning() -> None:
    assert [finding.level for finding in check_cluster(Cluster(3, {}), CONFIG)] == [Level.OK, Level.WARN]


def test_a_transaction_timeout_that_leaves_no_time_for_a_restart_is_a_warning() -> None:
    short = parse_config({"job": {"delivery": "exactly-once", "transaction_timeout_ms": 60_000}})
    levels = {finding.what: finding.level for finding in check_settings(short)}
    assert levels["job.transaction_timeout_ms"] is Level.WARN
    long = parse_config({"job": EXACTLY_ONCE})
    assert Level.WARN not in {finding.level for finding in check_settings(long)}


def test_parallelism_above_its_maximum_fails_and_a_folder_without_a_scheme_is_a_warning() -> None:
    config = parse_config({"job": {"parallelism": 200, "checkpoint_dir": "/data/checkpoints"}})
    levels = {finding.what: finding.level for finding in check_settings(config)}
    assert (levels["job.parallelism"], levels["job.checkpoint_dir"]) == (Level.FAIL, Level.WARN)


def test_addresses_nobody_listens_on_fail_and_ports_that_are_none_are_named() -> None:
    nobody, nonsense = check_addresses(f"127.0.0.1:{free_port()},localhost:kafka")
    assert (nobody.level, nonsense.level) == (Level.FAIL, Level.FAIL)
    assert "cannot be reached" in nobody.detail
    assert "'kafka' is no port" in nonsense.detail
