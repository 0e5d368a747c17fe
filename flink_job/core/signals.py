"""What reaches the user operator: interactions, feedback, nudges and user updates, as plain values.

They are slotted but not frozen: one is made per event, and a frozen dataclass costs three times as much to make.
The numbers are those of the protobuf contract (a test holds them equal).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

MOST_WORDS, LONGEST_WORD = 16, 32
"""Of the purposes and of the segments of a user: how many are kept, and how many characters of each."""


class InteractionType(IntEnum):
    """What a user can do."""

    VIEW = 1
    CLICK = 2
    SEARCH = 3
    FAVOURITE = 4
    UNFAVOURITE = 5
    CART = 6
    REMOVE_FROM_CART = 7
    CHECKOUT = 8
    PURCHASE = 9
    RETURN = 10
    SHARE = 11
    FOLLOW = 12
    UNFOLLOW = 13
    LIKE = 14
    UNLIKE = 15
    DISLIKE = 16
    COMMENT = 17
    REPLY = 18
    REPOST = 19
    DWELL = 20
    READ_THROUGH = 21
    VIDEO_WATCH = 22
    RATE = 23
    REPORT = 24
    HIDE = 25
    SUBSCRIBE = 26
    UNSUBSCRIBE = 27
    IMPRESSION = 28
    SESSION_START = 29
    SESSION_END = 30
    SIGN_UP = 31


class Outcome(IntEnum):
    """What can become of a push."""

    ACCEPTED = 1
    REJECTED = 2
    DELIVERED = 3
    DISPLAYED = 4
    OPENED = 5
    ACTION_CLICKED = 6
    CONVERTED = 7
    DISMISSED = 8
    CHANNEL_DISABLED = 9
    UNSUBSCRIBED = 10
    TOKEN_INVALID = 11
    EXPIRED = 12
    CANCELLED = 13
    FAILED = 14
    NO_DEVICE = 15
    DUPLICATE = 16
    REPLACED = 17
    RETRYING = 18
    SUBSCRIBED = 19
    REPORTED = 20


class Channel(IntEnum):
    """Over what a push can go."""

    IN_APP = 1
    WEB_PUSH = 2
    FCM = 3
    APNS = 4
    HMS = 5
    WEBHOOK = 6


class Trigger(IntEnum):
    """What can lead to a decision."""

    UNSPECIFIED = 0
    BEHAVIOUR = 1
    ABANDONED_CART = 2
    ABANDONED_FAVOURITE = 3
    PRICE_DROP = 4
    BACK_IN_STOCK = 5
    CREATOR_POSTED = 6
    BREAKING_NEWS = 7
    REPLENISHMENT = 8
    WIN_BACK = 9
    CAMPAIGN = 10
    BEST_TIME = 11
    SOCIAL_REACTION = 12


@dataclass(slots=True)
class Interaction:
    """One thing a user did. `item_id`, zone, country, locale and creator are empty where not told."""

    event_id: str
    kind: int
    at_ms: int
    item_id: str
    time_zone: str
    country: str
    locale: str
    creator_id: str = ""
    """Whom a follow, an unfollow or a hide concerns."""


@dataclass(slots=True)
class Feedback:
    """What became of a push."""

    event_id: str
    command_id: str
    outcome: int
    at_ms: int
    channel: int = 0
    """Over what it went; 0: not told."""


@dataclass(slots=True)
class Nudge:
    """A request to decide now, about one item. `expires_at_ms` 0: no end."""

    event_id: str
    trigger: int
    item_id: str
    at_ms: int
    expires_at_ms: int
    boost: float


@dataclass(slots=True)
class UserUpdate:
    """Facts about a user; None leaves the fact as it was."""

    event_id: str
    at_ms: int
    push_consent: bool | None
    reachable: bool | None
    time_zone: str | None
    country: str | None
    locale: str | None
    erase: bool
    purposes: tuple[str, ...] | None = None
    birth_year: int | None = None
    segments: tuple[str, ...] | None = None
    channels: tuple[int, ...] | None = None
    """All that the user agrees to be reached over."""


Signal = Interaction | Feedback | Nudge | UserUpdate
