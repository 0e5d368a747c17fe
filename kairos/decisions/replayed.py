"""One logged decision beside what another policy would have decided: what off-policy estimates are made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Replayed:
    """Both policies met the same user in the same state, with the same candidates; nothing is carried over to the next decision.

    ``item_id`` and ``command_id`` are those of the push that was logged, empty where none was sent; to send nothing now is an action too, with
    probability 1 or 0. A verdict is ``sent``, ``suppressed`` or ``deferred``, a reason as in the log, empty for ``sent``.
    """

    user_id: str
    decision_id: str
    command_id: str
    decided_at_ms: int
    trigger: str
    item_id: str
    logged_verdict: str
    logged_reason: str
    target_verdict: str
    target_reason: str
    target_item_id: str
    """What the target's own draw falls on, empty if it would send nothing."""
    logged_propensity: float
    """Probability with which the logging policy chose as it did."""
    target_propensity: float
    """Probability with which the target would have chosen the same: that item, or to send nothing."""
    logged_utility: float
    """Expectation over the logging policy's choices of the utility by its own reckoning; 0 where it sent nothing."""
    target_utility: float
    """The same of the target by its own."""
    logged_value: float
    """P(open)·P(convert | open) of the logged item by the logging policy's model; 0 where nothing was sent, and without utility."""
    target_value: float
    """Expectation over the target's choices of that same value; 0 if it would send nothing."""
    log_rate: float
    """Share of such decisions that can be taken again: each stands for ``1 / log_rate``."""
