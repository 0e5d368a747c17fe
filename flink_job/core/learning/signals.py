"""What the user operator tells the item operator, as plain values.

A signal has `keys`: everybody that learns from it. The numbers of the enumerations are those of the protobuf contract (a test holds them equal).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

MOST_WORDINGS = 6
"""Templates that one round tells of."""


MOST_SEGMENTS = 2
"""Of a user's segments so many, the first, are learned from and asked for what is popular there."""


class PushStage(IntEnum):
    """How far a push got."""

    SENT = 1
    OPENED = 2
    CONVERTED = 3
    DISMISSED = 4
    OPTED_OUT = 5


class WatchReason(IntEnum):
    """Why somebody waits."""

    CART = 1
    FAVOURITE = 2
    SUBSCRIBED = 3
    FOLLOWED = 4


@dataclass(slots=True)
class Visit:
    """What one visit dealt with since it was last told of, as columns, oldest first.

    `ratings`: how strongly the user dealt with each. `rating_sums`: its norm as the teller knew it, 0: unknown. The first `told` were told
    before: they only count for what is new to go with them.
    """

    item_ids: list[str]
    ratings: list[float]
    at_ms: list[int]
    rating_sums: list[float]
    told: int = 0


@dataclass(slots=True)
class PushOutcome:
    """What became of a push that was sent at `sent_at_ms`; `slot` is the hour of week of sending, 0..167, -1: unknown."""

    item_id: str
    category: str
    stage: int
    trigger: int
    sent_at_ms: int
    slot: int = -1
    propensity: float = 0.0


@dataclass(slots=True)
class Watch:
    """A user waits for a change of an item or for what a creator publishes; no `reasons`: no longer. One of the two ids is empty."""

    user_id: str
    item_id: str
    creator_id: str
    reasons: tuple[int, ...]


@dataclass(slots=True)
class VisitHour:
    """A visit that is over began in `slot`, the hour of week, 0..167; the signal's time is its beginning."""

    slot: int


@dataclass(slots=True)
class Posted:
    """A creator published an item."""

    item_id: str
    creator_id: str
    published_at_ms: int


@dataclass(slots=True)
class WordingRound:
    """A push was sent with one of several wordings at `sent_at_ms`, or (`stage`) it was opened.

    Columns of 2 to `MOST_WORDINGS`, the chosen one first.
    """

    template_ids: list[str]
    propensities: list[float]
    """With which probability each could have been chosen, in (0, 1]."""
    stage: int
    sent_at_ms: int


ItemSignalBody = Visit | PushOutcome | Watch | Posted | WordingRound | VisitHour


@dataclass(slots=True)
class ItemSignal:
    """One thing to learn from. `keys`: see the functions below."""

    signal_id: str
    keys: tuple[str, ...]
    at_ms: int
    country: str
    body: ItemSignalBody
    segments: tuple[str, ...] = ()
    """Of the user, where the item learns by them."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Those in which an item's popularity is kept besides over all."""
        segments = tuple([group_of_segment(name) for name in self.segments]) if self.segments else ()
        return (self.country, *segments) if self.country else segments


ITEM, CREATOR, SEGMENT, WORDING = "item/", "creator/", "segment/", "wording/"
PRICE_OF_ALL = "price/all"
"""Key under which the price of every push is told; nobody learns under it."""
KEY_SEPARATOR = "\n"
"""Between the keys of one record; an id that holds it cannot be learned about."""


def item_key(item_id: str) -> str:
    """Key under which an item learns."""
    return ITEM + item_id


def creator_key(creator_id: str) -> str:
    """Key under which a creator's followers are kept."""
    return CREATOR + creator_id


def segment_key(country: str) -> str:
    """Key under which a segment learns."""
    return SEGMENT + country


def group_of_segment(name: str) -> str:
    """What a segment of users is called among the groups in which popularity is kept; a country is called by its two letters."""
    return SEGMENT + name


def wording_key(template_id: str) -> str:
    """Key under which a template of messages learns."""
    return WORDING + template_id
