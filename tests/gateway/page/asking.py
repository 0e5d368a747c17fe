"""The page's server without a browser and without a network."""

import asyncio
import json
from typing import Any

import httpx
from starlette.applications import Starlette

NOON_MS = 1_772_452_800_000
"""2 March 2026, 12:00 UTC."""

SECRET = b"a-secret-for-tokens-in-tests-0000"


class Collector:
    """In the collector's place: notes what it is told, and answers `status`. The real one is in the story."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.told.append((request.url.path, json.loads(request.content)))
        return httpx.Response(self.status, json={"accepted": 1, "rejected": []})


class Client:
    """Asks the application itself, without a network."""

    def __init__(self, app: Starlette, runner: asyncio.Runner) -> None:
        self._app = app
        self._runner = runner

    def get(self, path: str) -> httpx.Response:
        return self._runner.run(self._ask("GET", path))

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._ask("POST", path, **options))

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://page") as client:
            return await client.request(method, path, **options)
