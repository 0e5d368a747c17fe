"""Which brokers and topics a tool talks to: the configuration's, unless the command line says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flink_job.config import Config, ConfigError, load_config
from kairos.errors import USAGE_ERROR, KairosError


@dataclass(frozen=True, slots=True)
class Connection:
    """Addresses, client properties (Kafka's names) and the prefix of all topic names."""

    bootstrap_servers: str
    prefix: str
    properties: Mapping[str, str]

    def topic(self, short_name: str) -> str:
        """Full name of a topic."""
        return self.prefix + short_name


def resolve_connection(config: Path | None, bootstrap_servers: str | None = None, prefix: str | None = None) -> Connection:
    """From the configuration file (or the defaults); what is given here wins. Raises ``KairosError``."""
    kafka = read_config(config).kafka
    return Connection(
        bootstrap_servers=bootstrap_servers or kafka.bootstrap_servers,
        prefix=kafka.topic_prefix if prefix is None else prefix,
        properties=kafka.properties,
    )


def read_config(path: Path | None) -> Config:
    """The configuration; raises ``KairosError`` with every key that is wrong."""
    try:
        return load_config(path)
    except ConfigError as error:
        sentence = str(error)
        hint = "Every key and its default stand in flink_job/config/default.yaml."
        raise KairosError(sentence[:1].upper() + sentence[1:], hint, exit_code=USAGE_ERROR) from error
