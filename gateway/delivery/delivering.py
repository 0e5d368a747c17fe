"""One command on its own: over channels that take their time, to several devices, or after something stood in its way.

claim it → refuse it, or choose routes → try their addresses → settle → tell the job
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from gateway.delivery import commands
from gateway.delivery.addresses import address_id
from gateway.delivery.channels.channel import Answer, Push, Verdict
from gateway.delivery.metrics import COMMANDS
from gateway.delivery.outcomes import Report
from gateway.delivery.pending import Pending
from gateway.delivery.reports import CANCELLED, OUTCOME_OF, OUTCOME_OF_CODE, answered, report_of
from gateway.delivery.routes import Route
from gateway.delivery.routing import Router
from gateway.delivery.sending import Sender
from gateway.delivery.settings import DeliverySection
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import Claim, Standing
from gateway.delivery.stream.hub import Hub
from gateway.delivery.telling import Telling
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PushCommand, Target

_TAKEN_BACK = Answer(Verdict.REFUSED, CANCELLED, "taken back")
_NOT_THEIRS = Answer(Verdict.REFUSED, "NOT_THEIRS", "the address is this user's no more")


class Delivering:
    """``cancelled``: users and ids of commands that were taken back and are not delivered yet; others change it."""

    def __init__(
        self,
        settings: DeliverySection,
        router: Router,
        senders: Mapping[int, Sender],
        hub: Hub,
        store: AsyncStore,
        telling: Telling,
        clock_ms: Callable[[], int],
        cancelled: Collection[tuple[str, str]],
    ) -> None:
        self._settings = settings
        self._router = router
        self._senders = senders
        self._hub = hub
        self._store = store
        self._telling = telling
        self._clock_ms = clock_ms
        self._cancelled = cancelled
        self._log = structlog.get_logger("delivery")

    async def deliver(self, pending: Pending, claim: Claim | None) -> None:
        """Returns when its outcome is told. ``claim``: as it was a moment ago; None: nobody has asked."""
        record, command = pending.record, pending.command
        ends_at_ms = commands.end_ms(command, self._settings.default_ttl_ms)
        if claim is None or claim.standing is Standing.HELD:
            claim = await self._claim(command, record.origin, ends_at_ms, claim)
            COMMANDS.labels(claim.standing.value).inc()
        if claim.standing is Standing.TAKEN_OVER:
            self._log.warning("taken over from a gateway that is gone", command_id=command.command_id)
        if claim.standing is Standing.SETTLED:
            await self._tell_again(command, claim, record.origin)
            return
        routes = self._router.route(command, claim, ends_at_ms, self._clock_ms())
        if isinstance(routes, Report):
            await self._settle(routes)
            return
        push = Push(command, ends_at_ms)
        if len(routes) == 1:
            await self._settle(await self._try(push, routes[0], record.written_at_ms))
        else:
            await self._to_all(push, routes, record.written_at_ms)

    async def _claim(self, command: PushCommand, origin: str, ends_at_ms: int, claim: Claim | None) -> Claim:
        while claim is None or claim.standing is Standing.HELD:
            if claim is not None:
                await asyncio.sleep(self._settings.held_poll_ms / 1000)
            claim = await self._claim_once(command, origin, ends_at_ms)
        return claim

    async def _claim_once(self, command: PushCommand, origin: str, ends_at_ms: int) -> Claim:
        wanted = commands.wanted(command, origin, ends_at_ms, self._clock_ms(), self._settings.remember_ms)
        return await self._store.run(lambda store: store.claim(*wanted))

    async def _tell_again(self, command: PushCommand, claim: Claim, origin: str) -> None:
        """The record itself was read again: its outcome may not have been told. Another record of the same id: that one is a duplicate."""
        settled = claim.settled
        if settled is None:
            return
        if claim.same_record or settled.outcome == feedback_pb2.OUTCOME_CANCELLED:
            await self._telling.tell(settled)
        else:
            await self._telling.tell(report_of(command, feedback_pb2.OUTCOME_DUPLICATE, self._clock_ms(), once=origin))

    async def _try(self, push: Push, route: Route, written_at_ms: int) -> Report:
        """Each address in turn, until one takes the push. What is returned is not settled yet."""
        command = push.command
        last = report_of(command, feedback_pb2.OUTCOME_NO_DEVICE, self._clock_ms())
        for number, target in enumerate(route.addresses, 1):
            another_way = number < len(route.addresses)
            obstacle = await self._look(command, target) if number > 1 else self._cancelled_here(command)
            if obstacle is _TAKEN_BACK:
                return report_of(command, feedback_pb2.OUTCOME_CANCELLED, self._clock_ms(), reason=obstacle.reason)
            if obstacle is not None:
                continue
            if command.dry_run and target.channel != feedback_pb2.CHANNEL_FCM:
                return report_of(command, feedback_pb2.OUTCOME_ACCEPTED, self._clock_ms(), target=target, reason="dry run")
            if target.channel == feedback_pb2.CHANNEL_IN_APP:
                accepted = report_of(command, feedback_pb2.OUTCOME_ACCEPTED, self._clock_ms(), target=target)
                if await self._hub.deliver(push, accepted, written_at_ms, another_way=another_way):
                    return accepted
                continue
            if not self._senders[target.channel].channel.takes(target):
                last = report_of(command, feedback_pb2.OUTCOME_REJECTED, self._clock_ms(), target=target, reason="no address to send to")
                continue
            last = await self._send(push, target, another_way=another_way)
            if last.outcome in (feedback_pb2.OUTCOME_ACCEPTED, feedback_pb2.OUTCOME_EXPIRED, feedback_pb2.OUTCOME_CANCELLED):
                break
        return last

    async def _send(self, push: Push, target: Target, *, another_way: bool) -> Report:
        command = push.command
        seen: Answer | None = None

        async def waited() -> None:
            nonlocal seen
            seen = await self._look(command, target)

        async def failed_once(answer: Answer, attempt: int) -> None:
            await self._telling.tell(answered(command, target, answer, attempt, feedback_pb2.OUTCOME_RETRYING, self._clock_ms()))

        sender = self._senders[target.channel]
        answer, attempts = await sender.send(push, target, failed_once, lambda: seen or self._cancelled_here(command), waited)
        if answer.verdict is Verdict.DEAD_ADDRESS:
            now_ms = self._clock_ms()
            await self._store.run(lambda store: store.retire_device(command.user_id, target, now_ms))
        outcome = OUTCOME_OF_CODE.get(answer.code, OUTCOME_OF[answer.verdict])
        report = answered(command, target, answer, attempts, outcome, self._clock_ms())
        if another_way and answer.verdict is not Verdict.ACCEPTED and answer.code not in OUTCOME_OF_CODE:
            # The push is not lost yet, and its cap not free: only the last word may say so.
            await self._telling.tell(answered(command, target, answer, attempts, feedback_pb2.OUTCOME_RETRYING, self._clock_ms()))
        return report

    def _cancelled_here(self, command: PushCommand) -> Answer | None:
        return _TAKEN_BACK if (command.user_id, command.command_id) in self._cancelled else None

    async def _look(self, command: PushCommand, target: Target) -> Answer | None:
        """What has come in the way since the addresses were looked up."""
        is_registered = not command.targets and address_id(target) != ""

        def operation(store: Store) -> Answer | None:
            if _is_taken_back(store, command):
                return _TAKEN_BACK
            return _NOT_THEIRS if is_registered and not store.holds(command.user_id, target) else None

        return self._cancelled_here(command) or await self._store.run(operation)

    async def _to_all(self, push: Push, routes: Sequence[Route], written_at_ms: int) -> None:
        command_id = push.command.command_id
        settled = await self._store.run(lambda store: store.settled_routes(command_id))

        async def one(route: Route) -> Report:
            report = await self._try(push, route, written_at_ms)
            await self._store.run(lambda store: store.settle(report, route.key))
            return report

        reports = await asyncio.gather(*(one(route) for route in routes if route.key not in settled))
        accepted = [report for report in reports if report.outcome == feedback_pb2.OUTCOME_ACCEPTED]
        # A device that failed beside one that did not: the push went out, and its cap is used.
        if accepted[1:] and not await self._store.run(lambda store: _is_taken_back(store, push.command)):
            await self._telling.tell_all(accepted[1:])
        if accepted or reports:
            await self._settle(accepted[0] if accepted else reports[0])
        else:
            await self._settle(report_of(push.command, feedback_pb2.OUTCOME_ACCEPTED, self._clock_ms()))

    async def _settle(self, report: Report) -> None:
        """The first word stands, and is told: another gateway may have taken the command back meanwhile."""

        def operation(store: Store) -> Report | None:
            store.settle(report)
            return store.settled(report.command_id)

        stands = await self._store.run(operation)
        if stands is None or stands.outcome == report.outcome:
            stands = report
        elif stands.outcome == feedback_pb2.OUTCOME_CANCELLED:
            self._hub.withdrawn(report.user_id, report.command_id)
        await self._telling.tell(stands)


def _is_taken_back(store: Store, command: PushCommand) -> bool:
    """By whichever gateway: what takes a deferred command back may be read by another than the one that delivers it."""
    settled = store.settled(command.command_id)
    return settled is not None and settled.outcome == feedback_pb2.OUTCOME_CANCELLED
