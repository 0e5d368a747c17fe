"""A world of users and items that goes on by itself and reacts to pushes, with everything about it known.

    world = World(WorldSettings(seed=7, start_ms=MONDAY, users=1_000, items=500))
    offer(world.catalogue())                      # the items there are at the start
    for event in world.step(MONDAY + 60_000):     # what happened since: Interaction, Feedback, ItemChange, oldest first
        ...
    world.deliver(push, now_ms)                   # reactions come out of later steps
    world.truth.open_probability(users, items, at_ms)

*Contract*: no clock and no random source of its own: equal settings and equal calls give equal answers, on every machine with the
same NumPy. What people do by themselves does not depend on how time is cut into steps. Time never goes back. Not for several threads.
"""

import heapq
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

from flink_job.core.signals import InteractionType, Outcome
from kairos.world.arrivals import Arrivals
from kairos.world.behaviour import DAY_MS, MINUTE_MS
from kairos.world.catalogue import Catalogue
from kairos.world.columns import Events, Future
from kairos.world.curves import Curves
from kairos.world.draws import Draws
from kairos.world.habits import Habits
from kairos.world.latent import LatentSpace
from kairos.world.lifecycle import Lifecycle
from kairos.world.narrator import Narrator
from kairos.world.pace import Pace
from kairos.world.people import People, user_number
from kairos.world.reactions import Pending, Reactions, Report
from kairos.world.sessions import Sessions
from kairos.world.settings import WorldSettings
from kairos.world.truth import Truth
from kairos.world.values import Delivery, Feedback, ItemChange, Push, WorldEvent

TICK_MS = 5 * MINUTE_MS
_WARM_UP_MS = 60 * MINUTE_MS
_REMEMBERED_COMMANDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Chapter:
    """What happened in one step, still as columns: for those who count rather than tell. Times in it are life time."""

    interactions: Events
    reports: list[Report]
    changes: list[ItemChange]


class World:
    """See the module's text."""

    def __init__(self, settings: WorldSettings) -> None:
        behaviour = settings.behaviour
        self.settings = settings
        self._pace = Pace(settings.start_ms, settings.pace)
        begin = settings.start_ms - _WARM_UP_MS
        space, curves = LatentSpace(settings.seed), Curves(settings.personas)
        self.people = People(settings.seed, settings.users, settings.scenarios, space, curves, behaviour, settings.start_ms)
        self.items = Catalogue(space, self._pace)
        self._lifecycle = Lifecycle(settings.seed, self.items, settings.sizes(), begin)
        habits = Habits(self.people, curves, self._pace)
        self.truth = Truth(self.people, self.items, habits, behaviour, self._pace)
        arrivals = Arrivals(settings, self.people, habits)
        self._sessions = Sessions(arrivals, self.people, self.items, self._lifecycle, space, habits, behaviour)
        self._reactions = Reactions(self.people, self.items, self.truth, self._sessions, behaviour)
        self._future, self._reports = Future(), list[Report]()
        self._commands: OrderedDict[int, str] = OrderedDict()
        self._narrator = Narrator(_run_name(settings), self.people, self.items, self._pace, self._commands)
        self._begin_ms, self._tick, self._day = begin, 0, 0
        self._life_ms = begin
        self._advance(settings.start_ms - 1)  # so that it begins in full swing

    def catalogue(self) -> list[ItemChange]:
        """The items that can be had now."""
        return [self.items.change(row, self._life_ms) for row in self.items.live(self._life_ms).tolist()]

    def step(self, until_ms: int) -> list[WorldEvent]:
        """What happened since the last step, up to and with ``until_ms``, oldest first."""
        return self.tell(self.advance(until_ms))

    def tell(self, chapter: Chapter) -> list[WorldEvent]:
        """The same as values, oldest first."""
        interactions = self._narrator.tell(chapter.interactions)
        reports = [self._feedback(report) for report in chapter.reports]
        told: list[WorldEvent] = [*interactions, *reports, *chapter.changes]
        told.sort(key=_when)
        return told

    def advance(self, until_ms: int) -> Chapter:
        """As ``step``, but as columns, which is several times faster."""
        return self._advance(self._pace.life(until_ms))

    def deliver(self, push: Push, now_ms: int) -> Delivery:
        """A push command reaches the devices' provider. What becomes of it comes out of later steps."""
        life_ms = max(self._pace.life(now_ms), self._life_ms)
        user = self.user_row(push.user_id)
        known = [row for row in map(self.items.row_of.get, push.item_ids) if row is not None]
        if user is None or not known:
            return Delivery.REFUSED
        draws = Draws(self.settings.seed, push.command_id)
        if draws.number() in self._commands:
            return Delivery.DUPLICATE
        self._remember(draws.number(), push.command_id)
        if push.dry_run:
            self._report(Report(life_ms, push.command_id, Outcome.ACCEPTED, user, known[0], reason="dry run"))
            return Delivery.REFUSED
        begin = max(life_ms, self._pace.life(push.not_before_ms)) if push.not_before_ms else life_ms
        expires = self._pace.life(push.expires_at_ms) if push.expires_at_ms else 0
        self._reactions.send(Pending(push.command_id, draws.number(), user, known[0], expires, push.silent, draws), begin)
        return Delivery.SCHEDULED

    def user_row(self, user_id: str) -> int | None:
        """The row of a user in ``people`` and in the arguments of ``truth``."""
        number = user_number(user_id)
        return number if number is not None and number < self.people.n else None

    def item_row(self, item_id: str) -> int | None:
        """The row of an item in ``items`` and in the arguments of ``truth``."""
        return self.items.row_of.get(item_id)

    def _advance(self, until_ms: int) -> Chapter:
        changes: list[ItemChange] = []
        while (next_tick := self._begin_ms + self._tick * TICK_MS) <= until_ms:
            self._react(next_tick)
            changes += self._lifecycle.advance(next_tick)
            while self._day < (next_tick - self._begin_ms) // DAY_MS:
                self._day += 1
                self.people.drift(self._day)
            self._future.add(self._sessions.tick(self._tick, next_tick, TICK_MS))
            self._tick += 1
        self._react(until_ms)
        changes += self._lifecycle.advance(until_ms)
        self._life_ms = max(self._life_ms, until_ms)
        return Chapter(self._still_there(self._future.take(until_ms)), self._due_reports(until_ms), changes)

    def _react(self, until_ms: int) -> None:
        reports, events = self._reactions.advance(until_ms)
        for report in reports:
            self._report(report)
        for more in events:
            self._future.add(more)

    def _still_there(self, events: Events) -> Events:
        """Who has left does nothing more, except send back what was bought."""
        stays = (self.people.left_ms[events["user"]] > events["at_ms"]) | (events["type"] == InteractionType.RETURN)
        still: Events = events if stays.all() else events[stays]
        return still

    def _report(self, report: Report) -> None:
        heapq.heappush(self._reports, report)

    def _due_reports(self, until_ms: int) -> list[Report]:
        due = []
        while self._reports and self._reports[0].at_ms <= until_ms:
            due.append(heapq.heappop(self._reports))
        return due

    def _feedback(self, report: Report) -> Feedback:
        return Feedback(
            feedback_id=f"{report.command_id}-{report.outcome.name.lower()}",
            profile=self.people.profile(report.user),
            command_id=report.command_id,
            outcome=report.outcome,
            occurred_at_ms=self._pace.civil(report.at_ms),
            item_id=self.items.ids[report.item],
            value=report.value,
            reason=report.reason,
        )

    def _remember(self, number: int, command_id: str) -> None:
        self._commands[number] = command_id
        if len(self._commands) > _REMEMBERED_COMMANDS:
            self._commands.popitem(last=False)


def _when(event: WorldEvent) -> int:
    if isinstance(event, ItemChange):
        return event.updated_at_ms
    return event.occurred_at_ms


def _run_name(settings: WorldSettings) -> str:
    """Short, and different for different worlds."""
    name = f"{settings.seed} {settings.start_ms} {settings.users} {settings.items} {settings.scenario} {settings.pace}"
    return blake2b(name.encode(), digest_size=5).hexdigest()
