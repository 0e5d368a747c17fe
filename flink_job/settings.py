"""What the operator is given: plain values, made once from the configuration, that travel to the TaskManagers."""

from __future__ import annotations

from dataclasses import dataclass, field

from flink_job import __version__
from flink_job.config import Config
from flink_job.core.rules import LearningRules, Rules


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Everything the engines need to know."""

    rules: Rules
    learning: LearningRules
    feature_dim: int
    max_record_bytes: int
    max_id_bytes: int
    max_age_ms: int
    max_future_ms: int
    dead_letter_payload_bytes: int
    dead_letter_share: float
    dead_letter_sample: int
    pushes_topic: str
    decisions_topic: str
    dead_letters_topic: str
    items_topic: str
    item_signals_topic: str
    knowledge_topic: str
    nudges_topic: str
    warm_up_timeout_ms: int
    warm_up_retry_ms: int
    user_ttl_days: int
    item_ttl_days: int
    state_cache_users: int
    state_cache_items: int
    shared_ends: dict[str, int] = field(default_factory=dict)
    """`topic/partition` → offset after the last item and the last knowledge that were there when the job was submitted."""
    producer: str = f"kairos/{__version__}"


def engine_settings(config: Config, shared_ends: dict[str, int] | None = None) -> EngineSettings:
    """The engine's slice of the configuration."""
    limits = config.limits
    return EngineSettings(
        rules=config.policy,
        learning=config.learning,
        feature_dim=config.catalogue.feature_dim,
        max_record_bytes=limits.max_record_bytes,
        max_id_bytes=limits.max_id_bytes,
        max_age_ms=limits.max_age_ms,
        max_future_ms=limits.max_future_ms,
        dead_letter_payload_bytes=limits.dead_letter_payload_bytes,
        dead_letter_share=limits.dead_letter_share,
        dead_letter_sample=limits.dead_letter_sample,
        pushes_topic=config.topic("pushes"),
        decisions_topic=config.topic("decisions"),
        dead_letters_topic=config.topic("dead-letters"),
        items_topic=config.topic("items"),
        item_signals_topic=config.topic("item-signals"),
        knowledge_topic=config.topic("knowledge"),
        nudges_topic=config.topic("nudges"),
        warm_up_timeout_ms=config.catalogue.warm_up_timeout_ms,
        warm_up_retry_ms=config.catalogue.warm_up_retry_ms,
        user_ttl_days=config.job.user_ttl_days,
        item_ttl_days=config.job.item_ttl_days,
        state_cache_users=config.job.state_cache_users,
        state_cache_items=config.job.state_cache_items,
        shared_ends=shared_ends or {},
    )
