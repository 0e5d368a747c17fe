"""``/v1/stream``: pushes over a WebSocket, and what became of them back. docs/gateway.md has the protocol."""

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import Callable
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.common.tokens import TokenError
from gateway.delivery.metrics import CONNECTIONS
from gateway.delivery.settings import DeliverySection
from gateway.delivery.store.values import Withdrawn
from gateway.delivery.stream.connection import Connection, Ending, Event
from gateway.delivery.stream.direct import DirectProtocol, direct
from gateway.delivery.stream.hub import Hub
from gateway.delivery.stream.inbox import Inbox
from gateway.delivery.stream.messages import Ack, MessageError, parse
from gateway.delivery.stream.rate import Allowance
from gateway.delivery.stream.users import Caller, Users, device_of, last_id_of


class WebSocketStream:
    """The endpoint."""

    def __init__(self, settings: DeliverySection, users: Users, hub: Hub, inbox: Inbox, clock_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._users = users
        self._hub = hub
        self._inbox = inbox
        self._clock_ms = clock_ms

    async def stream(self, socket: WebSocket) -> None:
        """One connection, from the handshake to its end."""
        origin = socket.headers.get("origin")
        if origin and self._settings.allowed_origins and origin not in self._settings.allowed_origins:
            await _turn_away(socket, Ending.UNWELCOME, "this page may not connect")
            return
        try:
            caller = self._users.caller(socket.headers, socket.query_params, self._clock_ms() / 1000)
            device_id = device_of(socket.query_params, default=f"ws-{secrets.token_hex(8)}")
            last_id = last_id_of(socket.query_params.get("last_id"))
        except TokenError as error:
            await _turn_away(socket, Ending.UNAUTHORISED, str(error))
            return
        except ValueError as error:
            await _turn_away(socket, Ending.UNWELCOME, str(error))
            return
        if (refusal := self._hub.refusal(caller.user_ids)) is not None:
            await _turn_away(socket, refusal, "come again later")
            return
        await socket.accept()
        await self._serve(socket, caller, device_id, last_id)

    async def _serve(self, socket: WebSocket, caller: Caller, device_id: str, last_id: int | None) -> None:
        closing: set[asyncio.Task[None]] = set()

        def end(why: Ending) -> None:
            task = asyncio.create_task(_close(socket, why))
            closing.add(task)
            task.add_done_callback(closing.discard)

        async def write(event: Event) -> None:
            await socket.send_text(frame(event))

        protocol = direct(socket.scope)
        connection = Connection(
            caller.user_ids, device_id, write, end, self._settings.stream, lambda event: protocol.write(frame(event).encode())
        )
        loop = asyncio.get_running_loop()
        life = loop.call_later(max(0.0, caller.until_s - self._clock_ms() / 1000), connection.end, Ending.UNAUTHORISED)
        gauge = CONNECTIONS.labels("websocket")
        gauge.inc()
        try:
            await socket.send_text(
                json.dumps({"type": "hello", "device_id": device_id, "heartbeat_ms": self._settings.stream.heartbeat_ms})
            )
            await self._hub.join(connection, last_id)
            await self._listen(socket, protocol, connection)
        except (WebSocketDisconnect, OSError, RuntimeError):
            pass  # the client is gone; RuntimeError is Starlette's word for sending to one that is
        finally:
            protocol.on_text = None  # it knows the connection, which knows the protocol
            life.cancel()
            gauge.dec()
            await self._hub.leave(connection)

    async def _listen(self, socket: WebSocket, protocol: DirectProtocol, connection: Connection) -> None:
        stream = self._settings.stream
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
        if not isinstance(message, Ack) or message.ref or not allowance.spend(time.monotonic()):
            return False
        self._inbox.take_at_once(message, connection.user_ids, connection.device_id)
        return True

    async def _take(self, socket: WebSocket, connection: Connection, text: str) -> None:
        ref = ""
        try:
            message = parse(text)
            ref = message.ref
            await self._inbox.take(message, connection.user_ids, connection.device_id)
        except MessageError as error:
            await socket.send_text(_problem(ref, str(error)))
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


def _problem(ref: str, message: str) -> str:
    return json.dumps({"type": "error", "ref": ref, "message": message})


async def _turn_away(socket: WebSocket, why: Ending, reason: str) -> None:
    """Accept and close: a browser tells its page the code of a close, and nothing of a handshake that was refused."""
    await socket.accept()
    await socket.close(why.value, reason)


async def _close(socket: WebSocket, why: Ending) -> None:
    with contextlib.suppress(RuntimeError, OSError):  # closed from the other side meanwhile
        await socket.close(why.value, why.name.lower())
