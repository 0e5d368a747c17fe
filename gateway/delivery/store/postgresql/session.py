"""One gateway's connection to the server, over as many connections as it takes; and its turns to write.

All that writes takes turns: it updates the one row of ``turn`` first, and so holds it until the end of its transaction. Two
transactions see one after the other, none stands in another's way, and the ids of the stream, which are counted in that row, become
visible in their order: a reader that has come to an id never misses a smaller one. Reading waits for nobody.

*Contract*: what passes is raised as TransactionLostError, and ``begin`` waits until the server is there. Whether a transaction took
place whose COMMIT was not answered is asked of the server, so that none is run twice.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg
import structlog
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from gateway.delivery.settings import PostgresqlSettings
from gateway.delivery.store.errors import TransactionLostError
from gateway.delivery.store.postgresql.connecting import Db, connect, where
from gateway.delivery.store.postgresql.schema import migrate
from kairos.errors import KairosError

Values = Sequence[object] | Mapping[str, object]

_TAKE = "BEGIN; UPDATE turn SET number = number + 1 WHERE one RETURNING number, newest_id, pg_current_xact_id()::text"
_WAITED_FOR_ANOTHER = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
"""Lost to another transaction; the connection is as good as before."""
_PASSING = (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction)
"""The connection is lost, the server ends, is full, or has become another's replica."""


@dataclass(slots=True)
class Turn:
    """What the transaction under way knows of the row it holds. ``xid``: the server's id of the transaction."""

    number: int
    newest_id: int
    xid: str
    newest_before: int


class Session:
    """``came_back`` is called in a connection that follows a lost one, with the seconds since that was lost."""

    def __init__(self, settings: PostgresqlSettings, gateway: str, busy_ms: int, came_back: Callable[[float], None]) -> None:
        self._settings = settings
        self._gateway = gateway
        self._busy_ms = busy_ms
        self._came_back = came_back
        self._log = structlog.get_logger("store")
        self.inside = False
        """A transaction is under way."""
        self.held: Turn | None = None
        """The turn, if the transaction under way has taken it."""
        self.seen_number = -1
        """The last turn whose writes this gateway has looked at."""
        self._away_since: float | None = None
        self._away_because = ""
        self._lost_in_a_row = 0
        self._db = self._first()

    def begin(self) -> None:
        """A transaction starts; the server hears of it with its first write. Waits for a server that is away."""
        if self._lost_in_a_row > 1:
            wait_s = self._settings.first_wait_ms / 1000 * 2 ** min(self._lost_in_a_row, 16)
            time.sleep(min(wait_s, self._settings.max_wait_ms / 1000))
        if self._db.closed:
            self._reconnect()
        self.inside = True

    def commit(self) -> None:
        """It ends. When this has returned, it is durable."""
        turn, self.held, self.inside = self.held, None, False
        if turn is None:
            return
        if self._db.info.transaction_status == TransactionStatus.INERROR:
            raise RuntimeError("a statement of the transaction failed, so all of it did")  # COMMIT would undo it without a word
        counted = f"UPDATE turn SET newest_id = {turn.newest_id} WHERE one; " if turn.newest_id > turn.newest_before else ""
        try:
            self._db.execute(counted + "COMMIT", prepare=False)
        except psycopg.Error as error:
            lost = self._lost(error)
            if lost is None:
                raise
            if not (self._db.closed and self._took_place(turn)):
                raise lost from error
        if self.seen_number == turn.number - 1:
            self.seen_number = turn.number
        self._lost_in_a_row = 0

    def rollback(self) -> None:
        """It never was. What was seen in it may not have been passed on, and is looked at again."""
        self.held, self.inside, self.seen_number = None, False, -1
        with contextlib.suppress(psycopg.Error):
            if not self._db.closed and self._db.info.transaction_status != TransactionStatus.IDLE:
                self._db.execute("ROLLBACK")

    @contextlib.contextmanager
    def turn(self) -> Iterator[Turn]:
        """For writing: in the transaction that is under way, or one of its own."""
        if self.inside:
            yield self._take()
            return
        self.begin()
        try:
            yield self._take()
            self.commit()
        except BaseException:
            self.rollback()
            raise

    def rows(self, query: str, values: Values = ()) -> list[TupleRow]:
        """What a statement returns."""
        return self._execute(query, values).fetchall()

    def count(self, query: str, values: Values = ()) -> int:
        """How many rows a statement changed."""
        return self._execute(query, values).rowcount

    def close(self) -> None:
        """Let go of the connection."""
        self._db.close()

    def _take(self) -> Turn:
        if self.held is None:
            cursor = self._execute(_TAKE, None)
            cursor.nextset()
            number, newest_id, xid = cursor.fetchone() or (0, 0, "")
            self.held = Turn(number, newest_id, xid, newest_id)
        return self.held

    def _execute(self, query: str, values: Values | None) -> psycopg.Cursor[TupleRow]:
        try:
            return self._db.execute(query, values, prepare=False if values is None else None)
        except psycopg.Error as error:
            lost = self._lost(error)
            if lost is None:
                raise
            raise lost from error

    def _lost(self, error: psycopg.Error) -> TransactionLostError | None:
        """For what passes; None: it will be so the next time as well."""
        if not isinstance(error, _WAITED_FOR_ANOTHER):
            if not (self._db.closed or isinstance(error, _PASSING)):
                return None
            self._lost_in_a_row += 1
            self._is_away(error)
            self._db.close()
        return TransactionLostError(type(error).__name__)

    def _first(self) -> Db:
        """Whoever starts a gateway hears at once what is wrong with its store."""
        try:
            db = connect(self._settings, self._gateway, self._busy_ms)
            migrate(db, self._settings.schema_name)
        except psycopg.Error as error:
            said = " ".join((error.diag.message_primary or str(error)).split())
            hint = "Look at delivery.store.postgresql, and at the variable or file that it takes the password from."
            raise KairosError(f"The store at {where(self._settings)} cannot be used: {said}.", hint) from error
        return db

    def _reconnect(self) -> None:
        """Returns with a connection, however long that takes."""
        lost_in_a_row, self._away_since = self._lost_in_a_row, self._away_since or time.monotonic()
        for attempt in self._attempts():
            with attempt:
                self._db.close()
                self._db = connect(self._settings, self._gateway, self._busy_ms)
                self._came_back(time.monotonic() - self._away_since)
        self._lost_in_a_row = lost_in_a_row
        self._log.info("the store is back", away_s=round(time.monotonic() - self._away_since, 1))
        self._away_since, self._away_because = None, ""

    def _took_place(self, turn: Turn) -> bool:
        """What became of a transaction whose COMMIT was not answered. A server that took over may never have heard of it."""
        status = ""
        for attempt in self._attempts():
            with attempt:
                if self._db.closed:
                    self._reconnect()
                try:
                    ((status,),) = self.rows("SELECT pg_xact_status(%s::text::xid8)", (turn.xid,))
                except errors.InvalidParameterValue:
                    return False
                if status == "in progress":  # the server has not noticed yet that its client is gone
                    raise TransactionLostError(status)
        return status == "committed"

    def _attempts(self) -> Retrying:
        first_s, most_s = self._settings.first_wait_ms / 1000, self._settings.max_wait_ms / 1000
        return Retrying(
            retry=retry_if_exception_type((psycopg.Error, TransactionLostError, KairosError, OSError)),
            wait=wait_random_exponential(multiplier=first_s, max=most_s),
            before_sleep=self._still_away,
        )

    def _still_away(self, state: RetryCallState) -> None:
        if state.outcome and (error := state.outcome.exception()):
            self._is_away(error)

    def _is_away(self, error: BaseException) -> None:
        """Logged once for each reason. What the server says is not: nobody knows what it repeats."""
        self._away_since = self._away_since or time.monotonic()
        because = type(error).__name__
        if because != self._away_because:
            self._away_because = because
            self._log.warning("the store is away", address=where(self._settings), error=because, sqlstate=getattr(error, "sqlstate", None))
