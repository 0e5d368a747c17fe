"""Clients that are gone before they were greeted, or come too many at once: what the gateway counts stays right."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.websockets import WebSocket

from gateway.common.allowances import Allowances
from gateway.common.pseudonyms import Pseudonyms
from gateway.common.settings import default_document
from gateway.common.tokens import TokenRules, TokenVerifier, issue_token
from gateway.delivery.outcomes import Report
from gateway.delivery.settings import DeliverySection, DeliverySettings
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.sqlite import SqliteStore
from gateway.delivery.stream.door import Door
from gateway.delivery.stream.hub import Hub
from gateway.delivery.stream.inbox import Inbox
from gateway.delivery.stream.sse import SseStream
from gateway.delivery.stream.users import Users
from gateway.delivery.stream.websocket import WebSocketStream

NOW_MS = 1_764_000_000_000
SECRET = b"a-secret-only-for-these-tests-0123456789"
TOKEN = issue_token("ada", "k1", SECRET, "kairos", NOW_MS // 1000, 600)
Message = MutableMapping[str, Any]


def section(**stream: Any) -> DeliverySection:
    document = default_document("delivery")
    document["delivery"]["stream"] |= stream
    return DeliverySettings.model_validate(document).delivery


def run(work: Callable[[Door, Hub], Awaitable[None]], **stream: Any) -> None:
    """With a hub on a store in memory."""

    async def alone() -> None:
        store = AsyncStore(lambda: SqliteStore(":memory:", "g", synchronous="normal", busy_ms=1, linger_ms=1))  # type: ignore[arg-type]
        await store.open()
        settings = section(**stream)
        hub = Hub(settings.stream, store, tell_all, lambda: NOW_MS, failed)
        users = Users(TokenVerifier({"k1": SECRET}, "", TokenRules("kairos", 86_400, 10)), Pseudonyms({}))
        try:
            await work(Door(settings, users, hub, Inbox(hub, store, tell, lambda: NOW_MS), lambda: NOW_MS), hub)
        finally:
            await store.close()

    asyncio.run(alone())


async def tell(_report: Report) -> None:
    pass


async def tell_all(_reports: Sequence[Report]) -> None:
    pass


def failed(error: BaseException) -> None:
    raise error


class NoShortWay:
    """A server on which everything goes by ASGI."""

    on_text = None

    def write(self, _text: bytes) -> bool:
        return False


def scope(kind: str) -> dict[str, Any]:
    query = f"token={TOKEN}&device_id=phone".encode()
    extensions = {"kairos.direct": {"protocol": NoShortWay()}}
    return {
        "type": kind,
        "method": "GET",
        "path": "/v1/stream",
        "query_string": query,
        "headers": [],
        "state": {},
        "extensions": extensions,
    }


def test_a_client_that_is_gone_before_it_was_greeted_was_never_there() -> None:
    async def work(door: Door, hub: Hub) -> None:
        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            if message["type"] == "websocket.send":
                raise OSError  # what a server says of a client that has closed

        await WebSocketStream(door).stream(WebSocket(scope("websocket"), receive, send))

        events = SseStream(door, Allowances(1, 1, 1), 1.0)._events(door.visitor({}, {"token": TOKEN}, "sse"))
        await anext(events)
        await events.aclose()  # type: ignore[attr-defined]

        assert hub.connections == 0
        assert hub.refusal(("ada",)) is None

    run(work)


def test_of_clients_that_come_at_once_no_more_are_let_in_than_there_is_room_for() -> None:
    async def work(door: Door, hub: Hub) -> None:
        sent: list[Message] = []
        hang = asyncio.Event()

        async def client() -> None:
            first = [{"type": "websocket.connect"}]

            async def receive() -> Message:
                if first:
                    return first.pop()  # type: ignore[return-value]
                await hang.wait()
                return {"type": "websocket.disconnect", "code": 1000}

            async def send(message: Message) -> None:
                await asyncio.sleep(0)  # all have come in before the first is greeted
                sent.append(message)

            await WebSocketStream(door).stream(WebSocket(scope("websocket"), receive, send))

        clients = [asyncio.create_task(client()) for _ in range(10)]
        while len([message for message in sent if message["type"] == "websocket.close"]) < 7:
            await asyncio.sleep(0)
        assert hub.connections == 3
        hang.set()
        await asyncio.gather(*clients)
        assert {message["code"] for message in sent if message["type"] == "websocket.close"} == {4429}
        assert hub.connections == 0

    run(work, max_per_user=3)


def test_a_page_that_is_refused_before_its_stream_begins_is_told_by_status_and_comes_again() -> None:
    async def work(door: Door, hub: Hub) -> None:
        sse = SseStream(door, Allowances(1, 1, 1), 1.0)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        assert isinstance(await sse.stream(Request(scope("http"), receive)), EventSourceResponse)
        hub.close()
        answer = await sse.stream(Request(scope("http"), receive))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")

    run(work)
