"""What a build is to the runner: something that reads a stage's topics from the start and writes pushes, decisions and dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import yaml

from benchmarks.overlay import overlay
from benchmarks.stage import Stage


class Running(Protocol):
    """A build while it runs."""

    def pids(self) -> Sequence[int]:
        """The processes whose trees are the build; the broker is not among them."""

    def check(self) -> None:
        """Raise KairosError with what is known about it if the build has ended."""

    def facts(self) -> dict[str, Any]:
        """What the build itself can tell at the end of a run, such as the size of its last checkpoint."""


class Build(Protocol):
    """A program that can be measured."""

    @property
    def name(self) -> str:
        """Short, for tables and file names."""

    @property
    def title(self) -> str:
        """In words."""

    def running(self, stage: Stage, folder: Path) -> AbstractContextManager[Running]:
        """Start it on a stage, with `folder` for its files; it has been stopped when the block is left."""


def write_config(stage: Stage, folder: Path, **job: object) -> Path:
    """The configuration of all builds: the shipped one, this stage's topics, and the benchmarks' overlay."""
    document = {
        "kafka": {
            "bootstrap_servers": stage.bootstrap_servers,
            "topic_prefix": stage.prefix,
            "group_id": f"{stage.prefix}decide",
            "start_from": "earliest",
        },
        "job": job,
        **overlay(),
    }
    path = folder / "kairos.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
