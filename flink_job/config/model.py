"""The configuration as a typed tree. Defaults are not here: `default.yaml` has all of them, each with its unit."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flink_job.core.rules import Rules
from flink_job.core.rules.learning import LearningRules

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9._-]+$")]

_LARGEST = 1 << 53
"""Times and weights beyond this leave the 64-bit integers and 32-bit floats that states and timers are made of."""


TopicName = Literal["interactions", "feedback", "nudges", "items", "item-signals", "knowledge", "pushes", "decisions", "dead-letters"]


class Section(BaseModel):
    """Base of every section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaConfig(Section):
    """Where the topics are and how to read and write them."""

    bootstrap_servers: Annotated[str, Field(min_length=1)]
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$")]
    group_id: Name
    start_from: Literal["earliest", "latest", "committed"]
    fetch_max_wait_ms: NotNegative
    linger_ms: NotNegative
    properties: dict[str, str]


class JobConfig(Section):
    """How the job runs on Flink."""

    name: Annotated[str, Field(min_length=1)]
    parts: Annotated[list[Literal["decide", "learn"]], Field(min_length=1)]
    parallelism: Positive
    max_parallelism: Annotated[int, Field(gt=0, le=32768)]
    execution_mode: Literal["thread", "process"]
    delivery: Literal["at-least-once", "exactly-once"]
    transaction_prefix: Name
    transaction_timeout_ms: Positive
    checkpoint_interval_ms: Positive
    checkpoint_dir: str
    state_backend: Literal["hashmap", "rocksdb"]
    user_ttl_days: Positive
    item_ttl_days: Positive
    state_cache_users: NotNegative
    state_cache_items: NotNegative
    buffer_timeout_ms: NotNegative
    bundle_size: Positive
    bundle_time_ms: Positive
    restart_attempts: Positive
    restart_backoff_ms: Positive
    restart_max_backoff_ms: Positive
    restart_calm_ms: Positive
    connectors: str

    @model_validator(mode="after")
    def _transactions_outlive_checkpoints(self) -> JobConfig:
        if self.delivery == "exactly-once" and self.transaction_timeout_ms < 2 * self.checkpoint_interval_ms:
            raise ValueError(
                "transaction_timeout_ms: must be at least twice checkpoint_interval_ms, or transactions are aborted and pushes lost"
            )
        return self

    @model_validator(mode="after")
    def _backoff_grows(self) -> JobConfig:
        if self.restart_max_backoff_ms < self.restart_backoff_ms:
            raise ValueError("restart_max_backoff_ms: must be at least restart_backoff_ms, which it grows from")
        return self


class CatalogueConfig(Section):
    """The catalogue in the operator's memory."""

    feature_dim: Annotated[int, Field(gt=0, le=1024)]
    warm_up_timeout_ms: NotNegative
    warm_up_retry_ms: Positive


class LimitsConfig(Section):
    """What a record may be, and what becomes of those that are not."""

    max_record_bytes: Positive
    max_id_bytes: Positive
    max_age_ms: Positive
    max_future_ms: NotNegative
    dead_letter_payload_bytes: NotNegative
    dead_letter_share: Annotated[float, Field(gt=0, le=1)]
    dead_letter_sample: Positive


class PolicyDocument(Section):
    """A document with a policy, whole: what the configuration must hold, and every release of a policy that is laid over it."""

    policy: Rules
    learning: LearningRules

    @model_validator(mode="after")
    def _numbers_can_be_kept(self) -> PolicyDocument:
        for name, value in _numbers("policy", asdict(self.policy)):
            if abs(value) > _LARGEST:
                raise ValueError(f"{name}: must be at most {_LARGEST} (2⁵³), not {value}")
        return self

    @model_validator(mode="after")
    def _zones_exist(self) -> PolicyDocument:
        quiet = self.policy.gates.quiet_hours
        for key, name in (
            ("default_zone", quiet.default_zone),
            *((f"zone_of_country.{key}", name) for key, name in quiet.zone_of_country.items()),
        ):
            try:
                ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                near = difflib.get_close_matches(name, available_timezones(), n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ValueError(f"policy.gates.quiet_hours.{key}: there is no time zone {name!r}{hint}") from error
        return self


class Config(PolicyDocument):
    """Everything that can be set."""

    kafka: KafkaConfig
    job: JobConfig
    catalogue: CatalogueConfig
    limits: LimitsConfig

    def topic(self, name: TopicName) -> str:
        """Full name of a topic."""
        return self.kafka.topic_prefix + name


def _numbers(name: str, part: object) -> Iterator[tuple[str, float]]:
    """Every number in a document, with its dotted name."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _numbers(f"{name}.{key}", value)
    elif isinstance(part, list | tuple):
        for place, value in enumerate(part):
            yield from _numbers(f"{name}.{place}", value)
    elif isinstance(part, int | float):
        yield name, part
