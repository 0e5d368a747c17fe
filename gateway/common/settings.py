"""Settings of the edge: defaults, then the user's file, then the environment; errors name every key that is wrong.

One file may serve all programs of the edge: each reads the shared sections and its own, and leaves the others' alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from flink_job.config import Config, ConfigError
from flink_job.config.load import Document, in_words, laid_over, parse_document, refusal
from flink_job.config.model import NotNegative, Positive, Section
from kairos.contract.connection import Connection, read_config
from kairos.errors import USAGE_ERROR, KairosError

ENVIRONMENT_PREFIX = "KAIROS_EDGE__"
PARTS = ("collector", "delivery", "page")
"""Sections that belong to one program each; `gateway/<part>/default.yaml` has their defaults."""

_WHERE_A_SECRET_IS = r"^$|^env:[A-Za-z_][A-Za-z0-9_]*$|^file:.+$"
SecretSource = Annotated[str, Field(pattern=_WHERE_A_SECRET_IS)]


class AuthSettings(Section):
    """Who may speak."""

    api_keys: SecretSource
    token_secrets: SecretSource
    token_public_keys: SecretSource
    audience: Annotated[str, Field(min_length=1)]
    max_token_lifetime_s: Positive
    leeway_s: NotNegative


class PseudonymSettings(Section):
    """Whether user ids are replaced."""

    keys: SecretSource


class LogSettings(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["json", "text"]


class ProducerSettings(Section):
    """How records are written, and how many may wait."""

    linger_ms: NotNegative
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"]
    max_records: Positive
    max_bytes: Positive
    delivery_timeout_ms: Positive
    reply_timeout_ms: Positive
    poll_interval_ms: Positive
    probe_interval_ms: Positive

    @model_validator(mode="after")
    def _records_linger_less_than_they_live(self) -> ProducerSettings:
        if self.delivery_timeout_ms <= self.linger_ms:
            raise ValueError("delivery_timeout_ms: must be more than linger_ms")
        return self


class EdgeSettings(Section):
    """The shared sections. A program's own settings add one section to them."""

    job: str
    auth: AuthSettings
    pseudonyms: PseudonymSettings
    log: LogSettings
    producer: ProducerSettings


T = TypeVar("T", bound=EdgeSettings)


def load_settings(model: type[T], part: str, path: Path | None, environment: Mapping[str, str] | None = None) -> T:
    """Settings of one program (`part`; empty: the shared sections alone). Raises KairosError with every key that is wrong."""
    try:
        return _load(model, part, path, os.environ if environment is None else environment)
    except ConfigError as error:
        sentence = str(error)
        hint = "Every key and its default stand in gateway/common/default.yaml and in default.yaml of the program's own folder."
        raise KairosError(sentence[:1].upper() + sentence[1:], hint, exit_code=USAGE_ERROR) from error


def job_config(settings: EdgeSettings, path: Path | None) -> Config:
    """The job's configuration that the settings at `path` name: brokers, topic names, limits. Raises KairosError."""
    if not settings.job:
        return read_config(None)
    return read_config((path.parent if path else Path()) / settings.job)


def connection(job: Config, bootstrap_servers: str | None = None, prefix: str | None = None) -> Connection:
    """Where the topics are; what is given here wins over the job's configuration."""
    return Connection(
        bootstrap_servers=bootstrap_servers or job.kafka.bootstrap_servers,
        prefix=job.kafka.topic_prefix if prefix is None else prefix,
        properties=job.kafka.properties,
    )


def default_document(part: str) -> Document:
    """The shared defaults and those of one program; of none if `part` is empty."""
    shared = parse_document(files("gateway.common").joinpath("default.yaml").read_text(encoding="utf-8"), "default.yaml")
    if not part:
        return shared
    own = parse_document(files(f"gateway.{part}").joinpath("default.yaml").read_text(encoding="utf-8"), "default.yaml")
    return {**shared, **own}


def _load(model: type[T], part: str, path: Path | None, environment: Mapping[str, str]) -> T:
    default = default_document(part)
    problems: list[str] = []
    merged = laid_over(default, _without_others(_read(path), part), (), problems)
    for name, text in sorted(environment.items()):
        keys = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        if not name.startswith(ENVIRONMENT_PREFIX) or (keys[0] in PARTS and keys[0] != part):
            continue
        found: list[str] = []
        merged = laid_over(merged, _from_variable(text, keys, default, found), (), found)
        problems += [f"{problem} (from the environment variable {name})" for problem in found]
    if problems:
        raise refusal(problems)
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        # without its cause: that has every value that was given
        raise refusal([in_words(_without_secret(detail)) for detail in error.errors()]) from None


def _without_secret(detail: ErrorDetails) -> dict[str, Any]:
    """Whoever wrote a secret where its place belongs is not shown it again: it would stand in a log."""
    if detail.get("ctx", {}).get("pattern") != _WHERE_A_SECRET_IS:
        return dict(detail)
    return {**detail, "msg": "a secret is named by where it is, env:NAME or file:PATH, never written here", "input": {}}


def _read(path: Path | None) -> Document:
    if path is None:
        return {}
    try:
        return parse_document(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error


def _without_others(document: Document, part: str) -> Document:
    return {key: value for key, value in document.items() if key not in PARTS or key == part}


def _from_variable(text: str, keys: list[str], default: Document, problems: list[str]) -> Document:
    """A document with one value: as it stands where a text belongs, else read as YAML."""
    known: Any = default
    for key in keys:
        known = known.get(key) if isinstance(known, dict) else None
    value: Any = text
    if not isinstance(known, str):
        try:
            value = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError):
            problems.append(f"{'.'.join(keys)}: is not YAML")
            return {}
    for key in reversed(keys):
        value = {key: value}
    return dict(value)
