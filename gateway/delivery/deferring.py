"""Commands whose moment has not come are kept in the store, and begun when it has: by whichever gateway looks first.

So none of them is under way while it waits, and its record is done: whatever the gateways die at, the store has it. A command leaves the
store when its outcome is told; what a gateway had begun that is dead by then, another takes.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from gateway.delivery.settings import DeliverySection
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.values import Deferred


class Deferring:
    """``begin`` is called with those whose moment has come, the first of them first, and ``done`` is to be with each."""

    def __init__(
        self, settings: DeliverySection, store: AsyncStore, clock_ms: Callable[[], int], begin: Callable[[Sequence[Deferred]], None]
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock_ms = clock_ms
        self._begin = begin
        self._under_way = 0
        self._look = asyncio.Event()
        """There may be something to begin before the next look."""

    async def put(self, several: Sequence[Deferred]) -> None:
        """Returns when the store has them."""
        await self._store.run(lambda store: store.defer(several))
        if min(each.due_ms for each in several) < self._clock_ms() + self._settings.deferred_poll_ms:
            self._look.set()  # those that are due later, a look comes before

    async def watch(self) -> None:
        """Begin with each at its moment. Runs until cancelled."""
        while True:
            self._look.clear()
            next_ms = await self._take()
            wait_ms = self._settings.deferred_poll_ms
            if next_ms is not None:
                wait_ms = max(0, min(wait_ms, next_ms - self._clock_ms()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), wait_ms / 1000)

    async def done(self, several: Sequence[Deferred]) -> None:
        """What became of them is told."""
        await self._store.run(lambda store: store.done_deferred(several))
        if self._under_way >= self._settings.max_in_flight:
            self._look.set()
        self._under_way -= len(several)

    async def _take(self) -> int | None:
        """When the next is due; None: none is, or there is no room for it."""
        room = min(self._settings.source.batch, self._settings.max_in_flight - self._under_way)
        if room <= 0:
            return None
        now_ms = self._clock_ms()
        due, next_ms = await self._store.run(lambda store: store.take_due(now_ms, room))
        if due:
            self._under_way += len(due)
            self._begin(due)
        return next_ms
