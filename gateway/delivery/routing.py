"""What becomes of a command that is this gateway's: a last word at once, or the ways to its user."""

from collections.abc import Collection

from gateway.delivery import commands
from gateway.delivery.outcomes import Report
from gateway.delivery.reports import report_of
from gateway.delivery.routes import Plan, Route
from gateway.delivery.store.values import Claim
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PushCommand


class Router:
    """``open_channels``: what this gateway can deliver over."""

    def __init__(self, plan: Plan, open_channels: Collection[int]) -> None:
        self._plan = plan
        self._open_channels = open_channels

    def route(self, command: PushCommand, claim: Claim, ends_at_ms: int, now_ms: int) -> Report | tuple[Route, ...]:
        """Its routes, at least one; or why it is not delivered, which is not settled yet."""
        refusal = commands.refusal(command, ends_at_ms, now_ms)
        if refusal is not None:
            return report_of(command, refusal.outcome, now_ms, reason=refusal.reason)
        routes = self._plan.routes(command, claim.devices, connected=claim.connected, open_channels=self._open_channels)
        return routes or report_of(command, feedback_pb2.OUTCOME_NO_DEVICE, now_ms)
