"""Fails the job when most of what it reads is unusable: somebody wired a wrong topic, and draining it quietly would lose it."""

from __future__ import annotations


class TooManyDeadLetters(RuntimeError):
    """More dead letters than `limits.dead_letter_share` allows."""


class DeadLetterLimit:
    """Counts bad records in blocks of `sample`."""

    __slots__ = ("_bad", "_most", "_sample", "_seen")

    def __init__(self, share: float, sample: int) -> None:
        self._most = share * sample
        self._sample = sample
        self._seen = 0
        self._bad = 0

    def good(self) -> None:
        """A record was fine."""
        self._seen += 1
        if self._seen >= self._sample:
            self._seen = self._bad = 0

    def bad(self, why: str) -> None:
        """A record was not. Raises TooManyDeadLetters."""
        self._bad += 1
        if self._bad > self._most:
            raise TooManyDeadLetters(
                f"{self._bad} of the last {self._seen + 1} records were dead letters, the newest because: {why}. Is the topic the "
                "right one? limits.dead_letter_share and limits.dead_letter_sample set the limit."
            )
        self.good()
