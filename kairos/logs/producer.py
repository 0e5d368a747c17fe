"""A producer for high rates: librdkafka, idempotent, with the partitioner that every producer of these topics shares.

*Contract*: a context manager; leaving it waits until everything is written. Raises ``KairosError`` when records were refused or the
brokers do not answer for ``_DELIVERY_TIMEOUT_MS``.
"""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, Message, Producer

from kairos.contract.clients import python_options
from kairos.errors import KairosError

_DELIVERY_TIMEOUT_MS = 60_000
_QUEUED_RECORDS = 200_000
_NAMES = {
    "security_protocol": "security.protocol",
    "sasl_mechanism": "sasl.mechanism",
    "sasl_plain_username": "sasl.username",
    "sasl_plain_password": "sasl.password",
    "sasl_kerberos_service_name": "sasl.kerberos.service.name",
    "client_id": "client.id",
    "ssl_cafile": "ssl.ca.location",
    "ssl_password": "ssl.key.password",
}


class RecordProducer:
    """Sends many small records. ``client_id``: who writes, as it stands in the broker's logs and quotas."""

    def __init__(self, bootstrap_servers: str, client_id: str, properties: Mapping[str, str] | None = None) -> None:
        self._failed = 0
        self._first_error: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "client.id": client_id,
                "acks": "all",
                "enable.idempotence": True,
                # Kafka's own default for keys, which librdkafka's is not: one user must always be in one partition.
                "partitioner": "murmur2_random",
                "linger.ms": 2,
                "queue.buffering.max.messages": _QUEUED_RECORDS,
                "delivery.timeout.ms": _DELIVERY_TIMEOUT_MS,
                "delivery.report.only.error": True,
                "on_delivery": self._refused,
                "log_level": 0,
                **librdkafka_options(properties or {}),
            }
        )

    def send(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Queues ``(key, value)`` pairs; waits while the queue is full."""
        produce = self._producer.produce
        for key, value in records:
            while True:
                try:
                    produce(topic, value, key)
                    break
                except BufferError:
                    self._producer.poll(0.05)
                    self._raise_if_failed()
        self._producer.poll(0)
        self._raise_if_failed()

    def flush(self) -> None:
        """Returns when the brokers have everything."""
        while self._producer.flush(1.0):
            self._raise_if_failed()
        self._raise_if_failed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.flush()
        else:
            # After Ctrl-C what is queued still goes out, but nobody waits a minute for brokers that are gone.
            self._producer.flush(5.0)

    def _refused(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failed += 1
            self._first_error = self._first_error or error

    def _raise_if_failed(self) -> None:
        if self._first_error is not None:
            raise KairosError(
                f"Kafka did not take {self._failed} record(s): {self._first_error.str()}.",
                "Check that the brokers are up and the topics exist (`kairos topics list`).",
            )


class Discard:
    """Makes every record and sends none: for checking a mapping, and for measuring what comes before Kafka."""

    def send(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:  # noqa: ARG002 - a sink's
        """Exhausts ``records``."""
        for _record in records:
            pass

    def flush(self) -> None:
        """Nothing is waiting."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass


def librdkafka_options(properties: Mapping[str, str]) -> dict[str, Any]:
    """Connection properties in Kafka's names, as librdkafka's.

    >>> librdkafka_options({"security.protocol": "SSL", "ssl.truststore.type": "PEM", "ssl.truststore.location": "ca.pem"})
    {'security.protocol': 'SSL', 'ssl.ca.location': 'ca.pem'}
    """
    options: dict[str, Any] = {}
    for name, value in python_options(properties).items():
        if name in _NAMES:
            options[_NAMES[name]] = value
        elif name == "ssl_certfile":  # a PEM key store holds both
            options |= {"ssl.certificate.location": value, "ssl.key.location": value}
        elif name == "ssl_check_hostname" and not value:
            options["ssl.endpoint.identification.algorithm"] = "none"
    return options
