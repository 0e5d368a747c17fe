"""What became of a command, as a value, and as the record that the job reads.

The id of a report is a function of what it says, so saying it again after a crash is harmless: the job knows feedback by its id.
"""

import hashlib
from dataclasses import dataclass
from functools import cache

from kairos.v1 import feedback_pb2
from kairos.v1.feedback_pb2 import Feedback

ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Report:
    """One outcome of one command, or of a user (SUBSCRIBED and UNSUBSCRIBED need no command)."""

    user_id: str
    command_id: str
    outcome: int
    at_ms: int
    channel: int = feedback_pb2.CHANNEL_UNSPECIFIED
    platform: int = 0
    device_id: str = ""
    provider_code: str = ""
    reason: str = ""
    attempt: int = 0
    provider_message_id: str = ""
    item_id: str = ""
    value: float = 0.0
    currency: str = ""
    action_id: str = ""
    device_at_ms: int = 0
    once: str = ""
    """Tells reports apart that are the same but for it: the client's own id of a purchase, the place of a repeated command."""

    @property
    def feedback_id(self) -> str:
        """32 hexadecimal characters; neither time nor wording goes into them."""
        parts = (
            self.user_id,
            self.command_id,
            _name(self.outcome),
            self.device_id,
            str(self.attempt) if self.outcome == feedback_pb2.OUTCOME_RETRYING else "",
            self.action_id,
            self.once,
        )
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=ID_BYTES).hexdigest()

    def feedback(self) -> Feedback:
        """The record."""
        return Feedback(
            feedback_id=self.feedback_id,
            user_id=self.user_id,
            command_id=self.command_id,
            outcome=self.outcome,  # type: ignore[arg-type]
            occurred_at_ms=self.at_ms,
            device_at_ms=self.device_at_ms,
            item_id=self.item_id,
            value=self.value,
            currency=self.currency,
            channel=self.channel,  # type: ignore[arg-type]
            platform=self.platform,  # type: ignore[arg-type]
            device_id=self.device_id,
            provider_code=self.provider_code,
            reason=self.reason,
            action_id=self.action_id,
            attempt=self.attempt,
            provider_message_id=self.provider_message_id,
        )


@cache
def _name(outcome: int) -> str:
    return feedback_pb2.Outcome.Name(outcome)
