"""Holds decisions back until the catalogue and the knowledge that were there at the start has been read, but not for ever."""

from __future__ import annotations

from flink_job.codec.origin import parse_origin


class WarmUp:
    """Waits for the last record of every partition, by the offsets that were read when the job was submitted."""

    def __init__(self, ends: dict[str, int], timeout_ms: int, retry_ms: int) -> None:
        self._missing = {partition: end for partition, end in ends.items() if end > 0}
        self._timeout_ms = timeout_ms
        self._retry_ms = retry_ms
        self._started_ms = 0

    @property
    def finished(self) -> bool:
        """Nothing is waited for."""
        return not self._missing

    def finish(self) -> None:
        """Stop waiting: a catalogue was restored."""
        self._missing.clear()

    def saw(self, origin: str) -> None:
        """A shared record was read."""
        if self._missing:
            source = parse_origin(origin)
            partition = f"{source.topic}/{source.partition}"
            if source.offset + 1 >= self._missing.get(partition, source.offset + 2):
                del self._missing[partition]

    def hold_until_ms(self, wall_ms: int) -> int:
        """When to look again, 0 if decisions may be taken now."""
        if not self._missing:
            return 0
        self._started_ms = self._started_ms or wall_ms
        if wall_ms - self._started_ms >= self._timeout_ms:
            # The last record may have been a transaction's marker, which nobody reads: go on with what is there.
            self._missing.clear()
            return 0
        return wall_ms + self._retry_ms
