"""``docs/topics.md``: the file of topics, for people. Generated, so that it cannot say anything else."""

from collections.abc import Iterable, Mapping

from kairos.contract.spec import TopicSpec

_HEAD = """\
<!-- Generated from kairos/contract/topics.yaml by `kairos topics document`. Edit that file, not this one. -->
# Topics

Names below are without the prefix (`kafka.topic_prefix`, `kairos.` by default): `items` is `kairos.items` on the broker.
`kairos topics create` makes them all, `kairos topics list` shows what a cluster has, `kairos check` says what does not fit.
"""

_TAIL = """\
## Keys and partitions

A key is the UTF-8 bytes of the field named above: no quotes, no JSON, no schema-registry header. The job keys its own streams
anew, so the *job* is right whatever the partition. The partition matters for order: records of one user stay in order only if all
producers put them into the same partition. So **all producers use Kafka's default partitioner, murmur2 of the key bytes**:

| producer | what to set |
|---|---|
| Java, Kafka Streams, Flink | nothing: it is the default |
| kafka-python | nothing: it is the default |
| librdkafka (confluent-kafka for Python, Go, .NET; node-rdkafka) | `partitioner=murmur2_random`: the default, `consistent_random`, is CRC-32 |
| Sarama (Go) | its murmur2 partitioner, or a custom one with that hash: the default is FNV-1a |

**Adding partitions** to a topic moves keys: for a while, older records of a user lie in one partition and newer ones in another,
and may be read out of order. Kairos bears that (its state does not depend on the order, and signals are idempotent by id), a
consumer of `pushes` must bear it too. Compacted topics should keep their number: the old version of an item stays in the old
partition and both are read; `updated_at_ms` and `made_at_ms` decide then, and a tombstone in one partition does not delete the
record in the other.

## Sizes

`max_record_bytes` is Kafka's `max.message.bytes`, which the broker compares with a whole *batch* after compression. Producers
batch up to 1 MB by default (librdkafka) or by their `batch.size`, so nothing below 1 MiB is safe whatever the size of one record.
What one record may weigh is the job's to say (`limits.max_record_bytes`): a larger one becomes a dead letter.
A producer of `knowledge` that sends models needs `max.request.size` (Java) or `message.max.bytes` (librdkafka) of 4 MiB as well.

## Time stamps

Topics keep the producer's time stamp (`message.timestamp.type=CreateTime`): a signal without a time of its own takes it. Kafka
deletes by these time stamps, so a log that is replayed with its old ones is deleted soon after it was written; `kairos replay`
shifts it to now. Brokers refuse records stamped more than an hour ahead of their clock
(`message.timestamp.after.max.ms`, one hour by default in Kafka 4).

## Copies

`kairos topics create` takes the cluster's default replication factor unless `--replication` gives one. For production: three
copies and `min.insync.replicas=2`. The brokers' own `__transaction_state` needs the same for exactly-once delivery.

## Who may do what

Each topic has few writers, which makes access lists short: applications write `interactions`, delivery writes `feedback`, the
catalogue feed writes `items`, the job reads all inputs and writes the rest, in exactly-once mode with transactional ids that start
with the job's prefix.
"""


def topics_document(topics: Mapping[str, TopicSpec]) -> str:
    """The whole page."""
    return "\n".join([_HEAD, _table(topics.values()), *(_section(spec) for spec in topics.values()), _TAIL])


def _table(specs: Iterable[TopicSpec]) -> str:
    rows = [
        f"| [{spec.short_name}](#{spec.short_name}) | `{spec.message}` | {_key(spec)} | {spec.partitions} | {_kept(spec)} |"
        for spec in specs
    ]
    return "\n".join(["| topic | message | key | partitions | kept |", "|---|---|---|---|---|", *rows, ""])


def _section(spec: TopicSpec) -> str:
    settings = ", ".join(f"`{name}={value}`" for name, value in spec.settings.items())
    return "\n".join(
        [
            f"## {spec.short_name}\n",
            f"{spec.why}\n",
            f"* written by: {', '.join(spec.written_by)}",
            f"* read by: {', '.join(spec.read_by)}",
            f"* settings: {settings}\n",
        ]
    )


def _key(spec: TopicSpec) -> str:
    return f"`{spec.key}`" if spec.key else spec.key_format.replace("<", "&lt;").replace(">", "&gt;")


def _kept(spec: TopicSpec) -> str:
    if spec.cleanup_policy == "compact":
        return f"newest per key (deletions {_days(spec.tombstone_days)})"
    return _days(spec.retention_days)


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
