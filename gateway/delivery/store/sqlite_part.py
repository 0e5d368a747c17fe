"""What the parts of the SQLite store share: one connection, transactions, and questions about many keys at once."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

_MOST_KEYS = 512
"""In one statement: SQLite takes 999 values, in the oldest version that Python meets."""


class SqlitePart:
    """``gateway`` is unique for each process. Belongs to the thread that calls it first."""

    def __init__(self, db: sqlite3.Connection, gateway: str, linger_ms: int) -> None:
        self._db = db
        self._gateway = gateway
        self._linger_ms = linger_ms

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """One of its own, unless the caller has begun one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _about(self, query: str, keys: Iterable[str], *values: object) -> Iterator[Any]:
        """Rows of ``query``, in which ``{keys}`` stands for a list of keys; of more than a statement takes, one part after the other.

        ``values`` are for what stands behind the keys.
        """
        different = list(dict.fromkeys(keys))
        for start in range(0, len(different), _MOST_KEYS):
            part = different[start : start + _MOST_KEYS]
            # A power of two of them, the last one repeated: so there are few statements, and SQLite has them ready.
            part += part[-1:] * ((1 << (len(part) - 1).bit_length()) - len(part))
            yield from self._db.execute(query.format(keys=",".join("?" * len(part))), (*part, *values))
