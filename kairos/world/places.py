"""Where users live: zone, country and language, with the share of the population.

The places are spread round the globe so that at any hour somebody is awake, and hold the awkward zones on purpose: half hours
(Kolkata), three quarters (Kathmandu), southern summer time (Sydney, Auckland), none (Tokyo, Lagos). The shares are an assumption.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Place:
    """One home of many users."""

    time_zone: str
    country: str
    locale: str
    share: float


PLACES = (
    Place("Europe/London", "GB", "en-GB", 0.12),
    Place("Europe/Berlin", "DE", "de-DE", 0.12),
    Place("Europe/Paris", "FR", "fr-FR", 0.08),
    Place("Europe/Madrid", "ES", "es-ES", 0.06),
    Place("America/New_York", "US", "en-US", 0.13),
    Place("America/Los_Angeles", "US", "en-US", 0.08),
    Place("America/Sao_Paulo", "BR", "pt-BR", 0.10),
    Place("Asia/Kolkata", "IN", "en-IN", 0.08),
    Place("Asia/Kathmandu", "NP", "ne-NP", 0.02),
    Place("Asia/Tokyo", "JP", "ja-JP", 0.08),
    Place("Australia/Sydney", "AU", "en-AU", 0.05),
    Place("Pacific/Auckland", "NZ", "en-NZ", 0.02),
    Place("Africa/Lagos", "NG", "en-NG", 0.06),
)
_ZONES = tuple(ZoneInfo(place.time_zone) for place in PLACES)


def utc_offsets_ms(at_ms: int) -> NDArray[np.int64]:
    """What to add to UTC at this moment, (n_places,), in milliseconds."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    offsets = (moment.astimezone(zone).utcoffset() for zone in _ZONES)
    return np.array([0 if offset is None else int(offset.total_seconds() * 1000) for offset in offsets], np.int64)
