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
    NO_CHANNEL = "the user allows none of the channels"
    FATIGUE = "the user is tired of pushes"
    IN_SESSION = "the user is here; what waited goes out when they have left"
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
    NOT_WORTH_IT = "the best item is worth less than the push costs"
    BETTER_TIME = "a later hour is better for this user"
    AWAITED = "it is not yet time for what this is about"
    OCCASION_OFF = "the policy sends nothing for this occasion"
    BOUGHT_MEANWHILE = "what it was about was bought meanwhile"
    SOLD_OUT_MEANWHILE = "what it was about is sold out or over"
    GONE_MEANWHILE = "what it was about is no longer in the catalogue"
    DEARER_MEANWHILE = "what it was about has become dearer"
    SEEN_MEANWHILE = "the user has just looked at what it was about"
    RETURNED_MEANWHILE = "who was to be won back has come back by themselves"
    LEFT_MEANWHILE = "what it was about was taken out of the cart or off the wish list"
    EXPIRED_NUDGE = "what the nudge was about is over"
    NOTHING_ASKED = "the signal asks for no decision"

    @property
    def metric(self) -> str:
        """Name as in `suppressed.<name>`."""
        return self.name.lower()


BEFORE_THE_GATES = frozenset(
    {
        Reason.DUPLICATE,
        Reason.NOT_A_TRIGGER,
        Reason.STALE_SIGNAL,
        Reason.PENDING,
        Reason.NOTHING_ASKED,
        Reason.AWAITED,
        Reason.OCCASION_OFF,
        Reason.EXPIRED_NUDGE,
        Reason.RETURNED_MEANWHILE,
    }
)
"""Answers for which the gates need not be asked."""

AFTER_SCORING = frozenset(
    {
        Reason.NO_CANDIDATE,
        Reason.BELOW_THRESHOLD,
        Reason.NOT_WORTH_IT,
        Reason.BETTER_TIME,
        Reason.BOUGHT_MEANWHILE,
        Reason.SOLD_OUT_MEANWHILE,
        Reason.GONE_MEANWHILE,
        Reason.DEARER_MEANWHILE,
        Reason.SEEN_MEANWHILE,
        Reason.LEFT_MEANWHILE,
    }
)
"""Answers that took a look at the candidates."""
