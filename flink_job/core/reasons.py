"""Why nothing was sent, one name for each reason: in metrics, in the decision log and in words."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """The value is what a person reads."""

    __hash__ = object.__hash__  # members are singletons; Enum's own hash runs Python code for every lookup

    DUPLICATE = "this event was seen before"
    NOT_A_TRIGGER = "this kind of event leads to no push"
    STALE_SIGNAL = "the event is too old to act on at once; decided again with the present time"
    PENDING = "a wake-up is already waiting and will decide"
    OPTED_OUT = "the user wants no pushes"
    UNREACHABLE = "the user has no device to reach"
    HOLDOUT = "the user belongs to the holdout that gets no pushes"
    DELAY = "this kind of event is answered after a delay"
    MIN_GAP = "the last push was too short a time ago"
    CAP = "as many pushes as allowed were sent in this window"
    COOL_DOWN = "the user dismissed a push lately"
    QUIET_HOURS = "it is night where the user is"
    SCORED_LATELY = "the user was looked at a moment ago and nothing was good enough"
    WARM_UP = "the catalogue has not been read to its end yet"
    NO_CANDIDATE = "no item may be sent to this user now"
    BELOW_THRESHOLD = "no item is good enough"
    EXPIRED_NUDGE = "what the nudge was about is over"
    NOTHING_ASKED = "the signal asks for no decision"

    @property
    def metric(self) -> str:
        """Name as in `suppressed.<name>`."""
        return self.name.lower()
