"""The collector's settings, typed. Defaults are in `default.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flink_job.config.model import Positive, Section
from gateway.common.settings import EdgeSettings

Origin = Annotated[str, Field(pattern=r"^\*$|^https?://[^/\s]+$")]


class CollectorLimits(Section):
    """What a request may be, and how many there may be."""

    body_bytes: Positive
    enveloped_bytes: Positive
    batch_records: Positive
    depth: Positive
    requests_per_minute: Positive
    records_per_minute: Positive
    user_requests_per_minute: Positive
    user_records_per_minute: Positive
    concurrent_requests: Positive
    body_timeout_ms: Positive


class CollectorSection(Section):
    """What only the collector reads."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=0, le=65535)]
    cors_origins: list[Origin]
    unknown_fields: Literal["refuse", "ignore"]
    make_features: bool
    limits: CollectorLimits
    retry_after_s: Positive
    shutdown_timeout_ms: Positive


class CollectorSettings(EdgeSettings):
    """All that the collector reads."""

    collector: CollectorSection
