"""Where the demo's events come from: the built-in world, or a log of the past."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Source(Protocol):
    """A program that writes items and interactions to Kafka."""

    @property
    def title(self) -> str:
        """What it is, for the log's name and for messages."""

    def command(self, config: Path) -> list[str]:
        """The program and its arguments; ``config`` names the Kafka to write to."""

    def words(self) -> str:
        """What it does, for the person who watches."""


@dataclass(frozen=True, slots=True)
class WorldSource:
    """``kairos simulate``. ``time_scale``: how many times as fast as life, ``None`` for the world's lively pace; ``rate``: events a second."""

    users: int
    items: int
    time_scale: float | None = None
    rate: float | None = None

    @property
    def title(self) -> str:  # noqa: D102 - the protocol says it
        return "The world"

    def command(self, config: Path) -> list[str]:  # noqa: D102 - the protocol says it
        argv = [*_KAIROS, "simulate", "--plain", "--lively", "--config", str(config)]
        argv += ["--users", str(self.users), "--items", str(self.items)]
        if self.time_scale is not None:
            argv += ["--time-scale", str(self.time_scale)]
        if self.rate is not None:
            argv += ["--rate", str(self.rate)]
        return argv

    def words(self) -> str:  # noqa: D102 - the protocol says it
        return f"A world of {self.users:,} users and {self.items:,} items: shop, news and social; they react to the pushes they get"


@dataclass(frozen=True, slots=True)
class LogSource:
    """``kairos replay``. ``kind``: globo, retail, taobao or a mapping file; ``None``: told by the columns."""

    path: Path
    kind: str | None
    speed: float
    rate: float | None = None

    @property
    def title(self) -> str:  # noqa: D102 - the protocol says it
        return "The replay"

    def command(self, config: Path) -> list[str]:  # noqa: D102 - the protocol says it
        argv = [*_KAIROS, "replay", str(self.path), "--no-progress", "--config", str(config)]
        argv += ["--rate", f"{self.rate:g}/s"] if self.rate is not None else ["--speed", str(self.speed)]
        if self.kind is not None:
            argv += ["--log", self.kind]
        return argv

    def words(self) -> str:  # noqa: D102 - the protocol says it
        pace = f"{self.rate:g} events a second" if self.rate is not None else f"{self.speed:g} times as fast as it happened"
        return f"{self.path.name}, {pace}"


_KAIROS = [sys.executable, "-m", "kairos.cli.app"]
