"""The page's settings, typed. Defaults are in `default.yaml`."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from flink_job.config.model import NotNegative, Positive, Section
from gateway.common.settings import EdgeSettings

Url = Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]
Word = Annotated[str, Field(min_length=1, max_length=100)]


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("there is no such time zone")
    return name


Zone = Annotated[str, AfterValidator(_zone)]


class PersonSettings(Section):
    """Whom one can be on the page."""

    id: Word
    name: Word
    time_zone: Zone
    locale: Word
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class PageSection(Section):
    """What only the page reads."""

    host: Word
    port: Annotated[int, Field(ge=0, le=65535)]
    collector_url: Url
    gateway_url: Url
    flink_url: Annotated[str, Field(pattern=r"^$|^https?://[^/\s]+$")]
    token_minutes: Positive
    lookback_ms: NotNegative
    users: Positive
    per_user: Positive
    feed_items: Positive
    furthest_ms: Positive
    counts_every_ms: Positive
    people: Annotated[list[PersonSettings], Field(min_length=1)]


class PageSettings(EdgeSettings):
    """All that the page reads."""

    page: PageSection
