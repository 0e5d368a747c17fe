"""What HTTP endpoints of delivery share: problems as JSON, and a bound on what is read."""

import asyncio
import json
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def problem(status: int, message: str, retry_after_s: int | None = None) -> JSONResponse:
    """An error, in words for the one who called."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    # a message may quote what was sent, and JSON can write half a character
    return JSONResponse({"error": message.encode("utf-8", "replace").decode()}, status, headers)


def too_often() -> JSONResponse:
    """The user has said more than they may at once."""
    return problem(429, "too many messages", retry_after_s=1)


class BodyLimit:
    """ASGI middleware: a request body of more than ``most_bytes`` gets 413 before it is read to its end."""

    def __init__(self, app: ASGIApp, most_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._most = most_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Bodies here are small: they are read first, and then handed on whole."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                body = await self._read(receive)
        except TimeoutError:
            await problem(408, "the body did not come in time")(scope, receive, send)
            return
        if body is None:
            return
        if len(body) > self._most:
            await problem(413, f"the body has more than {self._most} bytes")(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, again, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The body, or its beginning if it is too large; None: the client is gone."""
        body = bytearray()
        more = True
        while more and len(body) <= self._most:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body)


def json_object(body: bytes) -> dict[str, Any]:
    """Raises ValueError, with words for the sender."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body is no JSON") from None
    if not isinstance(found, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - told to the sender like all that is wrong with a body
    return found
