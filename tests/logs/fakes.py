"""A clock and a Kafka that are lists."""

from collections.abc import Iterable

from kairos.logs.encode import Record


class FakeClock:
    """Time passes only in ``sleep_ms``."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self.time_ms = float(now_ms)
        self.slept: list[float] = []

    def now_ms(self) -> int:
        return int(self.time_ms)

    def sleep_ms(self, ms: float) -> None:
        self.slept.append(ms)
        self.time_ms += ms


class ListSink:
    """Keeps what was sent, with the time of sending."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.records: list[tuple[str, bytes, bytes, int]] = []

    def send(self, topic: str, records: Iterable[Record]) -> None:
        self.records += [(topic, key, value, self._clock.now_ms()) for key, value in records]

    def flush(self) -> None:
        """Everything is there at once."""
