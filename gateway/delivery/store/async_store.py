"""A store for the event loop: operations of many tasks share a transaction, and so a flush of the disk.

*Contract*: ``run`` returns when its operation is durable. Operations run in the order of the calls. An operation that raises lets
the others be; a transaction that fails fails all of its operations. If the thread itself fails, so do all that wait and all that come.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from gateway.delivery.metrics import STORE_SECONDS
from gateway.delivery.store.errors import StoreEndedError, TransactionLostError
from gateway.delivery.store.store import Store

T = TypeVar("T")
MOST_IN_ONE_TRANSACTION = 500

_Operation = tuple[Callable[[Store], Any], "asyncio.Future[Any]"]
_Answer = tuple["asyncio.Future[Any]", Any, BaseException | None]


class AsyncStore:
    """Owns the thread in which a store lives, from ``open`` to ``close``."""

    def __init__(self, make: Callable[[], Store]) -> None:
        self._make = make
        self._queue: queue.SimpleQueue[_Operation | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._under_way: list[_Operation] = []
        self._ended_with: BaseException | None = None

    async def open(self) -> None:
        """Raises what opening the store raises."""
        self._thread.start()
        await self._ready

    async def run(self, operation: Callable[[Store], T]) -> T:
        """What ``operation`` returns, once it is durable. Raises what it raises, what the transaction does, and StoreEndedError."""
        if self._ended_with is not None:
            raise _ended_with(self._ended_with)
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put((operation, future))
        return await future

    async def close(self, timeout_s: float | None = None) -> None:
        """Returns when everything that was begun is durable, or the time is over: a store that is away need not be waited for at the end."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, timeout_s)

    def _work(self) -> None:
        try:
            store = self._make()
        except Exception as error:  # noqa: BLE001 - raised by `open`
            self._loop.call_soon_threadsafe(self._ready.set_exception, error)
            return
        self._loop.call_soon_threadsafe(self._ready.set_result, None)
        try:
            self._serve(store)
        except BaseException as error:  # noqa: BLE001 - raised by `run`: where a thread dies unseen, all would wait for ever
            self._loop.call_soon_threadsafe(self._ended, error)

    def _serve(self, store: Store) -> None:
        ending = False
        while not ending:
            batch = [self._queue.get()]
            while len(batch) < MOST_IN_ONE_TRANSACTION and not self._queue.empty():
                batch.append(self._queue.get())
            ending = None in batch
            operations = [item for item in batch if item is not None]
            if operations:
                self._under_way = operations
                with STORE_SECONDS.time():
                    answers = _one_transaction(store, operations)
                self._loop.call_soon_threadsafe(_tell, answers)
        store.close()

    def _ended(self, error: BaseException) -> None:
        """In the event loop: nobody waits for what will not come."""
        self._ended_with = error
        waiting = [*self._under_way]
        while not self._queue.empty():
            if (item := self._queue.get()) is not None:
                waiting.append(item)
        for _, future in waiting:
            if not future.done():
                future.set_exception(_ended_with(error))


def _ended_with(error: BaseException) -> StoreEndedError:
    ended = StoreEndedError(f"the store's thread has ended with {type(error).__name__}: {error}")
    ended.__cause__ = error
    return ended


def _one_transaction(store: Store, operations: list[_Operation]) -> list[_Answer]:
    while True:
        try:
            return _tried(store, operations)
        except TransactionLostError:
            store.rollback()


def _tried(store: Store, operations: list[_Operation]) -> list[_Answer]:
    answers: list[_Answer] = []
    try:
        store.begin()
        for operation, future in operations:
            try:
                answers.append((future, operation(store), None))
            except TransactionLostError:
                raise
            except Exception as error:  # noqa: BLE001 - raised where the operation was asked for
                answers.append((future, None, error))
        store.commit()
    except TransactionLostError:
        raise
    except Exception as error:  # noqa: BLE001 - as above: the file is locked, or the disk full
        store.rollback()
        return [(future, None, error) for _, future in operations]
    return answers


def _tell(answers: list[_Answer]) -> None:
    for future, result, error in answers:
        if future.cancelled():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
