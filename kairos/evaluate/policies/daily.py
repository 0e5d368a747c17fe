"""One push a day to everybody, at an hour of their own day: what and when are two functions.

``FixedHour``: the item that fits best, at 20 h, when people are said to be quickest with their phones (docs/world.md, [13]); what a newsletter
tool does. ``PopularAtActiveHour``: what most people look at, at the hour at which this user is there most; what "send time optimisation"
without a model of items does.
"""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flink_job.core.signals import InteractionType as Type
from kairos.evaluate.seen import Rows, Seen
from kairos.evaluate.stage import Stage, Wish
from kairos.evaluate.taste import Taste
from kairos.world.columns import NOBODY
from kairos.world.world import Chapter

_HOUR = 20
_POPULARITY_HALVES_MS = 86_400_000
_PRIOR_EVENTS = 20.0  # of the population's day in each user's, so that the first visit does not decide


class Daily(Protocol):
    """What a daily policy is made of."""

    def observe(self, chapter: Chapter, now_ms: int) -> None:
        """Takes in a chapter."""

    def hours(self) -> NDArray[np.int64]:
        """Each user's hour of the day, (n_users,)."""

    def item(self, user: int, offered: Rows, now_ms: int) -> int | None:
        """What to send."""


class DailyPush:
    """Sends when a user's hour has come."""

    def __init__(self, stage: Stage, seen: Seen, taste: Taste, daily: Daily) -> None:
        self._stage, self._seen, self._taste, self._daily = stage, seen, taste, daily
        self._last_ms = np.zeros(stage.world.people.n, np.int64)

    def step(self, chapter: Chapter, now_ms: int) -> Iterable[Wish]:
        """One for each user whose hour it is and who had none today."""
        self._seen.take(chapter)
        self._taste.observe(chapter.interactions, now_ms)
        self._daily.observe(chapter, now_ms)
        hour = self._seen.local_hours(now_ms).astype(np.int64) % 24
        due = (hour == self._daily.hours()) & (now_ms - self._last_ms > 12 * 3_600_000) & self._seen.wants & self._seen.known
        users = self._stage.allowance.among(np.flatnonzero(due))
        if not len(users):
            return
        offered = self._seen.offered(now_ms)
        for user in users.tolist():
            item = self._daily.item(user, offered, now_ms)
            if item is not None and self._stage.allowance.spend(user):
                self._taste.sent(user, item, now_ms)
                self._last_ms[user] = now_ms
                yield Wish(user, item, self._stage.names.next(user, now_ms))


class FixedHour:
    """The best item at the same local hour for all."""

    def __init__(self, users: int, taste: Taste) -> None:
        self._taste = taste
        self._hours = np.full(users, _HOUR)

    def observe(self, chapter: Chapter, now_ms: int) -> None:
        """The taste is told by ``DailyPush``."""

    def hours(self) -> NDArray[np.int64]:
        """The same for all."""
        return self._hours

    def item(self, user: int, offered: Rows, now_ms: int) -> int | None:
        """The best by the score."""
        return self._taste.best(user, offered, now_ms)


class PopularAtActiveHour:
    """The item with most views lately, at the hour of the day with most events of the user."""

    def __init__(self, users: int, seen: Seen, taste: Taste) -> None:
        self._seen, self._taste = seen, taste
        self._events = np.zeros((users, 24))
        self._views = np.zeros(len(seen.deleted))
        self._now_ms: int | None = None

    def observe(self, chapter: Chapter, now_ms: int) -> None:
        """Counts hours and views."""
        events = chapter.interactions
        if self._now_ms is not None:
            self._views *= 0.5 ** ((now_ms - self._now_ms) / _POPULARITY_HALVES_MS)
        self._now_ms = now_ms
        if len(self._seen.deleted) > len(self._views):
            self._views = np.concatenate([self._views, np.zeros(len(self._seen.deleted) - len(self._views))])
        if len(events):
            hour = self._seen.local_hours(now_ms).astype(np.int64)[events["user"]] % 24
            np.add.at(self._events, (events["user"], hour), 1.0)
            viewed = events["item"][(events["type"] == Type.VIEW) & (events["item"] != NOBODY)]
            np.add.at(self._views, viewed, 1.0)

    def hours(self) -> NDArray[np.int64]:
        """The fullest hour of each user's day, a little of everybody's mixed in."""
        everybody = self._events.sum(axis=0)
        hours: NDArray[np.int64] = (self._events + _PRIOR_EVENTS * everybody / max(everybody.sum(), 1.0)).argmax(axis=1)
        return hours

    def item(self, user: int, offered: Rows, now_ms: int) -> int | None:
        """The most popular that may be sent to the user."""
        popular = offered[np.argsort(-self._views[offered], kind="stable")]
        return next((item for item in popular.tolist() if self._taste.may_be_sent(user, item, now_ms)), None)
