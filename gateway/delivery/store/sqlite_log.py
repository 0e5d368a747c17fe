"""The write-ahead log of the SQLite store is moved into the file by a thread of its own, so that no transaction waits for the disk.

What SQLite says stands in its way is logged, and tried again.

Left to itself, SQLite does that within whichever commit fills the log, and that commit takes as long as the disk.
"""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import structlog


class LogMover:
    """``every_ms``: between two moves. ``most_bytes``: above that, writers wait until all is moved, and the log begins anew."""

    def __init__(self, path: Path, *, synchronous: str, busy_ms: int, every_ms: int, most_bytes: int) -> None:
        self._path = path
        self._synchronous = synchronous
        self._busy_ms = busy_ms
        self._every_ms = every_ms
        self._most_bytes = most_bytes
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="store-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns when it has let go of the file."""
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                with closing(sqlite3.connect(self._path, timeout=self._busy_ms / 1000, isolation_level=None)) as db:
                    db.execute(f"PRAGMA synchronous = {self._synchronous}")
                    page_bytes = db.execute("PRAGMA page_size").fetchone()[0]
                    while not self._stopping.wait(self._every_ms / 1000):
                        self._move(db, page_bytes)
            except sqlite3.Error as error:
                # Nothing is lost: what is in the log is durable, and the store's own connection moves it when that is much too long.
                structlog.get_logger("store").warning("the log could not be moved", reason=str(error))
                self._stopping.wait(self._every_ms / 1000)

    def _move(self, db: sqlite3.Connection, page_bytes: int) -> None:
        _, pages, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if pages * page_bytes > self._most_bytes:
            db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()  # little is left: what was written meanwhile
