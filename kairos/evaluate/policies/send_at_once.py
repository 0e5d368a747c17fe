"""Send at once: whoever shows interest in something gets the item that fits them best, now.

What "triggered push" means in the usual tools. Two caps that these come with or recommend: one push a visit (nothing within 30 minutes of the
last one) and three a day. Without them a visit of a dozen views would bring a dozen pushes, which nobody does and which would flatter
everything that is compared with it.
"""

from collections.abc import Iterable

import numpy as np

from flink_job.core.rules import Rules
from kairos.evaluate.seen import TRIGGERS, Seen
from kairos.evaluate.stage import Stage, Wish
from kairos.evaluate.taste import Taste
from kairos.world.world import Chapter

_VISIT_MS = 30 * 60_000
_DAY_MS = 86_400_000
_A_DAY = 3


class SendAtOnce:
    """No quiet hours, no fatigue, no threshold: it never waits."""

    def __init__(self, stage: Stage, rules: Rules, feature_dim: int) -> None:
        self._stage = stage
        self._seen = Seen(stage.world, feature_dim)
        self._taste = Taste(stage.world.people.n, rules, self._seen)
        self._last_ms = np.full((stage.world.people.n, _A_DAY), -_DAY_MS, np.int64)  # newest first

    def step(self, chapter: Chapter, now_ms: int) -> Iterable[Wish]:
        """One for each user with a trigger since the last step."""
        self._seen.take(chapter)
        self._taste.observe(chapter.interactions, now_ms)
        events = chapter.interactions
        triggered = np.unique(events["user"][TRIGGERS[events["type"]]])
        if not len(triggered):
            return
        last = self._last_ms[triggered]
        free = (last[:, 0] <= now_ms - _VISIT_MS) & (last[:, -1] <= now_ms - _DAY_MS)
        users = self._stage.allowance.among(triggered[free & self._seen.wants[triggered]])
        if not len(users):
            return
        offered = self._seen.offered(now_ms)
        for user in users.tolist():
            item = self._taste.best(user, offered, now_ms)
            if item is not None and self._stage.allowance.spend(user):
                self._taste.sent(user, item, now_ms)
                self._last_ms[user] = now_ms, *self._last_ms[user, :-1]
                yield Wish(user, item, self._stage.names.next(user, now_ms))
