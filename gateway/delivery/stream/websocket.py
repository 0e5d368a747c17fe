"""``/v1/stream``: pushes over a WebSocket, and what became of them back. docs/gateway.md has the protocol."""

import asyncio
import contextlib
import json
import time
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from gateway.common.allowances import Allowance
from gateway.delivery.store.values import Withdrawn
from gateway.delivery.stream.connection import Connection, Ending, Event
from gateway.delivery.stream.direct import DirectProtocol, direct
from gateway.delivery.stream.door import Door, TurnedAway, Visitor
from gateway.delivery.stream.messages import Ack, MessageError, parse
from gateway.delivery.stream.room import NO_ROOM, FullError

_GONE = (WebSocketDisconnect, OSError, RuntimeError)
"""What says that the client is; RuntimeError is Starlette's word for sending to one that has closed."""


class WebSocketStream:
    """The endpoint."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def stream(self, socket: WebSocket) -> None:
        """One connection, from the handshake to its end."""
        with contextlib.suppress(*_GONE):
            try:
                self._check_origin(socket.headers.get("origin"))
                visitor = self._door.visitor(socket.headers, socket.query_params, "ws")
                await socket.accept()
                await self._serve(socket, visitor)
            except TurnedAway as refusal:
                # Accept and close: a browser tells its page the code of a close, and nothing of a handshake that was refused.
                if socket.application_state is WebSocketState.CONNECTING:
                    await socket.accept()
                await socket.close(refusal.why.value, str(refusal))

    def _check_origin(self, origin: str | None) -> None:
        allowed = self._door.settings.allowed_origins
        if origin and allowed and origin not in allowed:
            raise TurnedAway(Ending.UNWELCOME, "this page may not connect")

    async def _serve(self, socket: WebSocket, visitor: Visitor) -> None:
        closing: set[asyncio.Task[None]] = set()

        def end(why: Ending) -> None:
            task = asyncio.create_task(_close(socket, why))
            closing.add(task)
            task.add_done_callback(closing.discard)

        async def write(event: Event) -> None:
            try:
                await socket.send_text(frame(event))
            except WebSocketDisconnect as error:
                raise ConnectionResetError from error

        heartbeat_ms = self._door.settings.stream.heartbeat_ms
        await socket.send_text(json.dumps({"type": "hello", "device_id": visitor.device_id, "heartbeat_ms": heartbeat_ms}))
        protocol = direct(socket.scope)
        try:
            async with self._door.connected(
                visitor, "websocket", write, end, lambda event: protocol.write(frame(event).encode())
            ) as connection:
                await self._listen(socket, protocol, connection)
        finally:
            protocol.on_text = None  # it knows the connection, which knows the protocol

    async def _listen(self, socket: WebSocket, protocol: DirectProtocol, connection: Connection) -> None:
        stream = self._door.settings.stream
        allowance = Allowance(stream.messages_per_s, stream.messages_burst, time.monotonic())
        protocol.on_text = partial(self._take_at_once, connection, allowance)
        while connection.ended is None:
            received = await socket.receive()
            if received["type"] != "websocket.receive":
                return
            if not allowance.spend(time.monotonic()):
                connection.end(Ending.UNWELCOME)
                return
            text = received.get("text")
            if text is None:
                await socket.send_text(_problem("", "messages are JSON texts, not bytes"))
                continue
            await self._take(socket, connection, text)

    def _take_at_once(self, connection: Connection, allowance: Allowance, text: bytes) -> bool:
        """Whether it was an acknowledgement that wants no answer, within what the client may say."""
        if connection.ended is not None:
            return False
        try:
            message = parse(text)
        except MessageError:
            return False
        if not isinstance(message, Ack) or message.ref or self._door.inbox.is_full or not allowance.spend(time.monotonic()):
            return False
        self._door.inbox.take_at_once(message, connection.user_ids, connection.device_id)
        return True

    async def _take(self, socket: WebSocket, connection: Connection, text: str) -> None:
        ref = ""
        try:
            message = parse(text)
            ref = message.ref
            await self._door.inbox.take(message, connection.user_ids, connection.device_id)
        except MessageError as error:
            await socket.send_text(_problem(ref, str(error)))
        except FullError:
            await socket.send_text(_problem(ref, NO_ROOM, again_ms=self._door.settings.stream.again_ms))
        else:
            if message.type == "ping":
                await socket.send_text(json.dumps({"type": "pong", "ref": ref}))
            elif ref:
                await socket.send_text(json.dumps({"type": "ok", "ref": ref}))


def frame(event: Event) -> str:
    """An event as clients get it."""
    if isinstance(event, Withdrawn):
        return json.dumps({"type": "taken_back", "command_id": event.command_id})
    return f'{{"type":"push","id":"{event.stream_id}","push":{event.payload}}}'


def _problem(ref: str, message: str, **more: int) -> str:
    return json.dumps({"type": "error", "ref": ref, "message": message, **more})


async def _close(socket: WebSocket, why: Ending) -> None:
    with contextlib.suppress(*_GONE):
        await socket.close(why.value, why.name.lower())
