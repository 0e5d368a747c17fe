"""The log of the benchmarks: a day of visits to a shop with social features. The same for the same arguments.

A few users come often and most seldom (log-normal), a visit has a geometric number of events, most of them in one group of similar items that the
user likes, a quarter of them on the item of the event before; records arrive a little out of order, and one in five hundred twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.items import SEED, Catalogue, item_id
from benchmarks.overlay import DAY_MS
from kairos.v1 import interaction_pb2 as kinds
from kairos.v1 import signal_pb2

Ints = NDArray[np.int64]

EVENTS_PER_USER_AND_DAY = 12
EVENTS_PER_VISIT = 8
SPREAD_OF_ACTIVITY = 1.2
GAP_MS = 25_000
DELAY_MS = 2_000
DUPLICATE_SHARE = 0.002

MIX = {
    kinds.INTERACTION_TYPE_VIEW: 0.52,
    kinds.INTERACTION_TYPE_CLICK: 0.12,
    kinds.INTERACTION_TYPE_DWELL: 0.10,
    kinds.INTERACTION_TYPE_CART: 0.05,
    kinds.INTERACTION_TYPE_SEARCH: 0.05,
    kinds.INTERACTION_TYPE_IMPRESSION: 0.04,
    kinds.INTERACTION_TYPE_FAVOURITE: 0.03,
    kinds.INTERACTION_TYPE_LIKE: 0.03,
    kinds.INTERACTION_TYPE_PURCHASE: 0.02,
    kinds.INTERACTION_TYPE_SHARE: 0.012,
    kinds.INTERACTION_TYPE_CHECKOUT: 0.01,
    kinds.INTERACTION_TYPE_COMMENT: 0.01,
    kinds.INTERACTION_TYPE_REMOVE_FROM_CART: 0.005,
    kinds.INTERACTION_TYPE_DISLIKE: 0.003,
}
_WITHOUT_ITEM = frozenset({kinds.INTERACTION_TYPE_SEARCH})
_PLACES = (("pt-BR", "America/Sao_Paulo", "BR"), ("de-DE", "Europe/Berlin", "DE"), ("en-GB", "Europe/London", "GB"))


@dataclass(frozen=True, slots=True)
class Events:
    """Columns in order of arrival, one row per record."""

    user: Ints
    visit: Ints
    kind: Ints
    item: Ints
    """-1: none"""
    at_ms: Ints
    """Since the start of the log."""
    number: Ints
    """Which event it is: twice the same for a duplicate."""

    def __len__(self) -> int:
        return len(self.user)

    def records(self, start_ms: int, first: int = 0, end: int | None = None) -> Iterator[tuple[str, bytes]]:
        """(user id, kairos.v1.Signal) of the rows from `first` to before `end`, with the log starting at `start_ms`."""
        rows = slice(first, end)
        columns = (self.user[rows], self.visit[rows], self.kind[rows], self.item[rows], self.at_ms[rows] + start_ms, self.number[rows])
        for user, visit, kind, item, at_ms, number in zip(*(column.tolist() for column in columns), strict=True):
            yield user_id(user), signal(user, visit, kind, item, at_ms, f"{number * 0x9E3779B97F4A7C15 % (1 << 128):032x}")


def make_events(catalogue: Catalogue, users: int, count: int) -> Events:
    """`count` records of `users` users, over as much time as that takes at EVENTS_PER_USER_AND_DAY."""
    rng = np.random.default_rng(SEED + 1)
    activity = np.exp(rng.normal(0.0, SPREAD_OF_ACTIVITY, users))
    visits = 2 * count // EVENTS_PER_VISIT + 10
    length = rng.geometric(1 / EVENTS_PER_VISIT, visits)
    visits = int(np.searchsorted(np.cumsum(length), count)) + 1
    length = length[:visits]
    span_ms = DAY_MS * count / (EVENTS_PER_USER_AND_DAY * users)
    user_of_visit = rng.choice(users, visits, p=activity / activity.sum())
    group_of_visit = _taste(user_of_visit, len(catalogue.groups), rng)
    visit = np.repeat(np.arange(visits), length)
    total = len(visit)
    kind = rng.choice(list(MIX), total, p=list(MIX.values()))
    item = _items(catalogue, group_of_visit[visit], visit, rng)
    item[np.isin(kind, list(_WITHOUT_ITEM))] = -1
    gaps = rng.exponential(GAP_MS, total)
    since_visit = np.cumsum(gaps)
    first = np.repeat(np.cumsum(length) - length, length)
    at_ms = (rng.uniform(0, span_ms, visits)[visit] + since_visit - since_visit[first]).astype(np.int64)
    arrival = at_ms + rng.exponential(DELAY_MS, total)
    twice = np.flatnonzero(rng.random(total) < DUPLICATE_SHARE)
    rows = np.concatenate([np.arange(total), twice])
    order = np.argsort(np.concatenate([arrival, arrival[twice] + rng.exponential(10_000, len(twice))]), kind="stable")
    rows = rows[order][:count]
    return Events(user_of_visit[visit][rows], visit[rows], kind[rows], item[rows], at_ms[rows], rows + 1)


def user_id(number: int) -> str:
    """The id of a user."""
    return f"user-{number:07d}"


def signal(user: int, visit: int, kind: int, item: int, at_ms: int, event_id: str) -> bytes:
    """One record; `item` -1: none."""
    envelope = signal_pb2.Signal()
    body = envelope.interaction
    body.event_id = event_id
    body.user_id = user_id(user)
    body.type = kind  # type: ignore[assignment]  # the numbers are the contract's
    body.occurred_at_ms = at_ms
    if item >= 0:
        body.item_id = item_id(item)
    else:
        body.query = "something nice"
    context = body.context
    context.locale, context.time_zone, context.country = _PLACES[user % len(_PLACES)]
    context.platform = kinds.PLATFORM_ANDROID
    context.app_version = "7.31.0"
    context.session_id = f"visit-{visit:08d}"
    return envelope.SerializeToString()


def _taste(user: Ints, groups: int, rng: np.random.Generator) -> Ints:
    """The group a visit is about: mostly one of the two its user likes."""
    liked = (user * 2654435761 + rng.integers(0, 2, len(user)) * 40503) % groups
    return np.where(rng.random(len(user)) < 0.8, liked, rng.integers(0, groups, len(user)))


def _items(catalogue: Catalogue, group: Ints, visit: Ints, rng: np.random.Generator) -> Ints:
    """85 % in the visit's group, popular ones first; a quarter repeat the item before."""
    groups = catalogue.groups
    flat = np.concatenate(groups)
    size = np.array([len(members) for members in groups])
    start = np.cumsum(size) - size
    stray = rng.random(len(group)) < 0.15
    group = np.where(stray, rng.integers(0, len(groups), len(group)), group)
    item = flat[start[group] + (size[group] * rng.random(len(group)) ** 2).astype(np.int64)]
    fresh = (rng.random(len(group)) >= 0.25) | np.concatenate([[True], visit[1:] != visit[:-1]])
    result: Ints = item[np.maximum.accumulate(np.where(fresh, np.arange(len(group)), 0))]
    return result
