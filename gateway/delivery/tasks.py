"""Work that is under way: begun with a task each, waited for at the end, and never failing unseen."""

import asyncio
from collections.abc import Callable, Coroutine

Task = asyncio.Task[None]


class Tasks:
    """``failed`` is called with what a task raises. Work that only waits for its moment may be given up at once."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._under_way: set[Task] = set()
        self._waiting: set[Task] = set()

    def start(self, work: Coroutine[None, None, None]) -> Task:
        """Begin."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def start_waiting(self, work: Coroutine[None, None, None]) -> None:
        """Begin what waits for a moment that may be hours away."""
        task = self.start(work)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def finish(self, timeout_s: float) -> None:
        """Wait for what is under way and what that begins, and give up what is not done by then."""
        for task in self._waiting:
            task.cancel()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while self._under_way and (left_s := deadline - loop.time()) > 0:
            await asyncio.wait(self._under_way, timeout=left_s)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _ended(self, task: Task) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
