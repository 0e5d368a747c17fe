"""One connected device: pushes go out in order, as fast as it takes them; one that takes too few is disconnected, and resumes later."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum

from gateway.delivery.metrics import DISCONNECTED
from gateway.delivery.settings import StreamSettings
from gateway.delivery.store.values import StreamEntry, Withdrawn

Event = StreamEntry | Withdrawn


class Ending(Enum):
    """Why the gateway ends a connection. The number is the WebSocket's close code."""

    UNAUTHORISED = 4401
    SLOW = 4408
    TOO_MANY = 4429
    RESTART = 1012
    UNWELCOME = 1008


class Connection:
    """``user_ids``: all the ids the user's pushes may have, the current one first. ``write`` sends one event; ``end`` closes the transport.

    ``write_now`` sends one without waiting, or says that it cannot.
    Until ``resume`` nothing is written: what is offered waits behind what the device has missed. Ids of pushes ascend, whatever is offered:
    a device that acknowledges one says that it has all before it.
    """

    __slots__ = (
        "_end",
        "_held",
        "_newest_id",
        "_pending",
        "_settings",
        "_write",
        "_write_now",
        "_writer",
        "device_id",
        "ended",
        "user_ids",
    )

    def __init__(
        self,
        user_ids: tuple[str, ...],
        device_id: str,
        write: Callable[[Event], Awaitable[None]],
        end: Callable[[Ending], None],
        settings: StreamSettings,
        write_now: Callable[[Event], bool] = lambda _event: False,
    ) -> None:
        self.user_ids = user_ids
        self.device_id = device_id
        self.ended: Ending | None = None
        self._write = write
        self._write_now = write_now
        self._end = end
        self._settings = settings
        self._pending: deque[Event] = deque()
        self._held = True
        self._newest_id = 0
        self._writer: asyncio.Task[None] | None = None

    def resume(self, missed: Sequence[StreamEntry], up_to_id: int) -> None:
        """What the device has not had, of all up to this id, goes first; what was offered meanwhile follows, as far as it is newer."""
        later = [event for event in self._pending if isinstance(event, Withdrawn) or event.stream_id > up_to_id]
        self._pending = deque((*missed, *later))
        self._newest_id = max(self._newest_id, up_to_id)
        self._held = False
        self._write_pending()

    def offer(self, event: Event) -> None:
        """A push for this device, unless it was offered before; or one that was taken back. Never waits."""
        if self.ended is not None:
            return
        if isinstance(event, StreamEntry):
            if event.stream_id <= self._newest_id:
                return
            self._newest_id = event.stream_id
        if not self._pending and self._writer is None and not self._held and self._write_now(event):
            return
        self._pending.append(event)
        if len(self._pending) > self._settings.max_pending:
            self.end(Ending.SLOW)
        else:
            self._write_pending()

    def take_back(self, command_id: str) -> None:
        """A push was taken back. What was not written yet never is; but an earlier connection of the device may have shown it."""
        self._pending = deque(event for event in self._pending if event.command_id != command_id)
        self.offer(Withdrawn(command_id))

    def end(self, why: Ending) -> None:
        """Close it, unless it is closed."""
        if self.ended is None:
            self.ended = why
            self._pending.clear()
            DISCONNECTED.labels(why.name.lower()).inc()
            self._end(why)

    def closed(self) -> None:
        """The transport is gone."""
        self.ended = self.ended or Ending.RESTART
        self._pending.clear()
        if self._writer is not None:
            self._writer.cancel()

    def _write_pending(self) -> None:
        # An idle connection has no task of its own: with ten thousand of them, that is what memory goes into.
        if self._writer is None and self._pending and not self._held:
            self._writer = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._pending:
                async with asyncio.timeout(self._settings.send_timeout_ms / 1000):
                    await self._write(self._pending.popleft())
        except TimeoutError:
            self.end(Ending.SLOW)
        except (OSError, RuntimeError):
            self._pending.clear()  # the client is gone; whoever reads from it will notice
        finally:
            self._writer = None
