"""What goes into the world and what comes out of it, as plain immutable values.

Out of ``World.step`` come ``Interaction``, ``Feedback`` and ``ItemChange``; ``Push`` goes in by ``World.deliver``. The first
two are tuples, because a world makes hundreds of thousands of them in a second and a frozen dataclass costs three times as much.

All times are milliseconds since the epoch, UTC. Numbers of the enumerations are those of the protobuf contract (a test says so).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from flink_job.core.signals import InteractionType, Outcome

CURRENCY = "EUR"
NEVER_MS = (1 << 62) - 1
"""Later than anything that happens."""


class Scenario(IntEnum):
    """The kinds of application."""

    SHOP = 1
    NEWS = 2
    SOCIAL = 3


class Platform(IntEnum):
    """The devices people use here."""

    WEB_DESKTOP = 1
    ANDROID = 3
    IOS = 4


class Channel(IntEnum):
    """Over what a push goes, by the platform of the device."""

    WEB_PUSH = 2
    FCM = 3
    APNS = 4


class Urgency(IntEnum):
    """How long an item can wait."""

    LOW = 1
    NORMAL = 2
    HIGH = 3
    BREAKING = 4


CHANNEL_OF = {Platform.WEB_DESKTOP: Channel.WEB_PUSH, Platform.ANDROID: Channel.FCM, Platform.IOS: Channel.APNS}


@dataclass(frozen=True, slots=True)
class Profile:
    """What every event of a user tells of them. Tastes are not in it: nobody but the world knows them."""

    user_id: str
    device_id: str
    platform: Platform
    locale: str
    time_zone: str
    country: str


class Interaction(NamedTuple):
    """One thing a user did. Empty text and zero mean that the field does not apply."""

    event_id: str
    profile: Profile
    type: InteractionType
    occurred_at_ms: int
    scenario: Scenario
    item_id: str
    quantity: float
    value: float
    query: str
    creator_id: str
    dwell_ms: int
    completion: float
    session_id: str
    order_id: str
    command_id: str


class Feedback(NamedTuple):
    """What became of one push."""

    feedback_id: str
    profile: Profile
    command_id: str
    outcome: Outcome
    occurred_at_ms: int
    item_id: str
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A new version of one item, whole. ``deleted``: it is gone, and the rest is its last state."""

    item_id: str
    updated_at_ms: int
    deleted: bool
    scenario: Scenario
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    title: str
    summary: str
    price: float | None
    list_price: float | None
    stock: int | None
    valid_from_ms: int
    valid_until_ms: int
    published_at_ms: int
    creator_id: str
    urgency: Urgency
    consumable: bool
    replenish_after_ms: int


@dataclass(frozen=True, slots=True)
class Push:
    """What the world needs to know of a push command. Times that do not apply are 0."""

    command_id: str
    user_id: str
    item_ids: tuple[str, ...]
    not_before_ms: int = 0
    expires_at_ms: int = 0
    dry_run: bool = False
    silent: bool = False


class Delivery(IntEnum):
    """What ``World.deliver`` did with a push."""

    SCHEDULED = 1
    DUPLICATE = 2
    REFUSED = 3


WorldEvent = Interaction | Feedback | ItemChange
