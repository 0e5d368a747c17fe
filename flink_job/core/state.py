"""What is kept of one user between events, as a value in memory; `flink_job.codec.state` makes bytes of it.

Bounded in every part: the policy's `memory` says how many of each are kept, and the oldest go first. Columns of the same prefix belong together
row by row, oldest first.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

IN_CART, FAVOURITE, BOUGHT, DISLIKED, SUBSCRIBED = 1, 2, 4, 8, 16
"""Bits of `recent_flags`."""

DECIDED, DELIVERED, OPENED, CONVERTED, DISMISSED, FAILED = range(6)
"""Values of `sent_status`."""


EVERY = -1
"""In place of a scenario: the interest is of no one in particular. So it is of a new user, and in states from before there was one for each."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Interest of one scenario, (2, dim + 1), as in `UserState.interest`, and its landmark."""

    sums: Floats
    at_ms: int


@dataclass(slots=True)
class PendingWake:
    """A decision that waits for its moment."""

    due_ms: int
    reason: str
    cause_id: str
    caused_at_ms: int
    trigger: int
    item_key: int
    boost: float
    expires_at_ms: int = 0
    """Worthless from then on; 0: no end."""
    planned_key: int = 0
    """The item it would have been when it was put off; 0: none yet."""
    planned_price: float = 0.0
    """The price of the item it is about, when that was known first; 0: unknown, or it is about none."""


def _keys() -> array[int]:
    return array("Q")


def _times() -> array[int]:
    return array("q")


def _labels() -> array[int]:
    return array("i")


def _bytes() -> array[int]:
    return array("B")


def _floats() -> array[float]:
    return array("f")


@dataclass(slots=True)
class UserState:
    """One user. The operator that loads it owns it; the core changes it in place (copies would cost more than the decision)."""

    interest: Floats
    """(2, dim + 1): short and long decayed sums Σ w·[F, 1]; the last column is the mass Σ |w|. Of the scenario that was dealt with last."""
    first_seen_ms: int = 0
    last_signal_ms: int = 0
    signals: int = 0
    decisions: int = 0
    interest_at_ms: int = 0
    """The landmark L of `interest`."""
    interest_of: int = EVERY
    """The scenario of `interest`; 0: of items that have none."""
    interest_elsewhere: dict[int, Sums] = field(default_factory=dict)
    """Of the other scenarios that the user has dealt with."""
    recent_item: array[int] = field(default_factory=_keys)
    recent_at_ms: array[int] = field(default_factory=_times)
    recent_weight: array[float] = field(default_factory=_floats)
    recent_flags: array[int] = field(default_factory=_bytes)
    unfolded_item: array[int] = field(default_factory=_keys)
    unfolded_at_ms: array[int] = field(default_factory=_times)
    unfolded_weight: array[float] = field(default_factory=_floats)
    seen_events: bytes = b""
    """8 bytes each, oldest first."""
    sent_at_ms: array[int] = field(default_factory=_times)
    sent_item: array[int] = field(default_factory=_keys)
    sent_command: array[int] = field(default_factory=_keys)
    sent_status: array[int] = field(default_factory=_bytes)
    sent_trigger: array[int] = field(default_factory=_bytes)
    sent_category: array[int] = field(default_factory=_labels)
    sent_creator: array[int] = field(default_factory=_labels)
    sent_template: array[int] = field(default_factory=_labels)
    """`flink_job.core.index.labels`, in these three; 0: none."""
    bought_item: array[int] = field(default_factory=_keys)
    bought_at_ms: array[int] = field(default_factory=_times)
    pending: PendingWake | None = None
    dismissed_at_ms: int = 0
    dismissals: int = 0
    opted_out: bool = False
    unreachable: bool = False
    consent_at_ms: int = 0
    reachable_at_ms: int = 0
    context_at_ms: int = 0
    """Of the newest change of the three below."""
    time_zone: str = ""
    country: str = ""
    locale: str = ""
    scored_at_ms: int = 0
    activity_slot: array[int] = field(default_factory=_bytes)
    activity: array[float] = field(default_factory=_floats)
    """Visits by the slot they fell in, ascending by slot: sums Σ 2^((t_k − L) / half-life)."""
    outcome_slot: array[int] = field(default_factory=_bytes)
    outcomes: array[float] = field(default_factory=_floats)
    """Sends, opens, conversions by the slot of sending, 3 for each: such sums too."""
    slots_at_ms: int = 0
    """The landmark L of both."""
    visit_at_ms: int = 0
    """Of the newest visit, which counts when the next one begins."""
    active_at_ms: int = 0
    """Of the newest interaction."""
    fatigue: float = 0.0
    fatigue_at_ms: int = 0
    followed: array[int] = field(default_factory=_keys)
    """Creators, oldest first."""
    purposes: tuple[str, ...] | None = None
    """What pushes may be for; None: the user was not asked."""
    birth_year: int = 0
    segments: tuple[str, ...] = ()
    purposes_at_ms: int = 0
    birth_year_at_ms: int = 0
    segments_at_ms: int = 0
    """Of the newest word on each of the three above."""
    channels_off: int = 0
    """Bit k: the user does not want to be reached over channel k."""
    channel_at_ms: bytes = b""
    """Of the newest word on each channel, int64, channel 1 first; empty: nothing was told of any."""
    open_rounds: bytes = b""
    """Choices of wordings of the newest pushes that were not opened yet; `flink_job.core.wordings` reads them."""
    told_until_ms: int = 0
    """What was done until then has been told to the item operator."""


def new_user(feature_dim: int, now_ms: int) -> UserState:
    """A user of whom nothing is known."""
    return UserState(np.zeros((2, feature_dim + 1), np.float32), first_seen_ms=now_ms, last_signal_ms=now_ms, interest_at_ms=now_ms)
