"""Whether each topic is there and fit for what the job does with it."""

from collections.abc import Iterator, Mapping

from flink_job.config import Config
from kairos.check.finding import Finding, fail, ok, warn
from kairos.contract.spec import LEAST_MAX_RECORD_BYTES, TopicSpec
from kairos.contract.topics import MIN_INSYNC, TOPICS, TopicOnBroker, wrong_settings

_READ_BY_JOB = ("interactions", "feedback", "nudges", "items", "knowledge")
_WRITTEN_BY_JOB = ("pushes", "decisions", "dead-letters")
_SPREAD = ("interactions", "feedback", "nudges")
_ENVELOPE_BYTES = 2_048
"""What a dead letter is larger than the payload it holds, at most: ids, reason, detail, Kafka's own."""


def check_topics(config: Config, found: Mapping[str, TopicOnBroker], brokers: int) -> Iterator[Finding]:
    """``found``: those that exist, by full name."""
    for spec in TOPICS.values():
        name = spec.name(config.kafka.topic_prefix)
        if name not in found:
            yield fail(f"topic {name}", "does not exist", "Run `kairos topics create`.")
            continue
        problems = list(_problems(spec, found[name], config, brokers))
        yield from problems or [ok(f"topic {name}", _in_words(found[name]))]


def _problems(spec: TopicSpec, topic: TopicOnBroker, config: Config, brokers: int) -> Iterator[Finding]:
    what = f"topic {topic.name}"
    yield from _availability(what, topic, brokers)
    yield from _rights(what, spec, topic)
    yield from _settings(what, spec, topic)
    yield from _sizes(what, spec, topic, config)
    if spec.short_name in _SPREAD and topic.partitions < config.job.parallelism:
        yield warn(
            what,
            f"{topic.partitions} partitions for job.parallelism {config.job.parallelism}: some readers have nothing to read",
            "Lower the parallelism, or see docs/topics.md on adding partitions.",
        )


def _availability(what: str, topic: TopicOnBroker, brokers: int) -> Iterator[Finding]:
    least = int(topic.settings.get(MIN_INSYNC, "1"))
    if topic.leaderless:
        yield fail(what, f"{topic.leaderless} of {topic.partitions} partitions have no leader", "Bring the missing broker back.")
    elif topic.replication < least:
        yield fail(
            what,
            f"{topic.replication} copies, but min.insync.replicas {least}: no write with acks=all succeeds",
            "Add copies, or lower min.insync.replicas.",
        )
    elif topic.in_sync < least:
        yield fail(what, f"{topic.in_sync} copies in sync, of {least} that a write needs", "Bring the missing broker back.")
    elif topic.replication == least > 1:
        yield warn(
            what,
            f"{topic.replication} copies and min.insync.replicas {least}: one broker lost stops all writes",
            "Have one copy more than min.insync.replicas: 3 and 2.",
        )
    elif topic.replication == 1 < brokers:
        yield warn(what, "one copy: losing one broker loses records", "Create topics with --replication 3.")


def _rights(what: str, spec: TopicSpec, topic: TopicOnBroker) -> Iterator[Finding]:
    needed = "READ" if spec.short_name in _READ_BY_JOB else "WRITE"
    if topic.rights is not None and needed not in topic.rights:
        yield fail(what, f"this user may not {needed} it", f"Add an ACL that allows {needed} on {topic.name}.")


def _settings(what: str, spec: TopicSpec, topic: TopicOnBroker) -> Iterator[Finding]:
    for name, wanted in wrong_settings(spec, topic):
        detail = f"{name} is {topic.settings.get(name)} instead of {wanted}"
        todo = "Run `kairos topics create --apply-settings`."
        if name == "cleanup.policy":
            lost = "old items and knowledge would vanish" if spec.cleanup_policy == "compact" else "older records of a key would vanish"
            yield fail(what, f"{detail}: {lost}", todo)
        elif name != "max.message.bytes":
            yield warn(what, detail, todo)


def _sizes(what: str, spec: TopicSpec, topic: TopicOnBroker, config: Config) -> Iterator[Finding]:
    allowed = int(topic.settings.get("max.message.bytes", LEAST_MAX_RECORD_BYTES))
    letter = config.limits.dead_letter_payload_bytes + _ENVELOPE_BYTES
    if spec.short_name == "dead-letters" and allowed < letter:
        yield fail(
            what,
            f"max.message.bytes is {allowed}, but a dead letter may have {letter}: the first large one would stop the job",
            "Lower limits.dead_letter_payload_bytes, or run `kairos topics create --apply-settings`.",
        )
    elif allowed < LEAST_MAX_RECORD_BYTES:
        yield warn(
            what,
            f"max.message.bytes is {allowed}: producers batch up to 1 MB, and whole batches would be refused",
            "Run `kairos topics create --apply-settings`.",
        )
    elif spec.short_name in _READ_BY_JOB and allowed < config.limits.max_record_bytes:
        yield warn(
            what,
            f"records up to {config.limits.max_record_bytes} bytes are accepted by the job, but only {allowed} by the topic",
            "Lower limits.max_record_bytes, or raise the topic's max.message.bytes.",
        )


def _in_words(topic: TopicOnBroker) -> str:
    copies = f"{topic.replication} cop{'y' if topic.replication == 1 else 'ies'}"
    return f"{topic.partitions} partitions, {copies}, {topic.settings.get('cleanup.policy')}"
