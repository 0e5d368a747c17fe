"""The words for whatever the decision log names: reasons, gates, occasions, rules, outcomes. The one place where the tools take them from.

What a reason says stands with the reasons themselves (``flink_job.core.reasons``). Names that a newer job writes are shown as they are.
"""

from flink_job.core.reasons import Reason
from kairos.v1.decision_pb2 import VERDICT_DEFERRED, Decision
from kairos.v1.feedback_pb2 import Outcome
from kairos.v1.signal_pb2 import Trigger

NOT_HELD_BACK = frozenset({Reason.DUPLICATE, Reason.NOT_A_TRIGGER, Reason.NOTHING_ASKED})
"""Reasons that concern the signal, not the user: nobody would have expected a push."""

ECHOES = frozenset({Reason.PENDING, Reason.SCORED_LATELY})
"""Reasons that point at another decision, taken or to be taken."""

NEVER_BY_ITSELF = {
    Reason.OPTED_OUT: "when they want pushes again",
    Reason.UNREACHABLE: "when they have a device again",
    Reason.NO_CHANNEL: "when they allow a channel again",
    Reason.HOLDOUT: "when another holdout is drawn",
}
"""Reasons that no hour ends, and what does."""

GATES = {
    Reason.OPTED_OUT: "they want pushes",
    Reason.UNREACHABLE: "they have a device",
    Reason.NO_CHANNEL: "they allow one of the channels",
    Reason.MIN_GAP: "the last push is long enough ago",
    Reason.CAP: "there is room under the caps",
    Reason.COOL_DOWN: "no push was dismissed lately",
    Reason.FATIGUE: "they are not tired of pushes",
    Reason.IN_SESSION: "they are not here just now, or this answers what they did",
    Reason.HOLDOUT: "they are not in the holdout",
    Reason.SCORED_LATELY: "it is not a moment ago that nothing was good enough",
    Reason.QUIET_HOURS: "it is not their night",
}
"""What an open gate says; what a closed one says is its reason."""

TRIGGERS = {
    Trigger.TRIGGER_UNSPECIFIED: "no reason given",
    Trigger.TRIGGER_BEHAVIOUR: "fits what they do now",
    Trigger.TRIGGER_ABANDONED_CART: "left in the cart",
    Trigger.TRIGGER_ABANDONED_FAVOURITE: "left on the wish list",
    Trigger.TRIGGER_PRICE_DROP: "became cheaper",
    Trigger.TRIGGER_BACK_IN_STOCK: "back in stock",
    Trigger.TRIGGER_CREATOR_POSTED: "somebody they follow published",
    Trigger.TRIGGER_BREAKING_NEWS: "breaking news",
    Trigger.TRIGGER_REPLENISHMENT: "probably used up",
    Trigger.TRIGGER_WIN_BACK: "has been away for long",
    Trigger.TRIGGER_CAMPAIGN: "a campaign",
    Trigger.TRIGGER_BEST_TIME: "the best time for it had come",
    Trigger.TRIGGER_SOCIAL_REACTION: "somebody reacted to their post",
}

AHEAD = {
    "best_time": "the best of the coming hours, chosen ahead",
    "win_back": "one try to win them back",
}
"""What a wake-up is for that nothing was put off to."""

RULES = {
    "bought": "they have bought it",
    "disliked": "they disliked, hid or reported it",
    "seen": "they have just looked at it",
    "sent_before": "it was sent to them lately",
    "category_cap": "enough of its category were sent lately",
    "creator_cap": "enough by its maker were sent lately",
    "stopped": "too many who got it dismissed it or left",
    "purpose": "they did not agree to what it is for",
    "country": "it is not for their country",
    "language": "it is not in their language",
    "age": "they are not known to be old enough",
    "sensitivity": "they did not agree to its themes",
    "segment": "it is for other segments",
    "sold_out": "it is sold out or over",
    "gone": "it is no longer in the catalogue",
}
"""Why an item may not be sent."""

OUTCOMES = {
    Outcome.OUTCOME_UNSPECIFIED: "nothing known",
    Outcome.OUTCOME_ACCEPTED: "taken by the provider",
    Outcome.OUTCOME_REJECTED: "refused by the provider",
    Outcome.OUTCOME_DELIVERED: "delivered",
    Outcome.OUTCOME_DISPLAYED: "shown",
    Outcome.OUTCOME_OPENED: "opened",
    Outcome.OUTCOME_ACTION_CLICKED: "a button pressed",
    Outcome.OUTCOME_CONVERTED: "converted",
    Outcome.OUTCOME_DISMISSED: "dismissed",
    Outcome.OUTCOME_CHANNEL_DISABLED: "muted",
    Outcome.OUTCOME_UNSUBSCRIBED: "pushes switched off",
    Outcome.OUTCOME_TOKEN_INVALID: "address no longer valid",
    Outcome.OUTCOME_EXPIRED: "too late to deliver",
    Outcome.OUTCOME_CANCELLED: "taken back",
    Outcome.OUTCOME_FAILED: "failed",
    Outcome.OUTCOME_NO_DEVICE: "no device",
    Outcome.OUTCOME_DUPLICATE: "dropped as a repetition",
    Outcome.OUTCOME_REPLACED: "replaced by a newer one",
    Outcome.OUTCOME_RETRYING: "failed, to be tried again",
    Outcome.OUTCOME_SUBSCRIBED: "pushes switched on",
    Outcome.OUTCOME_REPORTED: "reported as spam",
}


def percent_words(share: float, digits: int = 0) -> str:
    """Of a part of 1.

    >>> percent_words(0.0263, 1)
    '2.6 %'
    """
    return f"{100 * share:.{digits}f} %"


def reason_of(name: str) -> Reason | None:
    """The reason of this name, as in the log; None if this program knows none."""
    return Reason.__members__.get(name.upper())


def reason_words(name: str) -> str:
    """Of a reason, which is also what a closed gate says."""
    reason = reason_of(name)
    return reason.value if reason else name.replace("_", " ")


def waits_for_words(decision: Decision) -> str:
    """Of the wake-up that was set with a decision: what it waits for."""
    return reason_words(decision.reason) if decision.verdict == VERDICT_DEFERRED else "an hour that was chosen ahead"


def never_by_itself_words(name: str) -> str:
    """What ends a reason that no hour ends."""
    reason = reason_of(name)
    return NEVER_BY_ITSELF.get(reason, "when that has changed") if reason else "when that has changed"


def gate_words(name: str) -> str:
    """Of an open gate."""
    reason = reason_of(name)
    return (GATES.get(reason) if reason else None) or name.replace("_", " ")


def trigger_words(number: int) -> str:
    """Of what led to a decision."""
    return TRIGGERS.get(number, f"trigger {number}")  # type: ignore[call-overload, no-any-return]  # protobuf's own enumeration


def wake_up_words(name: str) -> str:
    """Of what a wake-up waits for: a reason for which something was put off, or what was chosen ahead."""
    return AHEAD.get(name) or reason_words(name)


def rule_words(name: str) -> str:
    """Of the rule that forbids an item."""
    return RULES.get(name, name.replace("_", " "))


def outcome_words(number: int) -> str:
    """Of what became of a push."""
    return OUTCOMES.get(number, f"outcome {number}")  # type: ignore[call-overload, no-any-return]  # as above
