"""A step of a command that does several: a spinner while it runs, a line with its time when it is done."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kairos.console import done, stderr


@contextmanager
def step(doing: str) -> Iterator[Callable[[str], None]]:
    """Call what is yielded with what was reached. Nothing is printed as done if the step raises."""
    began_s = time.monotonic()
    reached = [doing]
    with stderr.status(f"{doing} …"):
        yield reached.append
    done(f"{reached[-1]} [dim]({time.monotonic() - began_s:.1f} s)[/]")
