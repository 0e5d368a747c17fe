"""One at a time: a lock that the kernel lets go of when its holder ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kairos.errors import KairosError


@contextmanager
def locked(folder: Path, what: str) -> Iterator[None]:
    """Makes the folder if it is missing; raises ``KairosError`` naming the process that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise KairosError(
                f"{what} of this clone runs already (process {holder}).", "End it first, or set KAIROS_HOME to another folder."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
