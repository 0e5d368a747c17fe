"""What a policy meets: a world that goes on, names for its commands, and how many pushes it may send.

    policy = make(stage)
    while ...:
        chapter = world.advance(now_ms)
        for wish in policy.step(chapter, now_ms):
            world.deliver(...)

*Contract*: a policy sees the chapters and what ``Seen`` says; only the oracle may ask ``stage.world.truth``. It is asked once a step,
with the present as ``now_ms``, and its wishes are carried out at once, all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kairos.evaluate.allowance import Allowance
from kairos.evaluate.names import CommandNames
from kairos.world import World
from kairos.world.world import Chapter


class Wish(NamedTuple):
    """Push this item to this user now. Rows are the world's; ``expires_ms`` 0: never."""

    user: int
    item: int
    command_id: str
    expires_ms: int = 0


class Policy(Protocol):
    """Whether, what and when; by whatever means."""

    def step(self, chapter: Chapter, now_ms: int) -> Iterable[Wish]:
        """Take in what happened since the last step and answer with the pushes that are wanted now."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a policy is made with."""

    world: World
    names: CommandNames
    allowance: Allowance
