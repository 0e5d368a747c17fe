"""What every channel is: it sends one push to one address once, and says in the same words what came of it."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from kairos.v1.push_pb2 import PRIORITY_HIGH, PushCommand, Target


class Verdict(Enum):
    """What a provider's answer means."""

    ACCEPTED = "accepted"
    """It took the push."""
    AGAIN = "again"
    """Not now: the same may be sent again later."""
    DEAD_ADDRESS = "dead address"
    """There is no such device any more: never send to this address again."""
    REFUSED = "refused"
    """This push will never be taken by this address; another address may."""
    CREDENTIALS = "credentials"
    """Our own credentials were refused: get new ones, and send again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt. ``code``: the provider's own word. ``wait_ms``: how long to wait before the next; None: nobody says.

    ``alone``: the wait concerns this address only, not all that goes to the provider.
    """

    verdict: Verdict
    code: str
    reason: str = ""
    message_id: str = ""
    wait_ms: int | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """A command with its end, milliseconds since the epoch."""

    command: PushCommand
    ends_at_ms: int

    def ttl_s(self, now_ms: int, most: int) -> int:
        """Whole seconds a provider may keep it, 0 to ``most``."""
        return max(0, min((self.ends_at_ms - now_ms) // 1000, most))

    @property
    def urgent(self) -> bool:
        """Wakes the device."""
        return self.command.priority == PRIORITY_HIGH


class Channel(Protocol):
    """Safe to be used by many tasks at once."""

    @property
    def number(self) -> int:
        """Of the enum ``kairos.v1.Channel``."""

    def takes(self, target: Target) -> bool:
        """The address is complete, and one this gateway may call."""

    def party(self, target: Target) -> str:
        """Whose server it is: what one says about waiting does not concern the others."""

    async def send(self, push: Push, target: Target, now_ms: int) -> Answer:
        """One attempt. Raises nothing for what a provider or the network does."""

    async def refresh(self) -> None:
        """Forget the credentials that were refused."""

    async def close(self) -> None:
        """Let go of connections."""
