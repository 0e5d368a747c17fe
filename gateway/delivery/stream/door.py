"""Where every stream begins, whatever it goes over: who comes, whether there is room, and from when until when a device is connected."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from gateway.common.tokens import TokenError
from gateway.delivery.metrics import CONNECTIONS
from gateway.delivery.settings import DeliverySection
from gateway.delivery.stream.connection import Connection, Ending, Event
from gateway.delivery.stream.hub import Hub
from gateway.delivery.stream.inbox import Inbox
from gateway.delivery.stream.users import Caller, Users, device_of, last_id_of


class TurnedAway(Exception):
    """Nobody is let in: why, in words for who came."""

    def __init__(self, why: Ending, reason: str) -> None:
        super().__init__(reason)
        self.why = why


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who came, with which device. ``last_id``: of the newest push it has; None: it does not say."""

    caller: Caller
    device_id: str
    last_id: int | None


class Door:
    """What the endpoints of all transports share."""

    def __init__(self, settings: DeliverySection, users: Users, hub: Hub, inbox: Inbox, clock_ms: Callable[[], int]) -> None:
        self.settings = settings
        self.inbox = inbox
        self._users = users
        self._hub = hub
        self._clock_ms = clock_ms

    def caller(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Caller:
        """Whose token it is. Raises TurnedAway."""
        try:
            return self._users.caller(headers, query, self._clock_ms() / 1000)
        except TokenError as error:
            raise TurnedAway(Ending.UNAUTHORISED, str(error)) from None

    def visitor(self, headers: Mapping[str, str], query: Mapping[str, str], transport: str) -> Visitor:
        """Raises TurnedAway: for a token or a query that is none, and when there is no room."""
        caller = self.caller(headers, query)
        try:
            device_id = device_of(query, default=f"{transport}-{secrets.token_hex(8)}")
            last_id = last_id_of(headers.get("last-event-id") or query.get("last_id"))
        except ValueError as error:
            raise TurnedAway(Ending.UNWELCOME, str(error)) from None
        self._find_room(caller)
        return Visitor(caller, device_id, last_id)

    @contextlib.asynccontextmanager
    async def connected(
        self,
        visitor: Visitor,
        transport: str,
        write: Callable[[Event], Awaitable[None]],
        end: Callable[[Ending], None],
        write_now: Callable[[Event], bool] = lambda _event: False,
    ) -> AsyncIterator[Connection]:
        """The device is connected for the length of the block, and not longer than its token lives. Raises TurnedAway.

        Not before it was greeted: who is gone by then never was here.
        """
        caller = visitor.caller
        self._find_room(caller)  # again: others came while this one was greeted
        connection = Connection(caller.user_ids, visitor.device_id, write, end, self.settings.stream, write_now)
        life_s = max(0.0, caller.until_s - self._clock_ms() / 1000)
        life = asyncio.get_running_loop().call_later(life_s, connection.end, Ending.UNAUTHORISED)
        gauge = CONNECTIONS.labels(transport)
        gauge.inc()
        try:
            await self._hub.join(connection, visitor.last_id)
            yield connection
        finally:
            life.cancel()
            gauge.dec()
            await asyncio.shield(self._hub.leave(connection))

    def _find_room(self, caller: Caller) -> None:
        if (refusal := self._hub.refusal(caller.user_ids)) is not None:
            raise TurnedAway(refusal, "come again later")
