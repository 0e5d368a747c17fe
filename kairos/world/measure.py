"""What a world does, measured: the numbers that docs/world.md compares with published ones.

    python -m kairos.world.measure            # a few minutes; prints Markdown

Change ``behaviour``, run it again, and look whether the world is still plausible.
"""

import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np

from flink_job.core.signals import InteractionType as Type
from kairos.world.behaviour import DAY_MS, HOUR_MS
from kairos.world.memory import Ints
from kairos.world.settings import WorldSettings
from kairos.world.values import Push, Scenario
from kairos.world.world import World

START_MS = 1_772_409_600_000
"""Monday, 2 March 2026, 00:00 UTC."""
_IN_CHOICE = 60


def main() -> None:
    """Prints all tables."""
    for line in (*by_themselves(), "", *pushed_once(), "", *pushed_often()):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def by_themselves(users: int = 10_000, days: int = 7) -> Iterator[str]:
    """What people do when nothing is pushed: per 100 views, and per user and day."""
    events = World(WorldSettings(seed=1, start_ms=START_MS, users=users, items=5_000)).advance(START_MS + days * DAY_MS).interactions
    yield "| | visits a user and day | views a visit | per 100 views |"
    yield "|---|---|---|---|"
    for scenario in Scenario:
        count = Counter(events["type"][events["scenario"] == scenario].tolist())
        views, visits = count[Type.VIEW], count[Type.SESSION_START]
        rates = ", ".join(
            f"{100 * count[kind] / views:.1f} {kind.name.lower().replace('_', ' ')}"
            for kind in Type
            if count[kind] and kind not in (Type.VIEW, Type.SESSION_START, Type.SIGN_UP)
        )
        yield f"| {scenario.name.lower()} | {visits / users / days:.2f} | {views / visits:.1f} | {rates} |"


def pushed_once(users: int = 6_000) -> Iterator[str]:
    """One push to everybody, by what is chosen and when: shares of those it was shown to."""
    yield "| one push | opened | of those converted | dismissed |"
    yield "|---|---|---|---|"
    for scenario in ("shop", "news", "social"):
        for name, best, at_best_hour in (
            ("random item, random hour", False, False),
            ("best of 60 items, random hour", True, False),
            ("best of 60 items, best hour", True, True),
        ):
            world = World(WorldSettings(seed=2, start_ms=START_MS, users=users, items=600, scenario=scenario))
            hours = _best_hours(world) if at_best_hour else np.random.default_rng(3).integers(0, 24, users)
            told = _push(world, hours, best=best)
            yield f"| {scenario}: {name} | {_shares(told)} |"


def pushed_often(users: int = 800, weeks: int = 8) -> Iterator[str]:
    """So many pushes a week for eight weeks, at random hours: who has had enough."""
    yield f"| shop, {weeks} weeks | opened | of those converted | dismissed | users opted out |"
    yield "|---|---|---|---|---|"
    for weekly, best in ((1, False), (3.5, False), (8, False), (1, True), (3.5, True), (8, True)):
        world = World(WorldSettings(seed=4, start_ms=START_MS, users=users, items=600, scenario="shop"))
        rng, told = np.random.default_rng(5), Counter[str]()
        for hour in range(weeks * 168):
            who = np.nonzero(rng.random(users) < weekly / 168)[0]
            _deliver(world, who, _choose(world, who, rng, best=best), START_MS + hour * HOUR_MS, f"{hour}")
            told.update(report.outcome.name for report in world.advance(START_MS + (hour + 1) * HOUR_MS).reports)
        out = (world.people.opted_out_ms < START_MS + weeks * 7 * DAY_MS).mean()
        yield f"| {weekly} a week, {'best of 60' if best else 'random'} | {_shares(told)} | {out:.0%} |"


def _push(world: World, hours: Ints, *, best: bool) -> Counter[str]:
    rng, told = np.random.default_rng(6), Counter[str]()
    for hour in range(24 * 4):
        who = np.nonzero(hours == hour)[0]
        _deliver(world, who, _choose(world, who, rng, best=best), START_MS + hour * HOUR_MS, "once")
        told.update(report.outcome.name for report in world.advance(START_MS + (hour + 1) * HOUR_MS).reports)
    return told


def _best_hours(world: World) -> Ints:
    users = np.arange(world.people.n)
    opening = np.array([world.truth.opening_hour(users, np.full(world.people.n, START_MS + hour * HOUR_MS)) for hour in range(24)])
    best: Ints = opening.argmax(axis=0)
    return best


def _choose(world: World, users: Ints, rng: np.random.Generator, *, best: bool) -> Ints:
    items = np.array([world.items.row_of[change.item_id] for change in world.catalogue()])
    choice = rng.choice(items, (len(users), _IN_CHOICE if best else 1))
    match = world.truth.match(users[:, None], choice)
    chosen: Ints = choice[np.arange(len(users)), match.argmax(axis=1)]
    return chosen


def _deliver(world: World, users: Ints, items: Ints, at_ms: int, name: str) -> None:
    for user, item in zip(users.tolist(), items.tolist(), strict=True):
        world.deliver(Push(f"{name}-{user}", f"user-{user:06d}", (world.items.ids[item],)), at_ms)


def _shares(told: Counter[str]) -> str:
    shown, opened = max(told["DISPLAYED"], 1), max(told["OPENED"], 1)
    return f"{told['OPENED'] / shown:.1%} | {told['CONVERTED'] / opened:.0%} | {told['DISMISSED'] / shown:.0%}"


if __name__ == "__main__":
    main()
