"""Policies on the knowledge topic: what was released, and another release.

*Contract*: raises ``KairosError`` when the brokers do not answer, the topic is missing or the record is refused. Reads without a consumer
group and commits nothing.
"""

from dataclasses import dataclass

from kafka.errors import KafkaError

from flink_job.codec.errors import DecodeError
from flink_job.codec.knowledge import PolicyDecoder, PolicyRelease, PolicyWithdrawal, encode_release, policy_key
from flink_job.releases import Releases
from kairos.contract.clients import open_producer
from kairos.contract.connection import Connection
from kairos.contract.reading import read_to_end
from kairos.errors import KairosError

_WRITE_TIMEOUT_S = 30.0
_ANY_TIME_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record was written."""

    topic: str
    partition: int
    offset: int


def read_releases(there: Connection, policy_id: str, now_ms: int) -> Releases:
    """What is to be followed of this policy, now and later, as a job that reads the whole topic would see it.

    Records that are no release are passed over, as the job does. The topic is read to its end: keys cannot be looked up in Kafka.
    """
    own = policy_key(policy_id)
    decoder = PolicyDecoder(max_record_bytes=1 << 30, max_id_bytes=1 << 30)
    releases = Releases()
    for record in read_to_end(there, "knowledge"):
        key = (record.key or b"").decode(errors="replace")
        if key != own and not key.startswith(f"{own}/"):
            continue
        try:
            change = decoder.decode(key, record.value, record.timestamp, _ANY_TIME_MS)
        except DecodeError:
            continue
        if isinstance(change, PolicyWithdrawal):
            releases = releases.without(key)
        elif not releases.newer_than(change):
            releases = releases.with_release(change, now_ms)
    return releases


def publish(there: Connection, release: PolicyRelease) -> Place:
    """Writes it, and waits until all copies have it."""
    return write(there, release.key, encode_release(release))


def withdraw(there: Connection, key: str) -> Place:
    """Takes back what was released under this key: jobs follow the policy they were configured with."""
    return write(there, key, None)


def write(there: Connection, key: str, value: bytes | None) -> Place:
    """Writes a record of the knowledge topic, and waits until all copies have it."""
    topic = there.topic("knowledge")
    with open_producer(there.bootstrap_servers, there.properties, acks="all", allow_auto_create_topics=False) as producer:
        try:
            written = producer.send(topic, key=key.encode(), value=value).get(timeout=_WRITE_TIMEOUT_S)
        except KafkaError as error:
            raise KairosError(
                f"{topic} does not take the record ({error}).", "Run `kairos check`: it tells what the topic lacks."
            ) from error
    return Place(written.topic, written.partition, written.offset)
