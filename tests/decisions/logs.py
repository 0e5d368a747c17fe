"""Decision logs that can be taken again: of a simulated world under the shipped policy, and of a few users whose records come late."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from flink_job.config import Config
from flink_job.config.load import parse_config
from flink_job.core.rules import Rules
from flink_job.engine import Engine, OutRecord
from flink_job.settings import engine_settings
from kairos.evaluate.allowance import Unlimited
from kairos.evaluate.names import CommandNames
from kairos.evaluate.plan import START_MS
from kairos.evaluate.policies.shipped import Shipped
from kairos.evaluate.stage import Stage
from kairos.evaluate.worlds import settings_of
from kairos.v1.decision_pb2 import Decision
from kairos.v1.knowledge_pb2 import BudgetPrice, Knowledge
from kairos.world import Push, World
from kairos.world.people import user_name
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, HOUR, MINUTE, SECOND

REPLAYABLE: dict[str, Any] = {
    "policy": {"log": {"suppressed_share": 1, "replayable_share": 1}, "candidates": {"neighbours": 30}},
    "learning": {"telling": {"enabled": True}},
}
STEP_MS = 5 * MINUTE
DAYS = 3
OFTEN = {"pending", "not_a_trigger"}
"""Reasons that need no look at the user: most of a log, and all alike."""


def replayable_config(**policy: Any) -> Config:
    """What is shipped, with all sources of candidates and every decision logged replayably; `policy` is laid over it."""
    return parse_config({**REPLAYABLE, "policy": {**REPLAYABLE["policy"], **policy}})


class _Listening(Shipped):
    """Keeps the decision log."""

    def __init__(self, stage: Stage, overlay: dict[str, Any]) -> None:
        super().__init__(stage, overlay)
        self.log: list[bytes] = []

    def _pushes(self, records: Iterable[OutRecord], now_ms: int) -> Any:
        kept = list(records)
        self.log += [value for topic, _, value in kept if topic == "kairos.decisions"]
        return super()._pushes(kept, now_ms)


@cache
def world_log(open_bonus: float = 0.0, days: int = DAYS) -> tuple[bytes, ...]:
    """Three days of forty users who react to what they get, in a catalogue that changes, under the whole shipped policy; learning on."""
    world = World(settings_of("default", seed=5, start_ms=START_MS, users=40, items=300, scenario="mixed"))
    policy = _Listening(
        Stage(world, CommandNames(START_MS), Unlimited()),
        {**REPLAYABLE, "learning": {**REPLAYABLE["learning"], "outcomes": {"open_bonus": open_bonus}}},
    )
    for now_ms in range(START_MS + STEP_MS, START_MS + days * DAY + 1, STEP_MS):
        chapter = world.advance(now_ms)
        for wish in policy.step(chapter, now_ms):
            world.deliver(Push(wish.command_id, user_name(wish.user), (world.items.ids[wish.item],), expires_at_ms=wish.expires_ms), now_ms)
    return tuple(policy.log)


def decisions_of_the_world() -> list[Decision]:
    """Without most of those that are all alike. They are shared: copy one before you change it."""
    return list(_decisions_of_the_world())


@cache
def _decisions_of_the_world() -> tuple[Decision, ...]:
    every = map(Decision.FromString, world_log())
    return tuple(each for number, each in enumerate(every) if each.reason not in OFTEN or number % 20 == 0)


def sent_in_the_world() -> list[Decision]:
    """The pushes."""
    return [each for each in decisions_of_the_world() if each.item_ids]


Step = tuple[int, int, bool, str, str, int, int]
"""(ms since the step before, how late its record is in ms, whether timers fire before it, user, kind of record, number, item)"""

ITEMS = tuple(
    (
        f"item {number}",
        item_record(
            f"item {number}",
            updated_at_ms=MONDAY_0930 - number,
            published_at_ms=MONDAY_0930 - number * HOUR,
            price=10.0 + number,
            categories=["things", f"kind {number % 3}"],
            creator_id=f"maker {number % 2}",
            consumable=number % 4 == 0,
            replenish_after_ms=3 * HOUR,
        ),
    )
    for number in range(12)
)


def log_of(rules: Rules, steps: Sequence[Step], **settings: Any) -> list[Decision]:
    """What the engine logs when records and timers come in this order: wake-ups may be overtaken, missed, or fire for nothing."""
    return [Decision.FromString(value) for topic, _, value in _run(rules, steps, settings) if topic == "kairos.decisions"]


def _run(rules: Rules, steps: Sequence[Step], given: dict[str, Any]) -> Iterator[OutRecord]:
    settings = engine_settings(parse_config({"catalogue": {"feature_dim": 2}}))
    engine = Engine(replace(settings, rules=rules, **given))
    for item_id, payload in ITEMS:
        engine.on_shared(item_id, payload, "kairos.items/0/0/0", 0)
    price = Knowledge(made_at_ms=MONDAY_0930, price=BudgetPrice(budget_id="all", price=0.001, valid_until_ms=MONDAY_0930 + 2 * DAY))
    engine.on_shared("price/all", price.SerializeToString(), "kairos.knowledge/0/0/0", 0)
    states: dict[str, bytes] = {}
    timers: set[tuple[int, str]] = set()
    now_ms = MONDAY_0930
    for number, (after_ms, late_ms, fires, user, kind, named, item) in enumerate(steps):
        now_ms += after_ms
        due = sorted(timer for timer in timers if timer[0] <= now_ms) if fires else []
        timers -= set(due)
        for at_ms, who in due:
            yield from _kept(engine.on_wake(who, at_ms, states.get(who), max(at_ms, now_ms)), who, states, timers)
        payload = record(user, kind, f"event-{named}", item, now_ms - late_ms)
        answer = engine.on_signal(user, payload, f"kairos.interactions/0/{number}/{now_ms}", states.get(user), now_ms)
        yield from _kept(answer, user, states, timers)


def _kept(answer: Any, user: str, states: dict[str, bytes], timers: set[tuple[int, str]]) -> list[OutRecord]:
    if answer.state is not None:
        states[user] = answer.state
    elif answer.erased:
        states.pop(user, None)
    timers |= {(at_ms, user) for at_ms in answer.wakes}
    records: list[OutRecord] = answer.records
    return records


def record(user: str, kind: str, event_id: str, item: int, at_ms: int) -> bytes:
    """A record of a user topic: an interaction's type by name, or `nudge`, `dismissed`, `moved`, `erase`."""
    if kind == "nudge":
        return signal(
            "nudge", nudge_id=event_id, user_id=user, trigger=4 + item % 3, item_id=f"item {item}", boost=0.3, occurred_at_ms=at_ms
        )
    if kind == "dismissed":
        return signal("feedback", feedback_id=event_id, user_id=user, outcome=8, occurred_at_ms=at_ms)
    if kind in ("moved", "erase"):
        facts: dict[str, Any] = {"country": "DE", "birth_year": 1990} if kind == "moved" else {"erase": True}
        return signal("user_update", update_id=event_id, user_id=user, occurred_at_ms=at_ms, **facts)
    number = {"view": 1, "search": 3, "favourite": 4, "cart": 6, "purchase": 9}[kind]
    return signal("interaction", event_id=event_id, user_id=user, type=number, item_id=f"item {item}", occurred_at_ms=at_ms)


AFTER_MS = (0, 1, SECOND, 20 * SECOND, 3 * MINUTE, 20 * MINUTE, HOUR, 7 * HOUR, DAY)
KINDS = ("view", "view", "view", "search", "favourite", "cart", "purchase", "nudge", "dismissed", "moved", "erase")
