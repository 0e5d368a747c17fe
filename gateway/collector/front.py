"""What every request passes, whatever becomes of it: an id, a bound on how many are answered at once, and counting."""

from __future__ import annotations

import itertools
import re
import time
import uuid
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.collector.answers import refused
from gateway.collector.metrics import CollectorMetrics
from gateway.collector.refusal import RequestRefused

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ALWAYS_ANSWERED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Who watches must be answered also when there is much to do."""


class Front:
    """ASGI middleware; before it stands only what tells browsers which pages may read its answers."""

    def __init__(self, app: ASGIApp, metrics: CollectorMetrics, most_at_once: int, retry_after_s: int) -> None:
        self._app = app
        self._metrics = metrics
        self._most_at_once = most_at_once
        self._retry_after_s = retry_after_s
        self._at_once = 0
        self._run = uuid.uuid4().hex[:20]
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"{self._run}-{next(self._numbers)}"
        scope.setdefault("state", {})["request_id"] = request_id
        began = time.perf_counter()
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        self._at_once += 1
        try:
            if self._at_once > self._most_at_once and scope["path"] not in _ALWAYS_ANSWERED:
                error = RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, "busy", "too many requests at once", self._retry_after_s)
                await refused(error, request_id)(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        finally:
            self._at_once -= 1
            self._metrics.in_flight.set(self._at_once)
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, status).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
