"""From records of the topic of pushes to what became of them.

    parse → the user's turn → together with others that came, or on its own → the record is done
          → kept in the store, if its moment has not come; the record is done → its moment → the user's turn → …

Settling is durable before anything is told, and telling before the record counts as done: whatever the gateway dies at, the next one
finds out from the store what was settled, and tells it again with the same feedback ids. The pushes of one user that
one gateway has go one after the other; a deferred one may be another gateway's.
"""

from collections.abc import Callable, Mapping, Sequence

import structlog

from gateway.delivery import commands
from gateway.delivery.dead_letters import dead_letter
from gateway.delivery.deferring import Deferring
from gateway.delivery.delivering import Delivering
from gateway.delivery.feedback import FeedbackWriter
from gateway.delivery.metrics import COMMANDS, DONE_SECONDS, UNDER_WAY
from gateway.delivery.outcomes import Report
from gateway.delivery.pending import Pending
from gateway.delivery.routes import Plan
from gateway.delivery.routing import Router
from gateway.delivery.sending import Sender
from gateway.delivery.settings import DeliverySection
from gateway.delivery.source import Place, Record
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.values import Claim, Deferred
from gateway.delivery.stream.hub import Hub
from gateway.delivery.tasks import Tasks
from gateway.delivery.telling import Telling
from gateway.delivery.together import Together, Written
from gateway.delivery.turns import Turns
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PushCommand


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
        self._hub = hub
        self._store = store
        self._feedback = feedback
        self._clock_ms = clock_ms
        self._done = done
        self._log = structlog.get_logger("delivery")
        self._turns: Turns[Pending] = Turns()
        self._ready: list[Pending] = []
        """Whose turn it is. Of each user there is one."""
        self._beginning = False
        self._tasks = Tasks(failed)
        self._cancelled: set[tuple[str, str]] = set()
        """Users, and ids of their commands that are being taken back."""
        router = Router(plan, frozenset((feedback_pb2.CHANNEL_IN_APP, *senders)))
        self._telling = Telling(feedback)
        self._delivering = Delivering(settings, router, senders, hub, store, self._telling, clock_ms, self._cancelled)
        self._together = Together(settings, router, hub, store, self._telling, clock_ms)
        self._deferring = Deferring(settings, store, clock_ms, self._begin_due)
        self.under_way = 0
        """Records begun and not done."""

    def start(self) -> None:
        """Begin with commands that the store has, when their moment comes."""
        self._tasks.start_waiting(self._deferring.watch())

    def receive(self, records: Sequence[Record]) -> None:
        """Begin with each of these."""
        now_ms = self._clock_ms()
        self._count(len(records))
        begin: list[Pending] = []
        defer: list[tuple[Record, Deferred]] = []
        for record in records:
            try:
                command = commands.parse(record.value, record.key)
            except commands.MalformedError as error:
                self._tasks.start(self._bury(record, str(error)))
                continue
            due_ms = commands.due_ms(command, self._settings.default_ttl_ms)
            if due_ms > now_ms:
                kept = Deferred(command.command_id, command.user_id, record.origin, due_ms, record.value or b"")
                defer.append((record, kept))
            else:
                begin.append(Pending(record, command, now_ms))
        if defer:
            self._tasks.start(self._defer(defer))
        self._take_turns(begin)

    async def finish(self, timeout_s: float) -> None:
        """Wait for what is under way; what is not done by then will be read again by whoever comes next."""
        await self._tasks.finish(timeout_s)

    async def _defer(self, several: Sequence[tuple[Record, Deferred]]) -> None:
        """Their records are done once the store has them."""
        await self._deferring.put([kept for _, kept in several])
        COMMANDS.labels("deferred").inc(len(several))
        for record, _ in several:
            self._done(record.place)
        self._count(-len(several))

    def _begin_due(self, several: Sequence[Deferred]) -> None:
        """The moment of each of these has come."""
        now_ms = self._clock_ms()
        self._count(len(several))
        self._take_turns([Pending(each, PushCommand.FromString(each.record), now_ms) for each in several])

    def _take_turns(self, several: Sequence[Pending]) -> None:
        for pending in several:
            command = pending.command
            if command.cancels_command_id:
                self._cancelled.add((command.user_id, command.cancels_command_id))
        self._begin([pending for pending in several if self._turns.take(pending.command.user_id, pending)])

    def _begin(self, several: Sequence[Pending]) -> None:
        """It is the turn of each of these."""
        self._ready += several
        if self._ready and not self._beginning:
            self._beginning = True
            self._tasks.start(self._write_what_is_ready())

    async def _write_what_is_ready(self) -> None:
        """One batch after the other goes into the store; while one does, the next gathers. Telling waits for nobody."""
        most = self._settings.source.batch
        while self._ready:
            several, self._ready = self._ready[:most], self._ready[most:]
            together = []
            for pending in several:
                command = pending.command
                if command.cancels_command_id or (command.user_id, command.command_id) in self._cancelled:
                    self._tasks.start(self._on_its_own(pending, None))
                else:
                    together.append(pending)
            if together:
                self._tasks.start(self._tell(await self._together.write(together)))
        self._beginning = False

    async def _tell(self, written: Written) -> None:
        for pending, claim in written.left:
            self._tasks.start(self._on_its_own(pending, claim))
        await self._together.tell(written)
        self._are_done(written.done)

    async def _on_its_own(self, pending: Pending, claim: Claim | None) -> None:
        command = pending.command
        if command.cancels_command_id:
            await self._take_back(command)
        if not commands.only_takes_back(command):
            await self._delivering.deliver(pending, claim)
        self._are_done([pending])

    async def _take_back(self, command: PushCommand) -> None:
        now_ms = self._clock_ms()
        cancelled_id = command.cancels_command_id
        keep_until_ms = now_ms + self._settings.remember_ms
        stopped = await self._store.run(lambda store: store.cancelled(cancelled_id, command.user_id, now_ms, keep_until_ms))
        self._cancelled.discard((command.user_id, cancelled_id))
        if stopped:
            self._hub.withdrawn(command.user_id, cancelled_id)
            report = Report(command.user_id, cancelled_id, feedback_pb2.OUTCOME_CANCELLED, now_ms, reason="taken back")
            await self._telling.tell(report)

    async def _bury(self, record: Record, detail: str) -> None:
        COMMANDS.labels("malformed").inc()
        self._log.warning("no push command", place=record.place.origin, detail=detail)
        await self._feedback.dead_letter(*dead_letter(record, detail, self._clock_ms()))
        self._done(record.place)
        self._count(-1)

    def _are_done(self, several: Sequence[Pending]) -> None:
        """Their records may be committed, and who waited behind them begins."""
        now_ms = self._clock_ms()
        begin = []
        kept = []
        for pending in several:
            if isinstance(pending.record, Deferred):
                kept.append(pending.record)
            else:
                self._done(pending.record.place)
            DONE_SECONDS.observe((now_ms - pending.began_ms) / 1000)
            if (behind := self._turns.done(pending.command.user_id)) is not None:
                begin.append(behind)
        self._count(-len(several))
        if kept:
            self._tasks.start(self._deferring.done(kept))
        self._begin(begin)

    def _count(self, more: int) -> None:
        self.under_way += more
        UNDER_WAY.inc(more)
