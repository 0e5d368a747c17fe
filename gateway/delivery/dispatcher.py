"""From a record of the topic of pushes to what became of it.

    claim it → refuse it, or choose routes → try their addresses → settle → tell the job → the record is done

Settling is durable before anything is told, and telling before the record counts as done: whatever the gateway dies at, the next one
finds out from the store what was settled, and tells it again with the same feedback ids. The pushes of one user go one after the other.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence

import structlog

from gateway.delivery import commands
from gateway.delivery.channels.channel import Answer, Push, Verdict
from gateway.delivery.dead_letters import dead_letter
from gateway.delivery.feedback import FeedbackWriter
from gateway.delivery.metrics import COMMANDS, DONE_SECONDS
from gateway.delivery.outcomes import Report
from gateway.delivery.reports import OUTCOME_OF, OUTCOME_OF_CODE, answered, report_of
from gateway.delivery.routes import Plan, Route
from gateway.delivery.sending import Sender
from gateway.delivery.settings import DeliverySection
from gateway.delivery.source import Place, Record
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.values import Claim, Standing
from gateway.delivery.stream.hub import Hub
from gateway.delivery.tasks import Tasks
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PushCommand, Target


class Dispatcher:
    """``done`` is called with the place of each record once it may be committed; ``failed`` with what must never happen."""

    def __init__(
        self,
        settings: DeliverySection,
        plan: Plan,
        senders: Mapping[int, Sender],
        hub: Hub,
        store: AsyncStore,
        feedback: FeedbackWriter,
        clock_ms: Callable[[], int],
        done: Callable[[Place], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._settings = settings
        self._plan = plan
        self._senders = senders
        self._hub = hub
        self._store = store
        self._feedback = feedback
        self._clock_ms = clock_ms
        self._done = done
        self._log = structlog.get_logger("delivery")
        self._debugging = logging.getLogger("delivery").isEnabledFor(logging.DEBUG)
        self._last_of_user: dict[str, asyncio.Task[None]] = {}
        self._tasks = Tasks(failed)
        self._cancelled: set[str] = set()
        self._waiting: dict[str, asyncio.Event] = {}
        """Commands whose moment has not come; set: it was taken back."""
        self._open_channels = frozenset((feedback_pb2.CHANNEL_IN_APP, *senders))

    def receive(self, records: Sequence[Record]) -> None:
        """Begin with each of these."""
        for record in records:
            try:
                command = commands.parse(record.value, record.key)
            except commands.MalformedError as error:
                self._tasks.start(self._bury(record, str(error)))
                continue
            if command.cancels_command_id:
                self._cancelled.add(command.cancels_command_id)
                if waiting := self._waiting.get(command.cancels_command_id):
                    waiting.set()
            if command.not_before_ms > self._clock_ms():
                self._tasks.start_waiting(self._deliver_later(record, command))
            else:
                self._in_turn(record, command)

    def _in_turn(self, record: Record, command: PushCommand) -> None:
        """After the user's pushes before it."""
        before = self._last_of_user.get(command.user_id)
        self._last_of_user[command.user_id] = self._tasks.start(self._deliver(record, command, before))

    async def _deliver_later(self, record: Record, command: PushCommand) -> None:
        """It takes its turn when its moment has come, so that others need not wait for it."""
        waiting = self._waiting[command.command_id] = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiting.wait(), (command.not_before_ms - self._clock_ms()) / 1000)
        self._waiting.pop(command.command_id, None)
        self._in_turn(record, command)

    @property
    def under_way(self) -> int:
        """Records begun and not done."""
        return len(self._tasks)

    async def finish(self, timeout_s: float) -> None:
        """Wait for what is under way; what is not done by then will be read again by whoever comes next."""
        await self._tasks.finish(timeout_s)

    async def _bury(self, record: Record, detail: str) -> None:
        COMMANDS.labels("malformed").inc()
        self._log.warning("no push command", place=record.place.origin, detail=detail)
        await self._feedback.dead_letter(*dead_letter(record, detail, self._clock_ms()))
        self._done(record.place)

    async def _deliver(self, record: Record, command: PushCommand, before: "asyncio.Task[None] | None") -> None:
        started_ms = self._clock_ms()
        if before is not None and not before.done():
            await asyncio.wait((before,))
        if command.cancels_command_id:
            await self._take_back(command)
        if not commands.only_takes_back(command):
            await self._claim_and_deliver(record, command)
        self._done(record.place)
        if self._last_of_user.get(command.user_id) is asyncio.current_task():
            del self._last_of_user[command.user_id]
        DONE_SECONDS.observe((self._clock_ms() - started_ms) / 1000)

    async def _claim_and_deliver(self, record: Record, command: PushCommand) -> None:
        ends_at_ms = commands.end_ms(command, self._settings.default_ttl_ms)
        claim = await self._claim(command, record.place.origin, ends_at_ms)
        COMMANDS.labels(claim.standing.value).inc()
        if claim.standing is Standing.SETTLED:
            await self._tell_again(command, claim, record.place.origin)
            return
        now_ms = self._clock_ms()
        refusal = commands.refusal(command, ends_at_ms, now_ms)
        if refusal is not None:
            await self._settle(report_of(command, refusal.outcome, now_ms, reason=refusal.reason))
            return
        routes = self._plan.routes(command, claim.devices, connected=claim.connected, open_channels=self._open_channels)
        if not routes:
            await self._settle(report_of(command, feedback_pb2.OUTCOME_NO_DEVICE, now_ms))
            return
        push = Push(command, ends_at_ms)
        if len(routes) == 1:
            await self._settle(await self._try(push, routes[0], record.written_at_ms))
        else:
            await self._to_all(push, routes, record.written_at_ms)

    async def _claim(self, command: PushCommand, origin: str, ends_at_ms: int) -> Claim:
        while (claim := await self._claim_once(command, origin, ends_at_ms)).standing is Standing.HELD:
            await asyncio.sleep(self._settings.held_poll_ms / 1000)
        if claim.standing is Standing.TAKEN_OVER:
            self._log.warning("taken over from a gateway that is gone", command_id=command.command_id)
        return claim

    async def _claim_once(self, command: PushCommand, origin: str, ends_at_ms: int) -> Claim:
        now_ms = self._clock_ms()
        keep_until_ms = max(now_ms, ends_at_ms) + self._settings.remember_ms
        return await self._store.run(lambda store: store.claim(command.command_id, command.user_id, origin, now_ms, keep_until_ms))

    async def _tell_again(self, command: PushCommand, claim: Claim, origin: str) -> None:
        """The record itself was read again: its outcome may not have been told. Another record of the same id: that one is a duplicate."""
        settled = claim.settled
        if settled is None:
            return
        if claim.same_record or settled.outcome == feedback_pb2.OUTCOME_CANCELLED:
            await self._tell(settled)
        else:
            await self._tell(report_of(command, feedback_pb2.OUTCOME_DUPLICATE, self._clock_ms(), once=origin))

    async def _try(self, push: Push, route: Route, written_at_ms: int) -> Report:
        """Each address in turn, until one takes the push. What is returned is not settled yet."""
        command = push.command
        last = report_of(command, feedback_pb2.OUTCOME_NO_DEVICE, self._clock_ms())
        for number, target in enumerate(route.addresses, 1):
            another_way = number < len(route.addresses)
            if command.command_id in self._cancelled:
                return report_of(command, feedback_pb2.OUTCOME_CANCELLED, self._clock_ms(), reason="taken back")
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

        async def failed_once(answer: Answer, attempt: int) -> None:
            await self._tell(answered(command, target, answer, attempt, feedback_pb2.OUTCOME_RETRYING, self._clock_ms()))

        sender = self._senders[target.channel]
        answer, attempts = await sender.send(push, target, failed_once, lambda: command.command_id in self._cancelled)
        if answer.verdict is Verdict.DEAD_ADDRESS:
            now_ms = self._clock_ms()
            await self._store.run(lambda store: store.retire_device(command.user_id, target, now_ms))
        outcome = OUTCOME_OF_CODE.get(answer.code, OUTCOME_OF[answer.verdict])
        report = answered(command, target, answer, attempts, outcome, self._clock_ms())
        if another_way and answer.verdict is not Verdict.ACCEPTED and answer.code not in OUTCOME_OF_CODE:
            # The push is not lost yet, and its cap not free: only the last word may say so.
            await self._tell(answered(command, target, answer, attempts, feedback_pb2.OUTCOME_RETRYING, self._clock_ms()))
        return report

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
        for report in accepted[1:]:
            await self._tell(report)
        if accepted or reports:
            await self._settle(accepted[0] if accepted else reports[0])
        else:
            await self._settle(report_of(push.command, feedback_pb2.OUTCOME_ACCEPTED, self._clock_ms()))

    async def _take_back(self, command: PushCommand) -> None:
        now_ms = self._clock_ms()
        cancelled_id = command.cancels_command_id
        keep_until_ms = now_ms + self._settings.remember_ms
        stopped = await self._store.run(lambda store: store.cancelled(cancelled_id, command.user_id, now_ms, keep_until_ms))
        self._cancelled.discard(cancelled_id)
        if stopped:
            self._hub.withdrawn(command.user_id, cancelled_id)
            await self._tell(Report(command.user_id, cancelled_id, feedback_pb2.OUTCOME_CANCELLED, now_ms, reason="taken back"))

    async def _settle(self, report: Report) -> None:
        await self._store.run(lambda store: store.settle(report))
        await self._tell(report)

    async def _tell(self, report: Report) -> None:
        if self._debugging:
            self._log.debug(
                "outcome", command_id=report.command_id, outcome=report.outcome, code=report.provider_code, reason=report.reason
            )
        await self._feedback.tell(report)
