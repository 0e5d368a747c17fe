"""Collects from decisions, feedback and interactions what an experiment is judged by.

*Contract*: give it all decisions first: they tell who was exposed, and only those are kept of the rest. Records that come twice count once.
Records that are no such message are passed over and counted.
"""

from dataclasses import dataclass, field

from google.protobuf.message import DecodeError

from kairos.experiments.columns import EventColumns
from kairos.v1 import feedback_pb2, interaction_pb2
from kairos.v1.decision_pb2 import VERDICT_SENT, Decision
from kairos.v1.signal_pb2 import Signal

METRICS = ("pushes", "opens", "conversions", "value", "opt_outs")
"""What is compared, per exposed user."""

_OPENS = frozenset({feedback_pb2.OUTCOME_OPENED, feedback_pb2.OUTCOME_ACTION_CLICKED})
_OPT_OUTS = frozenset({feedback_pb2.OUTCOME_CHANNEL_DISABLED, feedback_pb2.OUTCOME_UNSUBSCRIBED, feedback_pb2.OUTCOME_REPORTED})
_VALUES = {interaction_pb2.INTERACTION_TYPE_PURCHASE: 1.0, interaction_pb2.INTERACTION_TYPE_RETURN: -1.0}


@dataclass(slots=True)
class Exposures:
    """Of one layer: each exposed user's arm and first moment. `moved`: users that were seen in more than one arm."""

    arm: dict[int, str] = field(default_factory=dict)
    first_ms: dict[int, int] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)

    def add(self, user: int, arm: str, at_ms: int) -> None:
        """A decision about the user named this arm."""
        if self.arm.setdefault(user, arm) != arm:
            self.moved.add(user)
        self.first_ms[user] = min(at_ms, self.first_ms.get(user, at_ms))


class Journal:
    """``events``: by metric, and ``activity`` for interactions of any kind. ``latest_ms``: the newest moment in any record.

    ``known_from_ms``: what became of users before is no longer known in full.
    """

    def __init__(self) -> None:
        self.users: dict[str, int] = {}
        self.layers: dict[str, Exposures] = {}
        self.events = {name: EventColumns() for name in (*METRICS, "activity")}
        self.value_from = "feedback"
        self.malformed = 0
        self.latest_ms = 0
        self.known_from_ms = 0
        self._sent: dict[str, list[tuple[str, int]]] = {}
        self._seen: set[bytes | tuple[str, str]] = set()

    def decision(self, payload: bytes, since_ms: int = 0) -> None:
        """One record of the decision log; exposures before ``since_ms`` do not count."""
        try:
            decision = Decision.FromString(payload)
        except DecodeError:
            self.malformed += 1
            return
        at_ms = decision.decided_at_ms
        self.latest_ms = max(self.latest_ms, at_ms)
        if decision.arms and at_ms >= since_ms:
            user = self.users.setdefault(decision.user_id, len(self.users))
            for layer, arm in decision.arms.items():
                self.layers.setdefault(layer, Exposures()).add(user, arm, at_ms)
        if decision.verdict == VERDICT_SENT:  # whether its user is ever exposed, a later record may tell
            self._sent.setdefault(decision.user_id, []).append((decision.command_id, at_ms))

    def decisions_read(self) -> None:
        """There are no more decisions."""
        for user_id, pushes in self._sent.items():
            user = self.users.get(user_id)
            if user is not None:
                for at_ms in dict(pushes).values():
                    self.events["pushes"].add(user, at_ms)
        self._sent.clear()

    def signal(self, payload: bytes, written_ms: int = 0) -> None:
        """One record of the feedback or the interactions topic; ``written_ms`` stands in for a time that the record does not tell."""
        try:
            signal = Signal.FromString(payload)
        except DecodeError:
            self.malformed += 1
            return
        body = signal.WhichOneof("body")
        if body == "feedback":
            self._feedback(signal, written_ms)
        elif body == "interaction":
            self._interaction(signal, written_ms)
        elif body == "user_update" and signal.user_update.HasField("push_consent") and not signal.user_update.push_consent:
            self._opt_out(signal.user_update.user_id, signal.user_update.occurred_at_ms or written_ms)

    def _feedback(self, signal: Signal, written_ms: int) -> None:
        feedback = signal.feedback
        at_ms = feedback.occurred_at_ms or written_ms
        self.latest_ms = max(self.latest_ms, at_ms)
        user = self.users.get(feedback.user_id)
        if user is None:
            return
        if feedback.outcome in _OPENS and self._is_new("open", feedback.command_id):
            self.events["opens"].add(user, at_ms)
        elif feedback.outcome == feedback_pb2.OUTCOME_CONVERTED and self._is_new("convert", feedback.command_id):
            self.events["conversions"].add(user, at_ms)
            if self.value_from == "feedback":
                self.events["value"].add(user, at_ms, feedback.value)
        elif feedback.outcome in _OPT_OUTS:
            self._opt_out(feedback.user_id, at_ms)

    def _interaction(self, signal: Signal, written_ms: int) -> None:
        interaction = signal.interaction
        at_ms = interaction.occurred_at_ms or written_ms
        self.latest_ms = max(self.latest_ms, at_ms)
        user = self.users.get(interaction.user_id)
        if user is None or (interaction.event_id and not self._is_new("event", interaction.event_id)):
            return
        self.events["activity"].add(user, at_ms)
        sign = _VALUES.get(interaction.type)
        if sign and self.value_from == "interactions":
            self.events["value"].add(user, at_ms, sign * interaction.value)

    def _opt_out(self, user_id: str, at_ms: int) -> None:
        user = self.users.get(user_id)
        if user is not None and self._is_new("opt out", user_id):
            self.events["opt_outs"].add(user, at_ms)

    def _is_new(self, what: str, name: str) -> bool:
        key = (what, name)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True
