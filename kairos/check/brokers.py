"""Whether brokers answer, and what they allow."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from flink_job.config import Config
from kairos.check.finding import Finding, fail, ok, warn

_CONNECT_TIMEOUT_S = 3.0
_DEFAULT_PORT = 9092


@dataclass(frozen=True, slots=True)
class Cluster:
    """``settings`` are one broker's; empty if the user may not read them."""

    brokers: int
    settings: dict[str, str]


def check_addresses(bootstrap_servers: str) -> Iterator[Finding]:
    """One finding an address; a FAIL only if none can be reached."""
    answers = {address.strip(): _connect(address.strip()) for address in bootstrap_servers.split(",")}
    reached = any(problem is None for problem in answers.values())
    for address, problem in answers.items():
        what = f"broker {address}"
        if problem is None:
            yield ok(what, "accepts connections")
        elif reached:
            yield warn(what, problem, "Correct or remove it in kafka.bootstrap_servers; the others are enough to begin with.")
        else:
            yield fail(what, problem, "Start a broker (`kairos kafka start`), or correct kafka.bootstrap_servers.")


def describe_cluster(admin: KafkaAdminClient) -> Cluster:
    """Raises kafka-python's errors."""
    brokers = [str(broker["broker_id"]) for broker in admin.describe_cluster()["brokers"]]
    try:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, brokers[0])], config_filter="all")
    except KafkaError:  # the right to see the brokers' settings is not a common one
        return Cluster(len(brokers), {})
    settings = found.get("broker", {}).get(brokers[0], {})
    return Cluster(len(brokers), {name: str(value["value"]) for name, value in settings.items()})


def check_cluster(cluster: Cluster, config: Config) -> Iterator[Finding]:
    """What the brokers and topics say to this configuration."""
    yield ok("Kafka cluster", f"{cluster.brokers} broker{'s' if cluster.brokers > 1 else ''}")
    if not cluster.settings:
        yield warn(
            "brokers' settings",
            "this user may not read them, so they were not checked",
            "Allow DescribeConfigs on the cluster for a full check.",
        )
        return
    if cluster.settings.get("auto.create.topics.enable") == "true":
        yield warn(
            "auto.create.topics.enable",
            "a misspelt topic is created instead of refused, with one partition and the wrong retention",
            "Set it to false on the brokers.",
        )
    if config.job.delivery == "exactly-once":
        yield _transaction_timeout(cluster.settings, config.job.transaction_timeout_ms)
        yield _transaction_log(cluster)


def _transaction_timeout(settings: dict[str, str], wanted_ms: int) -> Finding:
    allowed_ms = int(settings.get("transaction.max.timeout.ms", "900000"))
    if wanted_ms <= allowed_ms:
        return ok("transaction.max.timeout.ms", f"the brokers allow {allowed_ms}, the job asks for {wanted_ms}")
    return fail(
        "transaction.max.timeout.ms",
        f"the brokers allow {allowed_ms}, but job.transaction_timeout_ms is {wanted_ms}: the job's sink could not start",
        f"Lower job.transaction_timeout_ms to {allowed_ms}, or raise the brokers' limit.",
    )


def _transaction_log(cluster: Cluster) -> Finding:
    copies = int(cluster.settings.get("transaction.state.log.replication.factor", "3"))
    if copies > cluster.brokers:
        return fail(
            "transaction.state.log.replication.factor",
            f"{copies} copies with {cluster.brokers} broker(s): no transaction can begin",
            "Set it, and transaction.state.log.min.isr, to at most the number of brokers.",
        )
    if copies == 1 < cluster.brokers:
        return warn(
            "transaction.state.log.replication.factor",
            "one copy: losing one broker loses what transactions there are",
            "Set it to 3, and transaction.state.log.min.isr to 2.",
        )
    return ok("transaction.state.log.replication.factor", f"{copies} of {cluster.brokers} broker(s)")


def _connect(address: str) -> str | None:
    """What is wrong with it; ``None`` if somebody accepts connections there."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", str(_DEFAULT_PORT))
    if not port.isdigit():
        return f"{port!r} is no port"
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_S):
            return None
    except OSError as error:
        return f"cannot be reached: {error.strerror or error}"
