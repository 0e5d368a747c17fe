"""Creating topics on a real broker."""

import re

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from kairos.contract.clients import open_admin
from kairos.contract.topics import TOPICS, describe_topics, ensure_topics
from kairos.errors import KairosError
from kairos.local.kafka import EmbeddedKafka
from kairos.local.ports import free_port

pytestmark = pytest.mark.kafka


def test_all_topics_are_made_as_the_contract_says(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    outcomes = ensure_topics(kafka.bootstrap_servers, topic_prefix)
    assert all(outcome.created and not outcome.differences for outcome in outcomes)
    with open_admin(kafka.bootstrap_servers) as admin:
        found = describe_topics(admin, [spec.name(topic_prefix) for spec in TOPICS.values()])
    assert {name: topic.partitions for name, topic in found.items()} == {
        spec.name(topic_prefix): spec.partitions for spec in TOPICS.values()
    }
    items = found[f"{topic_prefix}items"]
    assert items.settings["cleanup.policy"] == "compact"
    assert items.replication == 1


def test_a_second_run_creates_nothing_and_finds_no_difference(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1)
    again = ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=1)
    assert not any(outcome.created or outcome.differences for outcome in again)


def test_what_differs_is_told_and_left_alone_until_it_is_asked_for(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    items = TOPICS["items"]
    name = items.name(topic_prefix)
    ensure_topics(kafka.bootstrap_servers, topic_prefix, partitions=2, topics=[items])
    with open_admin(kafka.bootstrap_servers) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"cleanup.policy": "delete"})])

    (told,) = ensure_topics(kafka.bootstrap_servers, topic_prefix, topics=[items])
    assert told.differences == ("2 partitions instead of 4", "cleanup.policy is delete instead of compact")

    (put_right,) = ensure_topics(kafka.bootstrap_servers, topic_prefix, topics=[items], apply_settings=True)
    assert put_right.altered == ("cleanup.policy=compact",)
    assert put_right.differences == ("2 partitions instead of 4",)


def test_more_copies_than_brokers_is_an_error_that_names_the_topic(kafka: EmbeddedKafka, topic_prefix: str) -> None:
    with pytest.raises(KairosError, match=f"Topic {re.escape(topic_prefix)}.* cannot be created: .*only 1 broker"):
        ensure_topics(kafka.bootstrap_servers, topic_prefix, replication=3)


def test_no_broker_is_an_error_that_names_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kairos.contract.clients.BOOTSTRAP_TIMEOUT_MS", 300)
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(KairosError, match=address):
        ensure_topics(address)
