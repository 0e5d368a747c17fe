"""What every answer of the page carries, and how refusals look."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def refused(status: int, reason: str) -> JSONResponse:
    """An answer that says why not."""
    return JSONResponse({"error": {"reason": reason}}, status)


class SafeHeaders:
    """The page runs its own scripts and talks to its own server and to `others` (URLs of collector and gateway), nothing else."""

    def __init__(self, app: ASGIApp, others: Sequence[str]) -> None:
        self._app = app
        streams = ["ws" + url.removeprefix("http") for url in others]
        self._policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {' '.join([*others, *streams])}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, with_headers)
