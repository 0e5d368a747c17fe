"""What was read together is delivered together, as far as it is settled by writing it down: to streams of connected users, or not at all.

    claim all → refuse, or choose routes → append and settle all → to the connections → tell the job of all

What takes its time (other channels, another way if nobody acknowledges, several devices) or is not this gateway's is left to be
delivered on its own. Up to the connections everything is one transaction: either a command is claimed, in the stream and settled, or
nothing of it has happened.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from gateway.delivery import commands
from gateway.delivery.channels.channel import Push
from gateway.delivery.metrics import COMMANDS
from gateway.delivery.outcomes import Report
from gateway.delivery.pending import Pending
from gateway.delivery.reports import report_of
from gateway.delivery.routing import Router
from gateway.delivery.settings import DeliverySection
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import Addition, Appended, Claim, Standing, StreamEntry
from gateway.delivery.stream.hub import Hub
from gateway.delivery.stream.others import Before
from gateway.delivery.telling import Telling
from kairos.v1 import feedback_pb2


@dataclass(slots=True)
class Written:
    """What a transaction did. ``left``: to be delivered on their own, with how they stand; ``done``: the others, once they are told.

    ``before``: what goes to connections before what was appended does.
    """

    left: list[tuple[Pending, Claim]] = field(default_factory=list)
    done: list[Pending] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    before: Sequence[StreamEntry] = ()
    appended: list[tuple[Pending, Appended]] = field(default_factory=list)
    standings: Counter[Standing] = field(default_factory=Counter)


class Together:
    """For the dispatcher."""

    def __init__(
        self, settings: DeliverySection, router: Router, hub: Hub, store: AsyncStore, telling: Telling, clock_ms: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._router = router
        self._hub = hub
        self._store = store
        self._telling = telling
        self._clock_ms = clock_ms

    async def write(self, several: Sequence[Pending]) -> Written:
        """Returns when it is durable, and with the connections. Of each user there is one."""
        here = {each.command.user_id for each in several if self._hub.is_here(each.command.user_id)}
        before = self._hub.before(here)
        now_ms = self._clock_ms()
        written = await self._store.run(lambda store: self._write(store, several, here, before, now_ms))
        for standing, number in written.standings.items():
            COMMANDS.labels(standing.value).inc(number)
        self._hub.publish(written.before)
        for pending, appended in written.appended:
            written.reports += self._hub.appended(appended, pending.record.written_at_ms)
        return written

    async def tell(self, written: Written) -> None:
        """Returns when the job is told."""
        await self._telling.tell_all(written.reports)

    def _write(self, store: Store, several: Sequence[Pending], here: Collection[str], before: Before, now_ms: int) -> Written:
        """In the store's thread, perhaps more than once: what it answers depends on nothing but what it is given."""
        ends_ms = [commands.end_ms(each.command, self._settings.default_ttl_ms) for each in several]
        remember_ms = self._settings.remember_ms
        claims = store.claim_all(
            [
                commands.wanted(each.command, each.record.origin, end_ms, now_ms, remember_ms)
                for each, end_ms in zip(several, ends_ms, strict=True)
            ]
        )
        written = Written()
        refused: list[Report] = []
        additions: list[tuple[Pending, Addition]] = []
        chosen = [
            self._choose(pending, claim, end_ms, here, now_ms) for pending, claim, end_ms in zip(several, claims, ends_ms, strict=True)
        ]
        for pending, claim, does in zip(several, claims, chosen, strict=True):
            if does is None:
                written.left.append((pending, claim))
            elif isinstance(does, Report):
                refused.append(does)
            else:
                additions.append((pending, does))
            if claim.standing is not Standing.HELD:  # that one is asked for again, and counted then
                written.standings[claim.standing] += 1
        store.settle_all(refused)
        answers = store.append_all([addition for _, addition in additions])
        if additions:
            written.before = before.take(store)
        written.done = [pending for pending, does in zip(several, chosen, strict=True) if does is not None]
        written.appended = [(pending, appended) for (pending, _), appended in zip(additions, answers, strict=True)]
        written.reports = refused + [addition.settled for _, addition in additions if addition.settled is not None]
        return written

    def _choose(self, pending: Pending, claim: Claim, end_ms: int, here: Collection[str], now_ms: int) -> Report | Addition | None:
        """Its last word, or what goes into the stream and settles it; None: it has to be delivered on its own."""
        command = pending.command
        if claim.standing is not Standing.MINE:
            return None
        routes = self._router.route(command, claim, end_ms, now_ms)
        if isinstance(routes, Report):
            return routes
        addresses = routes[0].addresses
        if len(routes) > 1 or len(addresses) > 1 or addresses[0].channel != feedback_pb2.CHANNEL_IN_APP or command.dry_run:
            return None
        accepted = report_of(command, feedback_pb2.OUTCOME_ACCEPTED, now_ms, target=addresses[0])
        return self._hub.addition(Push(command, end_ms), accepted, now_ms, sent=command.user_id in here)
