"""Histories for property tests: what may happen to one user, in any order, as values that a failing test can print."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from hypothesis import strategies as st

from flink_job.core.effects import Effects
from flink_job.core.ids import command_id
from flink_job.core.signals import Channel, Feedback, Interaction, InteractionType, Nudge, Outcome, Signal, Trigger, UserUpdate
from tests.core.person import MONDAY_0930, Person
from tests.core.policies import DAY, HOUR, MINUTE, SECOND

T = TypeVar("T")

ITEMS = [f"item {number}" for number in range(12)]
CREATORS = ["potter", "smith"]
PURPOSES = [None, None, None, ("marketing", "editorial"), ("marketing",), ()]
ZONES = ["", "Europe/Berlin", "America/Los_Angeles", "Pacific/Chatham", "Not/AZone"]


@dataclass(frozen=True)
class Wakes:
    """The machine's clock moves on by so much, and timers fire."""

    by_ms: int


event_ids = st.integers(0, 2_000).map(lambda number: f"event-{number}")
seconds_ago = st.sampled_from([0, 0, 0, 0, 0, 0, 5, 30, 3_600, 7 * 86_400])
steps = st.sampled_from([0, SECOND, MINUTE, 20 * MINUTE, 3 * HOUR, 13 * HOUR, 4 * DAY])
items = st.sampled_from([*ITEMS, "", "unknown item"])
commands = st.one_of(event_ids.map(lambda cause: command_id("ann", cause)), st.sampled_from(["", "none of ours"]))

_OFTEN = [InteractionType[name] for name in ("VIEW", "SEARCH", "CART", "FAVOURITE", "DWELL")]
_OFTEN_REPORTED = [Outcome[name] for name in ("DELIVERED", "OPENED", "DISMISSED", "FAILED", "SUBSCRIBED")]


def weighted(*choices: tuple[int, st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """One of the strategies, each as often as its number says (`one_of` drops repetitions)."""
    return st.sampled_from([strategy for weight, strategy in choices for _ in range(weight)]).flatmap(lambda strategy: strategy)


def interactions(ids: st.SearchStrategy[str] = event_ids, things: st.SearchStrategy[str] = items) -> st.SearchStrategy[Interaction]:
    """`at_ms` is how long ago, in seconds, here and below; `live` makes a moment of it."""
    kinds = weighted((4, st.sampled_from(_OFTEN)), (1, st.sampled_from(list(InteractionType)))).map(int)
    countries, creators = st.sampled_from(["", "DE"]), st.sampled_from(["", *CREATORS])
    return st.builds(Interaction, ids, kinds, seconds_ago, things, st.sampled_from(ZONES), countries, st.just(""), creators)


def reports(ids: st.SearchStrategy[str] = event_ids, about: st.SearchStrategy[str] = commands) -> st.SearchStrategy[Feedback]:
    """What became of pushes; that a user opts out is rare, or no history would go far."""
    outcomes = weighted((7, st.sampled_from(_OFTEN_REPORTED)), (1, st.sampled_from(list(Outcome)))).map(int)
    return st.builds(Feedback, ids, about, outcomes, seconds_ago, st.sampled_from([0, Channel.FCM, Channel.WEB_PUSH]).map(int))


def nudges(ids: st.SearchStrategy[str] = event_ids, things: st.SearchStrategy[str] = items) -> st.SearchStrategy[Nudge]:
    """Nudges without an end."""
    boosts = st.sampled_from([0.0, 1.0, -1.0, 1e30])
    return st.builds(Nudge, ids, st.sampled_from(list(Trigger)).map(int), things, seconds_ago, st.just(0), boosts)


def updates(ids: st.SearchStrategy[str] = event_ids) -> st.SearchStrategy[UserUpdate]:
    """Facts, erasure left out; most speak of the zone, few against pushes."""
    yes = st.sampled_from([None, None, True, True, False])
    where = (st.sampled_from([None, *ZONES]), st.none(), st.none())
    who = (st.sampled_from(PURPOSES), st.sampled_from([None, 1980, 2015]), st.sampled_from([None, (), ("vip",)]))
    channels = st.sampled_from([None, None, (), (int(Channel.IN_APP), int(Channel.FCM))])
    return st.builds(UserUpdate, ids, seconds_ago, yes, yes, *where, st.just(False), *who, channels)


def signals(ids: st.SearchStrategy[str] = event_ids, things: st.SearchStrategy[str] = items) -> st.SearchStrategy[Signal]:
    """Anything that may be keyed by the user."""
    every: list[tuple[int, st.SearchStrategy[Signal]]] = [
        (7, interactions(ids, things)),
        (1, reports(ids)),
        (1, nudges(ids, things)),
        (1, updates(ids)),
    ]
    return weighted(*every)


histories: st.SearchStrategy[list[Signal | Wakes]] = st.lists(
    weighted((2, signals()), (1, st.builds(Wakes, steps))), min_size=8, max_size=60
)


def live(person: Person, history: Sequence[Signal | Wakes]) -> list[Effects]:
    """Let it happen to the person; the effects of each step."""
    now_ms = MONDAY_0930
    answers: list[Effects] = []
    for step in history:
        if isinstance(step, Wakes):
            now_ms += step.by_ms
            pending = person.state.pending
            while pending is not None and pending.due_ms <= now_ms:
                answers.append(person.wakes(pending.due_ms, wall_ms=now_ms))
                pending = person.state.pending
        else:
            answers.append(person.takes(step, now_ms - step.at_ms * SECOND, now_ms))
    return answers
