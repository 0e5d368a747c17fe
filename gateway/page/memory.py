"""What was decided, sent and answered lately, by user: bounded in users and in records of each.

Of what decisions read (`Decision.inputs`, large) only the newest is kept of each user, and what was known of others' hours when it was asked last.

>>> memory = Memory(users=2, per_user=10)
>>> for user in ("ada", "ben", "ada", "chen"): memory.decided(Decision(user_id=user))
>>> memory.lately(5)
['chen', 'ada']
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from kairos.explain.history import History
from kairos.v1.decision_pb2 import VERDICT_EXPOSED, Decision, KnownHours
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.push_pb2 import PushCommand


@dataclass(slots=True)
class Known:
    """Of one user, the oldest first. `version` grows with every record."""

    decisions: deque[Decision]
    pushes: deque[PushCommand]
    feedback: deque[Feedback]
    hours: KnownHours | None = None
    """Of others; None: no record told of them."""
    version: int = 0


class Memory:
    """Those of whom nothing was heard for longest are forgotten first."""

    def __init__(self, users: int, per_user: int) -> None:
        self._users = users
        self._per_user = per_user
        self._known: OrderedDict[str, Known] = OrderedDict()

    def decided(self, decision: Decision) -> None:
        """A record of the decision log; one that came twice counts once."""
        known = self._of(decision.user_id)
        if decision.verdict != VERDICT_EXPOSED and not (decision.decision_id and _has(known.decisions, decision.decision_id)):
            if decision.HasField("inputs"):
                for each in known.decisions:
                    each.ClearField("inputs")
                known.hours = decision.inputs.hours[-1] if decision.inputs.hours else known.hours
            known.decisions.append(decision)

    def pushed(self, command: PushCommand) -> None:
        """A command."""
        self._of(command.user_id).pushes.append(command)

    def answered(self, feedback: Feedback) -> None:
        """What became of a push."""
        self._of(feedback.user_id).feedback.append(feedback)

    def of(self, user_id: str) -> Known | None:
        """None: nothing is remembered of them."""
        return self._known.get(user_id)

    def version(self, user_id: str) -> int:
        """Grows with everything that is heard of them."""
        known = self._known.get(user_id)
        return known.version if known else 0

    def lately(self, most: int) -> list[str]:
        """Users, the one heard of last first."""
        return list(reversed(self._known))[:most]

    def history(self, user_id: str) -> History:
        """For `kairos.explain`: all that is remembered."""
        known = self._known.get(user_id)
        if known is None:
            return History(user_id, (), {}, ())
        decisions = sorted(known.decisions, key=lambda each: (each.decided_at_ms, each.decision_number))
        feedback = sorted({each.feedback_id: each for each in known.feedback}.values(), key=lambda each: each.occurred_at_ms)
        return History(user_id, tuple(decisions), {push.command_id: push for push in known.pushes}, tuple(feedback))

    def _of(self, user_id: str) -> Known:
        known = self._known.get(user_id)
        if known is None:
            known = Known(deque(maxlen=self._per_user), deque(maxlen=self._per_user), deque(maxlen=self._per_user))
            self._known[user_id] = known
            if len(self._known) > self._users:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(user_id)
        known.version += 1
        return known


def _has(decisions: deque[Decision], decision_id: str) -> bool:
    return any(each.decision_id == decision_id for each in reversed(decisions))
