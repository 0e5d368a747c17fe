"""Options of librdkafka clients that talk to the job's brokers."""

from typing import Any

from gateway.common.settings import ProducerSettings
from kairos.contract.connection import Connection
from kairos.logs.producer import librdkafka_options


def client_options(connection: Connection, client_id: str) -> dict[str, Any]:
    """What every client needs: brokers, security, and who it is in the brokers' logs and quotas. Raises KairosError."""
    return {
        "bootstrap.servers": connection.bootstrap_servers,
        "client.id": client_id,
        "log_level": 0,  # librdkafka would write to stderr itself; what matters comes by error_cb
        **librdkafka_options(connection.properties),
    }


def producer_options(connection: Connection, client_id: str, settings: ProducerSettings, max_record_bytes: int) -> dict[str, Any]:
    """A producer whose acknowledgement means: every in-sync replica has the record, once."""
    return {
        **client_options(connection, client_id),
        "acks": "all",
        "enable.idempotence": True,
        # Kafka's own default for keys, which librdkafka's is not: one user must always be in one partition.
        "partitioner": "murmur2_random",
        "linger.ms": settings.linger_ms,
        "compression.type": settings.compression,
        "delivery.timeout.ms": settings.delivery_timeout_ms,
        # The buffer is bounded by AcknowledgedProducer, which can say no before the first record of a batch; these never bind.
        "queue.buffering.max.messages": settings.max_records + 1,
        "queue.buffering.max.kbytes": 2 * settings.max_bytes // 1024 + 1,
        "message.max.bytes": max(1_000_000, max_record_bytes + 1_000),
    }
