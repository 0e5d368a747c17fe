"""The topics of Kairos: what they should be (``TOPICS``), what they are on a cluster, and making the one the other.

>>> list(TOPICS)[:3]
['interactions', 'feedback', 'nudges']

*Contract*: ``ensure_topics`` may be run again and by several programs at once; it never changes or deletes what is there
unless ``apply_settings`` asks for it, and never the number of partitions (that moves keys). Raises ``KairosError``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from kairos.contract.clients import open_admin
from kairos.contract.spec import TopicSpec, load_topics
from kairos.errors import KairosError

TOPICS: dict[str, TopicSpec] = load_topics()
DEFAULT_PREFIX = "kairos."
MIN_INSYNC = "min.insync.replicas"


@dataclass(frozen=True, slots=True)
class TopicOnBroker:
    """One topic as a cluster has it.

    ``replication`` and ``in_sync`` are those of its worst partition; ``settings`` those the contract speaks of, and
    ``min.insync.replicas``; ``rights`` what this user may do (READ, WRITE, …), ``None`` if the brokers do not tell.
    """

    name: str
    partitions: int
    replication: int
    in_sync: int
    leaderless: int
    settings: dict[str, str]
    rights: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class TopicOutcome:
    """What ``ensure_topics`` did about one topic, and what it left different from the contract."""

    name: str
    created: bool
    altered: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


def ensure_topics(
    bootstrap_servers: str,
    prefix: str = DEFAULT_PREFIX,
    properties: Mapping[str, str] | None = None,
    partitions: int | None = None,
    *,
    replication: int | None = None,
    apply_settings: bool = False,
    topics: Sequence[TopicSpec] | None = None,
) -> list[TopicOutcome]:
    """Creates what is missing and waits until every partition has a leader.

    ``partitions`` overrides every topic's own number (for tests and one-machine set-ups); ``replication`` the cluster's
    default; ``apply_settings`` brings the settings of existing topics in line.
    """
    wanted = list(topics if topics is not None else TOPICS.values())
    with open_admin(bootstrap_servers, properties) as admin:
        before = describe_topics(admin, [spec.name(prefix) for spec in wanted])
        missing = [spec for spec in wanted if spec.name(prefix) not in before]
        created = _create(admin, missing, prefix, partitions, replication)
        altered = _apply_settings(admin, wanted, before, prefix) if apply_settings else {}
        after = describe_topics(admin, [spec.name(prefix) for spec in wanted])
    return [
        TopicOutcome(
            name=spec.name(prefix),
            created=spec.name(prefix) in created,
            altered=altered.get(spec.name(prefix), ()),
            differences=differences(spec, after[spec.name(prefix)], partitions),
        )
        for spec in wanted
    ]


def describe_topics(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, TopicOnBroker]:
    """Those of ``names`` that exist."""
    try:
        answers = admin.describe_topics(list(names)) if names else []
        found = [topic for topic in answers if topic["error_code"] != UnknownTopicOrPartitionError.errno]
        for topic in found:
            if topic["error_code"] == TopicAuthorizationFailedError.errno:
                raise KairosError(f"This user may not Describe topic {topic['name']}.", "Add an ACL that allows Describe on it.")
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic["name"]) for topic in found]
        settings = admin.describe_configs(resources, config_filter="all").get("topic", {}) if resources else {}
    except KafkaError as error:
        raise KairosError(f"The topics cannot be described: {error}.", "The user may lack the right to Describe them.") from error
    return {topic["name"]: _on_broker(topic, settings[topic["name"]]) for topic in found}


def differences(spec: TopicSpec, found: TopicOnBroker, partitions: int | None = None) -> tuple[str, ...]:
    """In words, where a topic is not as the contract says."""
    wanted = partitions or spec.partitions
    said = [] if found.partitions == wanted else [f"{found.partitions} partitions instead of {wanted}"]
    return (*said, *(f"{name} is {found.settings.get(name)} instead of {value}" for name, value in wrong_settings(spec, found)))


def wrong_settings(spec: TopicSpec, found: TopicOnBroker) -> list[tuple[str, str]]:
    """Setting and the value it should have, of those that differ."""
    return [(name, value) for name, value in spec.settings.items() if found.settings.get(name) != value]


def _create(admin: KafkaAdminClient, specs: Sequence[TopicSpec], prefix: str, partitions: int | None, replication: int | None) -> set[str]:
    if not specs:
        return set()
    requests = {
        spec.name(prefix): {
            "num_partitions": partitions or spec.partitions,
            "replication_factor": replication or -1,  # -1: what the cluster has as its default
            "configs": spec.settings,
        }
        for spec in specs
    }
    try:
        results = admin.create_topics(requests, raise_errors=False)["topics"]
        failures = {result["name"]: result for result in results if result["error_code"] != 0}
        lost_race = {name for name, result in failures.items() if result["error_code"] == TopicAlreadyExistsError.errno}
        for name in failures.keys() - lost_race:
            raise _creation_error(failures[name])
        admin.wait_for_topics(list(requests))
    except KafkaError as error:
        raise KairosError(f"The topics cannot be created: {error}.") from error
    return requests.keys() - lost_race


def _creation_error(result: dict[str, Any]) -> KairosError:
    reason = result.get("error_message") or for_code(result["error_code"]).__name__
    return KairosError(
        f"Topic {result['name']} cannot be created: {reason}",
        "Check the user's right to Create, and that the replication factor is at most the number of brokers.",
    )


def _apply_settings(
    admin: KafkaAdminClient, specs: Sequence[TopicSpec], found: Mapping[str, TopicOnBroker], prefix: str
) -> dict[str, tuple[str, ...]]:
    wrong = {spec.name(prefix): dict(wrong_settings(spec, found[spec.name(prefix)])) for spec in specs if spec.name(prefix) in found}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, settings) for name, settings in wrong.items() if settings]
    if resources:
        try:
            results = admin.alter_configs(resources)["topic"]
        except KafkaError as error:
            raise KairosError(f"The topics' settings cannot be changed: {error}.") from error
        for name, result in results.items():
            if result != "OK":
                raise KairosError(f"The settings of topic {name} cannot be changed: {result}.", "The user may lack AlterConfigs.")
    return {name: tuple(f"{setting}={value}" for setting, value in settings.items()) for name, settings in wrong.items()}


def _on_broker(topic: dict[str, Any], configs: dict[str, dict[str, Any]]) -> TopicOnBroker:
    spoken_of = {name for spec in TOPICS.values() for name in spec.settings} | {MIN_INSYNC}
    partitions = topic["partitions"]
    rights = topic.get("authorized_operations")
    return TopicOnBroker(
        name=topic["name"],
        partitions=len(partitions),
        replication=min((len(partition["replica_nodes"]) for partition in partitions), default=0),
        in_sync=min((len(partition["isr_nodes"]) for partition in partitions), default=0),
        leaderless=sum(partition["leader_id"] < 0 for partition in partitions),
        settings={name: str(configs[name]["value"]) for name in sorted(spoken_of & configs.keys())},
        rights=frozenset(rights) if rights else None,
    )
