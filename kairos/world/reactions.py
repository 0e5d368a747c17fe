"""What becomes of pushes: delivered, shown, opened, dismissed, converted; or the last one somebody wanted.

A push waits in a queue until its device has it, and again until its user opens it. Each step is taken at its time, on the state of
the user at that time, for many users at once; a user's own steps are taken in their order.
"""

import heapq
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from flink_job.core.signals import Outcome
from kairos.world.behaviour import Behaviour
from kairos.world.catalogue import Catalogue
from kairos.world.columns import Events
from kairos.world.draws import Draws
from kairos.world.memory import LONG_AGO_MS, Ints
from kairos.world.people import People
from kairos.world.sessions import Sessions
from kairos.world.truth import Floats, Truth
from kairos.world.values import NEVER_MS, Platform

_LONGEST_CONVERSION_MS = 24 * 3_600_000


class _Step(IntEnum):
    SHOW = 0
    OPEN = 1


@dataclass(frozen=True, slots=True)
class Pending:
    """A push on its way. Times in life time; ``expires_ms`` 0: never."""

    command_id: str
    command: int
    user: int
    item: int
    expires_ms: int
    silent: bool
    draws: Draws


@dataclass(frozen=True, slots=True, order=True)
class Report:
    """An outcome to be told at its time."""

    at_ms: int
    command_id: str
    outcome: Outcome
    user: int
    item: int
    value: float = 0.0
    reason: str = ""


class Reactions:
    """A queue of steps. Reports and interactions come out of ``advance``, some of them for later."""

    def __init__(self, people: People, catalogue: Catalogue, truth: Truth, sessions: Sessions, behaviour: Behaviour) -> None:
        self._people, self._catalogue, self._truth = people, catalogue, truth
        self._sessions, self._behaviour = sessions, behaviour
        self._queue: list[tuple[int, str, _Step, Pending]] = []
        self._reports: list[Report] = []
        self._events: list[Events] = []

    def send(self, push: Pending, at_ms: int) -> None:
        """Hands it to the device, which has it a moment later, or hours later when it is switched off."""
        draws, behaviour = push.draws, self._behaviour
        due = at_ms + draws.lognormal(0, behaviour.deliver_after_ms, 0.6)
        if draws.uniform(1) < behaviour.offline:
            due += draws.exponential(2, behaviour.offline_for_ms)
        self._report(push, Outcome.ACCEPTED, at_ms + 100)
        heapq.heappush(self._queue, (int(due), push.command_id, _Step.SHOW, push))

    def advance(self, until_ms: int) -> tuple[list[Report], list[Events]]:
        """Takes all steps due at or before ``until_ms``."""
        while self._queue and self._queue[0][0] <= until_ms:
            due = []
            while self._queue and self._queue[0][0] <= until_ms:
                due.append(heapq.heappop(self._queue))
            for step in self._first_of_each_user(due):
                heapq.heappush(self._queue, step)
        reports, self._reports = self._reports, []
        events, self._events = self._events, []
        return reports, events

    def __len__(self) -> int:
        return len(self._queue)

    def _first_of_each_user(self, due: list[tuple[int, str, _Step, Pending]]) -> list[tuple[int, str, _Step, Pending]]:
        """Takes the users' first steps; gives back the others, which may come after what these bring about."""
        seen: set[int] = set()
        later: list[tuple[int, str, _Step, Pending]] = []
        now: dict[_Step, list[tuple[int, Pending]]] = {_Step.SHOW: [], _Step.OPEN: []}
        for step in due:
            at_ms, _, kind, push = step
            if push.user in seen:
                later.append(step)
            else:
                seen.add(push.user)
                now[kind].append((at_ms, push))
        if now[_Step.SHOW]:
            self._show(*_columns(self._deliverable(now[_Step.SHOW])))
        if now[_Step.OPEN]:
            self._open(*_columns(now[_Step.OPEN]))
        return later

    def _deliverable(self, steps: list[tuple[int, Pending]]) -> list[tuple[int, Pending]]:
        """Reports those that nobody will see."""
        shown = []
        for at_ms, push in steps:
            if self._people.left_ms[push.user] <= at_ms:
                self._report(push, Outcome.TOKEN_INVALID, at_ms, reason="the application was removed")
            elif self._people.opted_out_ms[push.user] <= at_ms:
                self._report(push, Outcome.REJECTED, at_ms, reason="pushes are switched off")
            elif push.expires_ms and push.expires_ms <= at_ms:
                self._report(push, Outcome.EXPIRED, at_ms)
            else:
                self._report(push, Outcome.DELIVERED, at_ms)
                if not push.silent:
                    shown.append((at_ms, push))
        return shown

    def _show(self, pushes: list[Pending], users: Ints, items: Ints, at_ms: Ints) -> None:
        people, behaviour = self._people, self._behaviour
        if not pushes:
            return
        p_open = self._truth.opens(users, items, at_ms)
        people.tire(users, self._nuisance(users, items, at_ms), at_ms)
        people.shown.note(users, items, at_ms)
        p_opt_out = self._truth.opts_out(users, at_ms)
        for push, shown_ms, opens, opts_out in zip(pushes, at_ms.tolist(), p_open.tolist(), p_opt_out.tolist(), strict=True):
            draws = push.draws
            self._report(push, Outcome.DISPLAYED, shown_ms + 1)
            median = behaviour.open_after_ms[Platform(int(people.platform[push.user]))]
            if draws.uniform(3) < opens:
                delay = min(draws.lognormal(4, median, behaviour.open_delay_spread), behaviour.open_within_ms)
                heapq.heappush(self._queue, (shown_ms + 2 + int(delay), push.command_id, _Step.OPEN, push))
                continue
            when = shown_ms + 2 + int(min(draws.lognormal(5, median, behaviour.open_delay_spread), behaviour.open_within_ms))
            if draws.uniform(7) < opts_out:
                self._opt_out(push, when, leaves=draws.uniform(7) < opts_out * behaviour.leaves_altogether)
            elif draws.uniform(6) < behaviour.dismiss:
                self._report(push, Outcome.DISMISSED, when)

    def _open(self, pushes: list[Pending], users: Ints, items: Ints, at_ms: Ints) -> None:
        people, behaviour = self._people, self._behaviour
        p_convert = self._truth.converts(users, items, at_ms)
        people.tire(users, np.full(len(users), behaviour.fatigue_opened), at_ms)
        for push, opened_ms, converts in zip(pushes, at_ms.tolist(), p_convert.tolist(), strict=True):
            if min(people.left_ms[push.user], people.opted_out_ms[push.user]) <= opened_ms:
                continue  # what was still to be seen went with the permission
            rng = push.draws.generator()
            luck, slowness = rng.random(), rng.normal()
            self._report(push, Outcome.OPENED, opened_ms)
            self._events.append(self._sessions.led(push.user, push.item, opened_ms, push.command, rng))
            if luck < converts:
                delay = behaviour.convert_after_ms * np.exp(behaviour.convert_delay_spread * slowness)
                when = opened_ms + 60_000 + int(min(delay, _LONGEST_CONVERSION_MS))
                events, worth = self._sessions.converted(push.user, push.item, when, push.command, rng)
                if worth is not None:
                    self._events.append(events)
                    self._report(push, Outcome.CONVERTED, when + 1, value=worth)

    def _nuisance(self, users: Ints, items: Ints, at_ms: Ints) -> Floats:
        """By how much a push tires: more without interest, at a bad hour, and again."""
        behaviour = self._behaviour
        interest = np.clip(self._truth.match(users, items), 0, 1)
        hour = np.clip(self._truth.opening_hour(users, at_ms), 0, 1)
        repeated = self._people.shown.when(users, items) > LONG_AGO_MS
        nuisance: Floats = (
            behaviour.fatigue_irrelevant * (1 - 0.7 * interest)
            + behaviour.fatigue_bad_hour * (1 - hour)
            + behaviour.fatigue_repeated * repeated
        )
        return nuisance

    def _opt_out(self, push: Pending, at_ms: int, *, leaves: bool) -> None:
        people = self._people
        if people.opted_out_ms[push.user] != NEVER_MS:  # about to, because of another push
            return
        people.opted_out_ms[push.user] = at_ms
        if leaves:  # nobody says so; the next push finds no device
            people.left_ms[push.user] = at_ms
        else:
            self._report(push, Outcome.UNSUBSCRIBED, at_ms)

    def _report(self, push: Pending, outcome: Outcome, at_ms: int, value: float = 0.0, reason: str = "") -> None:
        self._reports.append(Report(at_ms, push.command_id, outcome, push.user, push.item, value, reason))


def _columns(steps: list[tuple[int, Pending]]) -> tuple[list[Pending], Ints, Ints, Ints]:
    pushes = [push for _, push in steps]
    users = np.array([push.user for push in pushes], np.int64)
    items = np.array([push.item for push in pushes], np.int64)
    return pushes, users, items, np.array([at_ms for at_ms, _ in steps], np.int64)
