"""Kafka clients for tools, opened with the same settings as the job's.

The configuration has one set of client properties, in Kafka's own (Java) names, because the job's connector takes those.
kafka-python has other names, so what concerns the *connection* is translated; what tunes the job's own reading and writing
(``fetch.min.bytes``, ``linger.ms``, …) is left to the job.

*Contract*: raises ``KairosError`` when a connection property cannot be translated, and when no broker answers.

>>> python_options({"security.protocol": "SASL_SSL", "linger.ms": "0"})
{'security_protocol': 'SASL_SSL'}
"""

import re
from collections.abc import Mapping
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from kairos.errors import USAGE_ERROR, KairosError

_SAME_BUT_DOTS = {"security.protocol", "sasl.mechanism", "client.id", "sasl.kerberos.service.name"}
_PEM_FILES = {
    "ssl.truststore.location": ("ssl_cafile", "ssl.truststore.type"),
    "ssl.keystore.location": ("ssl_certfile", "ssl.keystore.type"),
}
_READ_ELSEWHERE = {"ssl.truststore.type", "ssl.keystore.type", "ssl.endpoint.identification.algorithm"}
_JAAS_OPTION = re.compile(r'\b(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"')
_JAAS_LOGIN = re.compile(r"\.(Plain|Scram)LoginModule\s")
BOOTSTRAP_TIMEOUT_MS = 10_000


def open_admin(bootstrap_servers: str, properties: Mapping[str, str] | None = None) -> KafkaAdminClient:
    """A client to create and describe topics; a context manager."""
    return _open(KafkaAdminClient, bootstrap_servers, properties, {})


def open_consumer(bootstrap_servers: str, properties: Mapping[str, str] | None = None, **options: Any) -> KafkaConsumer:
    """A consumer; ``options`` are kafka-python's."""
    return _open(KafkaConsumer, bootstrap_servers, properties, options)


def open_producer(bootstrap_servers: str, properties: Mapping[str, str] | None = None, **options: Any) -> KafkaProducer:
    """A producer whose partitioner is Kafka's default (murmur2), which all producers of these topics must share."""
    return _open(KafkaProducer, bootstrap_servers, properties, options)


def python_options(properties: Mapping[str, str]) -> dict[str, Any]:
    """Connection properties in Kafka's names, as kafka-python's options."""
    options: dict[str, Any] = {}
    for name, value in properties.items():
        if name in _SAME_BUT_DOTS:
            options[name.replace(".", "_")] = value
        elif name == "sasl.jaas.config":
            options |= _credentials(value)
        elif name == "ssl.key.password":
            options["ssl_password"] = value
        elif name in _PEM_FILES:
            option, type_name = _PEM_FILES[name]
            _require_pem(name, type_name, properties)
            options[option] = value
        elif name.startswith(("ssl.", "sasl.")) and name not in _READ_ELSEWHERE:
            raise _untranslatable(name, "has no counterpart in the Python client")
    if properties.get("ssl.endpoint.identification.algorithm") == "":
        options["ssl_check_hostname"] = False
    return options


def _open(client: Any, bootstrap_servers: str, properties: Mapping[str, str] | None, options: dict[str, Any]) -> Any:
    settings = {"bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS, **python_options(properties or {}), **options}
    try:
        return client(bootstrap_servers=bootstrap_servers.split(","), **settings)
    except (KafkaError, OSError) as error:
        raise KairosError(
            f"No Kafka broker answers at {bootstrap_servers} ({error}).",
            "Start one (`kairos kafka start`), or correct kafka.bootstrap_servers and the security settings in kafka.properties.",
        ) from error


def _credentials(jaas: str) -> dict[str, str]:
    found = dict(_JAAS_OPTION.findall(jaas))
    if not _JAAS_LOGIN.search(jaas) or found.keys() != {"username", "password"}:
        raise _untranslatable("sasl.jaas.config", "is no Plain or Scram login with username and password")
    return {f"sasl_plain_{name}": value.replace('\\"', '"') for name, value in found.items()}


def _require_pem(name: str, type_name: str, properties: Mapping[str, str]) -> None:
    if properties.get(type_name, "JKS").upper() != "PEM":
        raise _untranslatable(name, f"names a store that is not PEM ({type_name} is not PEM)")


def _untranslatable(name: str, why: str) -> KairosError:
    return KairosError(
        f"kafka.properties.{name} {why}.",
        "Use PEM stores, and SASL PLAIN or SCRAM, which the job and the tools both read; or run this tool with a --config of its own.",
        exit_code=USAGE_ERROR,
    )
