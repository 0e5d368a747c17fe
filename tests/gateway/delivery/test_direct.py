"""The short way beside ASGI, on a real server with a real client: what it takes, what it leaves, and whom it asks whether they live."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from gateway.delivery.stream.direct import DirectProtocol, direct

PATIENCE_S = 20.0
NEVER_S = 3600.0


class App:
    """Accepts, and keeps what comes by ASGI."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.protocol: asyncio.Future[DirectProtocol] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self.protocol.set_result(direct(scope))
        while (message := await receive())["type"] == "websocket.receive":
            self.received.put_nowait(message)


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[App, DirectProtocol, ClientConnection]]:
    app = App()
    config = uvicorn.Config(app, port=0, ws=DirectProtocol, lifespan="off", log_config=None, ws_ping_interval=NEVER_S)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    async with asyncio.timeout(PATIENCE_S):
        while not server.started:
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}/", ping_interval=None) as client:
            yield app, await app.protocol, client
        server.should_exit = True
        await serving


def test_a_text_that_is_taken_goes_no_further_and_the_others_go_by_asgi_in_their_order() -> None:
    async def story() -> None:
        async with connected() as (app, protocol, client):
            taken: list[bytes] = []

            def take(text: bytes) -> bool:
                if text.startswith(b"ack"):
                    taken.append(text)
                    return True
                return False

            protocol.on_text = take
            for text in ("ack 1", "one", "ack 2", "two"):
                await client.send(text)
            assert [(await app.received.get())["text"] for _ in range(2)] == ["one", "two"]
            assert taken == [b"ack 1", b"ack 2"]

    asyncio.run(story())


def test_what_is_in_pieces_or_no_text_goes_by_asgi() -> None:
    async def story() -> None:
        async with connected() as (app, protocol, client):
            protocol.on_text = lambda _text: True
            await client.send(b"bytes")
            await client.send(["in ", "pieces"])
            assert (await app.received.get())["bytes"] == b"bytes"
            assert (await app.received.get())["text"] == "in pieces"

    asyncio.run(story())


def test_texts_written_directly_arrive_and_none_to_a_client_that_is_gone() -> None:
    async def story() -> None:
        async with connected() as (_, protocol, client):
            assert protocol.write("Müsli".encode())
            assert protocol.write(b"x" * 70_000)
            assert await client.recv() == "Müsli"
            assert len(await client.recv()) == 70_000
            await client.close()
            while not protocol.disconnected:
                await asyncio.sleep(0)
            assert not protocol.write(b"too late")

    asyncio.run(story())


def test_a_client_that_takes_nothing_is_not_written_to_beyond_what_the_transport_holds() -> None:
    async def story() -> None:
        async with connected() as (_, protocol, _client):
            protocol.writable.clear()  # as the transport says when its buffer is full
            assert not protocol.write(b"later")

    asyncio.run(story())


def test_only_a_client_that_has_said_nothing_since_the_last_heartbeat_is_asked_whether_it_lives() -> None:
    async def story() -> None:
        async with connected() as (app, protocol, client):
            await client.send("something")
            await app.received.get()
            protocol.send_keepalive_ping()
            assert protocol.pending_ping_payload is None
            for _ in range(2):  # its answer is no word of its own: it is asked again
                protocol.send_keepalive_ping()
                assert protocol.pending_ping_payload is not None
                while protocol.pending_ping_payload is not None:
                    await asyncio.sleep(0)

    asyncio.run(story())
