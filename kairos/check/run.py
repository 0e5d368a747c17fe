"""All checks in order, each where the one before makes it sensible: there is no use in asking topics of brokers that do not answer."""

from collections.abc import Iterator
from pathlib import Path

from kafka.errors import KafkaError

from flink_job.config import Config, ConfigError, load_config
from kairos.check.brokers import check_addresses, check_cluster, describe_cluster
from kairos.check.finding import Finding, Level, fail, ok, skip
from kairos.check.machine import check_machine
from kairos.check.samples import check_samples
from kairos.check.settings import check_settings
from kairos.check.topics import check_topics
from kairos.contract.clients import open_admin
from kairos.contract.topics import TOPICS, describe_topics
from kairos.errors import KairosError


def run_checks(path: Path | None) -> Iterator[Finding]:
    """Findings as they come; the slowest takes some seconds. Raises nothing that a user can cause."""
    name = str(path) if path else "defaults and environment"
    try:
        config = load_config(path)
    except ConfigError as error:
        for problem in _problems(error):
            yield fail(f"configuration ({name})", problem, "Every key and its default stand in flink_job/config/default.yaml.")
        yield skip("everything else", "it needs a valid configuration")
        return
    yield ok(f"configuration ({name})", "valid")
    yield from check_settings(config)
    yield from check_machine(config)
    addresses = list(check_addresses(config.kafka.bootstrap_servers))
    yield from addresses
    if all(finding.level is Level.FAIL for finding in addresses):
        yield skip("topics", "they need a broker that answers")
        return
    yield from _on_kafka(config)


def _on_kafka(config: Config) -> Iterator[Finding]:
    kafka = config.kafka
    try:
        with open_admin(kafka.bootstrap_servers, kafka.properties) as admin:
            cluster = describe_cluster(admin)
            topics = describe_topics(admin, [spec.name(kafka.topic_prefix) for spec in TOPICS.values()])
    except KairosError as error:
        yield fail("Kafka", error.message, error.hint)
        return
    except KafkaError as error:
        yield fail("Kafka", str(error), "Check kafka.properties: security protocol, user and rights.")
        return
    yield from check_cluster(cluster, config)
    yield from check_topics(config, topics, cluster.brokers)
    if len(topics) < len(TOPICS):
        yield skip("newest records", "some topics are missing")
        return
    try:
        yield from check_samples(config)
    except (KafkaError, KairosError) as error:
        yield fail("newest records", f"cannot be read: {error}", "The user needs READ on the job's input topics.")


def _problems(error: ConfigError) -> list[str]:
    """The message is a sentence and one line a key, or a sentence alone."""
    lines = [line.strip().removeprefix("- ") for line in str(error).splitlines()]
    return lines[1:] or lines
