"""Ctrl-C as a question that is asked where nothing is half done, instead of an exception anywhere.

    with Interrupt() as interrupt:
        while not interrupt.requested:
            work()

*Contract*: in the main thread only the first Ctrl-C is taken; the second is the usual ``KeyboardInterrupt``, for work that hangs. In other threads
nothing changes: signals never arrive there; nor does it where Ctrl-C is ignored, as in what a shell runs in the background.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupt:
    """Catches Ctrl-C for the length of a ``with`` block."""

    def __init__(self) -> None:
        self.requested = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self._before = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._restore()

    def _request(self, _signum: int, _frame: FrameType | None) -> None:
        self.requested = True
        self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
