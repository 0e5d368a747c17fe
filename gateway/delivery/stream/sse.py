"""``/v1/stream/sse``: pushes as Server-Sent Events, for clients without WebSocket; what became of them goes to ``/v1/stream/messages``."""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.common.allowances import Allowances
from gateway.delivery.http import problem, too_often
from gateway.delivery.store.values import Withdrawn
from gateway.delivery.stream.connection import Ending, Event
from gateway.delivery.stream.door import Door, TurnedAway, Visitor
from gateway.delivery.stream.messages import Message, MessageError, parse_list
from gateway.delivery.stream.room import NO_ROOM, FullError
from gateway.delivery.stream.users import device_of

_STATUS = {Ending.UNAUTHORISED: 401, Ending.UNWELCOME: 400, Ending.TOO_MANY: 429, Ending.RESTART: 503}


class SseStream:
    """Both endpoints. ``patience_s``: how long Kafka may take to acknowledge what clients say."""

    def __init__(self, door: Door, allowances: Allowances, patience_s: float) -> None:
        self._door = door
        self._allowances = allowances
        self._patience_s = patience_s
        self._again_s = math.ceil(door.settings.stream.again_ms / 1000)

    async def stream(self, request: Request) -> Response:
        """Pushes, until the client leaves or its token ends."""
        try:
            visitor = self._door.visitor(request.headers, request.query_params, "sse")
        except TurnedAway as refusal:
            return self._turned_away(refusal)
        stream = self._door.settings.stream
        return EventSourceResponse(
            self._events(visitor),
            ping=max(1, stream.heartbeat_ms // 1000),
            send_timeout=stream.send_timeout_ms / 1000,
            headers={"Cache-Control": "no-store"},
        )

    async def messages(self, request: Request) -> Response:
        """A list of the messages that go over a WebSocket; each is answered in its place."""
        try:
            user_ids = self._door.caller(request.headers, {}).user_ids
            device_id = device_of(request.query_params, default="http")
            given = parse_list(await request.body())
        except TurnedAway as refusal:
            return self._turned_away(refusal)
        except ValueError as error:
            return problem(400, str(error))
        now_s = time.monotonic()
        if not self._allowances.of(user_ids[0], now_s).spend(now_s, len(given)):
            return too_often()
        try:
            async with asyncio.timeout(self._patience_s):
                return JSONResponse([await self._answer(message, user_ids, device_id) for message in given])
        except TimeoutError:
            return problem(503, "Kafka did not acknowledge in time: say all of it again", self._again_s)
        except FullError:
            return problem(503, NO_ROOM, self._again_s)

    async def _answer(self, message: Message, user_ids: tuple[str, ...], device_id: str) -> dict[str, str]:
        try:
            await self._door.inbox.take(message, user_ids, device_id)
        except MessageError as error:
            return {"type": "error", "ref": message.ref, "message": str(error)}
        return {"type": "ok", "ref": message.ref}

    def _turned_away(self, refusal: TurnedAway) -> Response:
        status = _STATUS[refusal.why]
        return problem(status, str(refusal), self._again_s if status in (429, 503) else None)

    async def _events(self, visitor: Visitor) -> AsyncIterator[ServerSentEvent]:
        ready: asyncio.Queue[Event | Ending] = asyncio.Queue(1)  # so that a slow client is noticed by its connection

        async def write(event: Event) -> None:
            await ready.put(event)

        def end(why: Ending) -> None:
            while not ready.empty():
                ready.get_nowait()
            ready.put_nowait(why)

        yield ServerSentEvent(json.dumps({"device_id": visitor.device_id}), event="hello")
        with contextlib.suppress(TurnedAway):  # the last place was taken meanwhile: the client comes again by itself
            async with self._door.connected(visitor, "sse", write, end):
                while not isinstance(event := await ready.get(), Ending):
                    if isinstance(event, Withdrawn):
                        yield ServerSentEvent(json.dumps({"command_id": event.command_id}), event="taken_back")
                    else:
                        yield ServerSentEvent(event.payload, event="push", id=str(event.stream_id))
                yield ServerSentEvent(json.dumps({"code": event.value, "reason": event.name.lower()}), event="bye")
