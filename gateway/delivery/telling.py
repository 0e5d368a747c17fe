"""Telling the job what became of commands; who asks for it reads each outcome in the log."""

import logging
from collections.abc import Sequence

import structlog

from gateway.delivery.feedback import FeedbackWriter
from gateway.delivery.outcomes import Report


class Telling:
    """Returns when the job is told."""

    def __init__(self, feedback: FeedbackWriter) -> None:
        self._feedback = feedback
        self._log = structlog.get_logger("delivery")
        self._debugging = logging.getLogger("delivery").isEnabledFor(logging.DEBUG)

    async def tell(self, report: Report) -> None:
        """Of one."""
        await self.tell_all([report])

    async def tell_all(self, reports: Sequence[Report]) -> None:
        """Of all of them."""
        if self._debugging:
            for report in reports:
                self._log.debug(
                    "outcome", command_id=report.command_id, outcome=report.outcome, code=report.provider_code, reason=report.reason
                )
        await self._feedback.tell_all(reports)
