"""Sending to a provider: again where its answer allows that, later where it asks for it, and never past the end of the push.

Waits are drawn evenly between nothing and a bound that doubles ("full jitter"), so that those who failed together do not come again
together. A provider that says how long to wait is believed, and what else goes to it waits as well. One that refuses our credentials
gets new ones once; if it refuses those too, it is left alone for ``auth_pause_ms``.

What waits is under way, and of that there is only so much: so that a provider that is away does not hold up all others, no more than
``most_waiting`` pushes wait for one channel. Those beyond take their next address, or have failed.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt
from tenacity.wait import wait_random_exponential

from gateway.delivery.channels.channel import Answer, Channel, Push, Verdict
from gateway.delivery.metrics import ATTEMPTS
from gateway.delivery.settings import RetrySettings
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import Target

OUT_OF_TIME = "OUT_OF_TIME"
CROWDED = "CROWDED"


class Sender:
    """Around one channel. ``clock_ms``: milliseconds since the epoch."""

    def __init__(
        self,
        channel: Channel,
        settings: RetrySettings,
        clock_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.channel = channel
        self._settings = settings
        self._clock_ms = clock_ms
        self._sleep = sleep
        self._name = feedback_pb2.Channel.Name(channel.number).removeprefix("CHANNEL_").lower()
        self._log = structlog.get_logger("channel").bind(channel=self._name)
        self._waiting = 0
        self._closed_until_ms: dict[str, int] = {}
        """By party: nothing is sent there before."""
        self._draw = wait_random_exponential(multiplier=settings.first_wait_ms / 1000, max=settings.max_wait_ms / 1000)

    async def send(
        self,
        push: Push,
        target: Target,
        failed_once: Callable[[Answer, int], Awaitable[None]],
        obstacle: Callable[[], Answer | None],
        waited: Callable[[], Awaitable[None]] | None = None,
    ) -> tuple[Answer, int]:
        """The last answer, and how often it was tried. ``failed_once`` is awaited before each further attempt, ``waited`` after each wait:
        what ``obstacle`` says, if anything is in the way of sending, may be another thing then.
        """
        attempts = 0
        party = self.channel.party(target)

        async def attempt() -> Answer:
            nonlocal attempts
            wait_s = self._closed_for_s(push, party)
            if wait_s > 0:
                if self._is_crowded():
                    return Answer(Verdict.AGAIN, CROWDED, "too many wait for the provider")
                await self._wait(wait_s)
            if waited is not None and (wait_s > 0 or attempts):
                await waited()
            if (found := obstacle()) is not None:
                return found
            now_ms = self._clock_ms()
            if now_ms >= push.ends_at_ms:
                return Answer(Verdict.REFUSED, OUT_OF_TIME, "its time was over")
            attempts += 1
            answer = await self.channel.send(push, target, now_ms)
            if answer.verdict is Verdict.CREDENTIALS:
                await self.channel.refresh()
                answer = await self.channel.send(push, target, now_ms)
            ATTEMPTS.labels(self._name, answer.verdict.value, answer.code).inc()
            self._heed(answer, party)
            return answer

        async def before_sleep(state: RetryCallState) -> None:
            if state.outcome is not None:
                await failed_once(state.outcome.result(), attempts)

        retrying = AsyncRetrying(
            retry=retry_if_result(lambda answer: answer.verdict in (Verdict.AGAIN, Verdict.CREDENTIALS)),
            wait=self._wait_s,
            stop=lambda state: (
                self._is_crowded()
                or stop_after_attempt(self._settings.attempts)(state)
                or self._clock_ms() + state.upcoming_sleep * 1000 >= push.ends_at_ms
            ),
            sleep=self._wait,
            before_sleep=before_sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        answer: Answer = await retrying(attempt)
        return answer, attempts

    def _wait_s(self, state: RetryCallState) -> float:
        answer: Answer | None = state.outcome.result() if state.outcome else None
        if answer is not None and answer.wait_ms is not None:
            return answer.wait_ms / 1000
        return self._draw(state)

    def _heed(self, answer: Answer, party: str) -> None:
        """What one push is told holds for all that go to the same party."""
        if answer.verdict is Verdict.AGAIN and answer.wait_ms and not answer.alone:
            wait_ms = min(answer.wait_ms, self._settings.longest_pause_ms)
            self._closed_until_ms[party] = max(self._closed_until_ms.get(party, 0), self._clock_ms() + wait_ms)
            self._log.warning("asked to wait", code=answer.code, wait_ms=answer.wait_ms)
        elif answer.verdict is Verdict.CREDENTIALS:
            self._closed_until_ms[party] = self._clock_ms() + self._settings.auth_pause_ms
            self._log.error("our credentials are refused", code=answer.code, reason=answer.reason)

    def _closed_for_s(self, push: Push, party: str) -> float:
        """Not longer than the push is worth anything."""
        return (min(self._closed_until_ms.get(party, 0), push.ends_at_ms) - self._clock_ms()) / 1000

    def _is_crowded(self) -> bool:
        return self._waiting >= self._settings.most_waiting

    async def _wait(self, seconds: float) -> None:
        self._waiting += 1
        try:
            await self._sleep(seconds)
        finally:
            self._waiting -= 1
