"""Tables of the job, from DDL files: where records come from and go to can be changed without touching code."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from flink_job.config import Config, ConfigError

TABLES = ("signals", "shared", "lessons", "outputs")


def table_ddl(config: Config, table: str) -> str:
    """The `CREATE TABLE` of a table with the configuration filled in. Raises ConfigError."""
    folder = Path(config.job.connectors)
    source = folder if folder.is_dir() else files("flink_job").joinpath("ddl", config.job.connectors)
    try:
        text = source.joinpath(f"{table}.sql").read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"job.connectors: there is no {table}.sql in {config.job.connectors!r}") from error
    try:
        return Template(text).substitute(_values(config))
    except (KeyError, ValueError) as error:
        raise ConfigError(f"job.connectors: {table}.sql names the unknown placeholder {error}") from error


def _values(config: Config) -> dict[str, str]:
    kafka, job = config.kafka, config.job
    committed = kafka.start_from == "committed"
    return {
        "interactions": config.topic("interactions"),
        "feedback": config.topic("feedback"),
        "nudges": config.topic("nudges"),
        "items": config.topic("items"),
        "knowledge": config.topic("knowledge"),
        "item_signals": config.topic("item-signals"),
        "pushes": config.topic("pushes"),
        "decisions": config.topic("decisions"),
        "dead_letters": config.topic("dead-letters"),
        "bootstrap_servers": kafka.bootstrap_servers,
        "group_id": kafka.group_id,
        "startup_mode": "group-offsets" if committed else f"{kafka.start_from}-offset",
        "offset_reset": "earliest" if committed else kafka.start_from,
        "fetch_max_wait_ms": str(kafka.fetch_max_wait_ms),
        "linger_ms": str(kafka.linger_ms),
        "properties": "\n  ".join(f"'properties.{key}' = {_quoted(value)}," for key, value in kafka.properties.items()),
        "delivery": job.delivery,
        "transaction_prefix": job.transaction_prefix,
        "transaction_timeout_ms": str(job.transaction_timeout_ms),
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
