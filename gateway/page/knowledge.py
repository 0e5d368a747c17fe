"""All that the page knows, kept up by the feed. Belongs to the event loop."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import DecodeError

from gateway.page.catalogue import Catalogue
from gateway.page.feed import Records
from gateway.page.memory import Memory
from gateway.page.settings import PageSection
from gateway.page.tally import Tally
from kairos.v1.dead_letter_pb2 import DeadLetter
from kairos.v1.decision_pb2 import Decision
from kairos.v1.item_pb2 import Item
from kairos.v1.push_pb2 import PushCommand
from kairos.v1.signal_pb2 import Signal


class Knowledge:
    """`take` is what the feed calls."""

    def __init__(self, settings: PageSection, clock_ms: Callable[[], int]) -> None:
        self.catalogue = Catalogue()
        self.memory = Memory(settings.users, settings.per_user)
        self.tally = Tally(clock_ms)

    def take(self, records: Records) -> None:
        """What cannot be read is passed over: the job tells of it."""
        for topic, key, value, written_ms in records:
            try:
                self._take(topic, key, value, written_ms)
            except DecodeError:
                continue

    def _take(self, topic: str, key: bytes | None, value: bytes | None, written_ms: int) -> None:
        if topic == "items":
            if key is not None:
                self.catalogue.put(key.decode(errors="replace"), Item.FromString(value) if value is not None else None)
        elif value is None:
            return
        elif topic == "decisions":
            decision = Decision.FromString(value)
            self.memory.decided(decision)
            self.tally.decided(decision, written_ms)
        elif topic == "pushes":
            command = PushCommand.FromString(value)
            self.memory.pushed(command)
            self.tally.pushed(command, written_ms)
        elif topic == "feedback":
            feedback = Signal.FromString(value).feedback
            self.memory.answered(feedback)
            self.tally.answered(feedback, written_ms)
        elif topic == "dead-letters":
            self.tally.refused(DeadLetter.FromString(value), written_ms)
