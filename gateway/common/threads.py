"""A thread that dies of what nobody expected is heard of: Python itself prints a trace, and the process lives on without it."""

import asyncio
import threading
from collections.abc import Callable


def hear_of_threads(died: Callable[[BaseException], None]) -> None:
    """From now on, ``died`` is called in this event loop with what any thread of the process dies of."""
    loop = asyncio.get_running_loop()

    def hear(of: threading.ExceptHookArgs) -> None:
        loop.call_soon_threadsafe(died, of.exc_value or of.exc_type())

    threading.excepthook = hear
