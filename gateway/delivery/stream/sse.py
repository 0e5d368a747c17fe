"""``/v1/stream/sse``: pushes as Server-Sent Events, for clients without WebSocket; what became of them goes to ``/v1/stream/messages``."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.common.tokens import TokenError
from gateway.delivery.http import problem
from gateway.delivery.metrics import CONNECTIONS
from gateway.delivery.settings import DeliverySection
from gateway.delivery.store.values import Withdrawn
from gateway.delivery.stream.connection import Connection, Ending, Event
from gateway.delivery.stream.hub import Hub
from gateway.delivery.stream.inbox import Inbox
from gateway.delivery.stream.messages import MessageError, parse_list
from gateway.delivery.stream.users import Caller, Users, device_of, last_id_of


class SseStream:
    """Both endpoints."""

    def __init__(self, settings: DeliverySection, users: Users, hub: Hub, inbox: Inbox, clock_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._users = users
        self._hub = hub
        self._inbox = inbox
        self._clock_ms = clock_ms

    async def stream(self, request: Request) -> Response:
        """Pushes, until the client leaves or its token ends."""
        try:
            caller = self._users.caller(request.headers, request.query_params, self._clock_ms() / 1000)
            device_id = device_of(request.query_params, default=f"sse-{secrets.token_hex(8)}")
            last_id = last_id_of(request.headers.get("last-event-id") or request.query_params.get("last_id"))
        except TokenError as error:
            return problem(401, str(error))
        except ValueError as error:
            return problem(400, str(error))
        if (refusal := self._hub.refusal(caller.user_ids)) is not None:
            return problem(503 if refusal is Ending.RESTART else 429, "come again later", retry_after_s=5)
        return EventSourceResponse(
            self._events(caller, device_id, last_id),
            ping=max(1, self._settings.stream.heartbeat_ms // 1000),
            send_timeout=self._settings.stream.send_timeout_ms / 1000,
            headers={"Cache-Control": "no-store"},
        )

    async def messages(self, request: Request) -> Response:
        """A list of the messages that go over a WebSocket; each is answered in its place."""
        try:
            caller = self._users.caller(request.headers, {}, self._clock_ms() / 1000)
            device_id = device_of(request.query_params, default="http")
            given = parse_list(await request.body())
        except TokenError as error:
            return problem(401, str(error))
        except ValueError as error:
            return problem(400, str(error))
        answers = []
        for message in given:
            try:
                await self._inbox.take(message, caller.user_ids, device_id)
                answers.append({"type": "ok", "ref": message.ref})
            except MessageError as error:
                answers.append({"type": "error", "ref": message.ref, "message": str(error)})
        return JSONResponse(answers)

    async def _events(self, caller: Caller, device_id: str, last_id: int | None) -> AsyncIterator[ServerSentEvent]:
        ready: asyncio.Queue[Event | Ending] = asyncio.Queue(1)  # so that a slow client is noticed by its connection

        async def write(event: Event) -> None:
            await ready.put(event)

        def end(why: Ending) -> None:
            while not ready.empty():
                ready.get_nowait()
            ready.put_nowait(why)

        connection = Connection(caller.user_ids, device_id, write, end, self._settings.stream)
        life = asyncio.get_running_loop().call_later(
            max(0.0, caller.until_s - self._clock_ms() / 1000), connection.end, Ending.UNAUTHORISED
        )
        gauge = CONNECTIONS.labels("sse")
        gauge.inc()
        try:
            yield ServerSentEvent(json.dumps({"device_id": device_id}), event="hello")
            await self._hub.join(connection, last_id)
            while not isinstance(event := await ready.get(), Ending):
                if isinstance(event, Withdrawn):
                    yield ServerSentEvent(json.dumps({"command_id": event.command_id}), event="taken_back")
                else:
                    yield ServerSentEvent(event.payload, event="push", id=str(event.stream_id))
            yield ServerSentEvent(json.dumps({"code": event.value, "reason": event.name.lower()}), event="bye")
        finally:
            life.cancel()
            gauge.dec()
            await asyncio.shield(self._hub.leave(connection))
