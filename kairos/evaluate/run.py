"""One policy on one world, from beginning to end."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from flink_job.config.load import parse_config
from kairos.evaluate.allowance import Allowance, Matched, Unlimited
from kairos.evaluate.ledger import Ledger, Outcomes
from kairos.evaluate.names import CommandNames
from kairos.evaluate.plan import START_MS, Plan
from kairos.evaluate.roster import ROSTER
from kairos.evaluate.stage import Stage
from kairos.evaluate.worlds import settings_of
from kairos.world import Push, World
from kairos.world.curves import Habit
from kairos.world.people import user_name

STEP_MS = 300_000
"""Five minutes, the world's own tick; also how late a push may be."""
_DAY_MS = 86_400_000


def run(plan: Plan, policy: str, seed: int, sent_by_day: NDArray[np.int64] | None, day_is_over: Callable[[], None]) -> Outcomes:
    """``sent_by_day``: what a matched policy is matched with."""
    entry = ROSTER[policy]
    began = time.process_time()
    world = World(settings_of(plan.world, seed=seed, start_ms=START_MS, users=plan.users, items=plan.items, scenario=plan.scenario))
    allowance: Allowance = Unlimited()
    if entry.matched:
        assert sent_by_day is not None
        allowance = Matched(plan.users, START_MS, sent_by_day, per_user=not entry.chooses_users)
    stage = Stage(world, CommandNames(START_MS), allowance)
    decide = entry.make(stage)
    ledger = Ledger(world, best_hours(world))
    days = 7 * plan.weeks
    for day in range(days):
        for now_ms in range(START_MS + day * _DAY_MS + STEP_MS, START_MS + (day + 1) * _DAY_MS + 1, STEP_MS):
            chapter = world.advance(now_ms)
            ledger.happened(chapter)
            allowance.advance(now_ms)
            for wish in decide.step(chapter, now_ms):
                push = Push(wish.command_id, user_name(wish.user), (world.items.ids[wish.item],), expires_at_ms=wish.expires_ms)
                world.deliver(push, now_ms)
                ledger.sent(wish, now_ms)
        day_is_over()
    return ledger.close(START_MS + days * _DAY_MS, time.process_time() - began)


def best_hours(world: World) -> NDArray[np.float64]:
    """t*: the hour of each day of the week at which CTR·CVR is highest, among those that the shipped quiet hours allow; (n_users, 7)."""
    behaviour = world.settings.behaviour
    quiet = parse_config({}).policy.gates.quiet_hours
    hours = np.arange(24)
    after, before = quiet.end_minute / 60, quiet.start_minute / 60
    allowed = (hours >= after) & (hours < before) if after < before else (hours >= after) | (hours < before)
    users = range(world.people.n)
    opening = np.array([world.truth.week(Habit.OPENING, user) for user in users]).reshape(-1, 7, 24)
    converting = np.array([world.truth.week(Habit.CONVERTING, user) for user in users]).reshape(-1, 7, 24)
    worth = opening**behaviour.open_per_log_hour * converting**behaviour.convert_per_log_hour
    best: NDArray[np.float64] = np.where(allowed, worth, -1.0).argmax(axis=2).astype(float)
    return best


def sent_by_day(outcomes: Outcomes) -> NDArray[np.int64]:
    """How many pushes had been sent by the end of each day, (days,)."""
    days = -(-(outcomes.end_ms - outcomes.start_ms) // _DAY_MS)
    day = (outcomes.sent["at_ms"] - outcomes.start_ms - 1) // _DAY_MS
    counted: NDArray[np.int64] = np.cumsum(np.bincount(day, minlength=days))
    return counted
