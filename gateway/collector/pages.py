"""What browsers fetch: the interface's description, the page to try it, and kairos.js."""

from __future__ import annotations

import json
from importlib.resources import files

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from gateway.collector.openapi import describe

_POLICY = (
    "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page runs its own script and talks to its own server, nothing else."""
_AN_HOUR = "public, max-age=3600"


def add_pages(app: FastAPI) -> None:
    """None of them is part of the description."""
    described: list[bytes] = []

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(_request: Request) -> Response:
        if not described:
            described.append(json.dumps(describe(app), ensure_ascii=False).encode())
        return Response(described[0], media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def docs(_request: Request) -> Response:
        return _static("docs.html", "text/html", {"Content-Security-Policy": _POLICY})

    @app.get("/docs.js", include_in_schema=False)
    async def docs_script(_request: Request) -> Response:
        return _static("docs.js", "text/javascript", {})

    @app.get("/kairos.js", include_in_schema=False)
    async def snippet(_request: Request) -> Response:
        # pages of other origins may load it as a module, too
        return _static("kairos.js", "text/javascript", {"Cache-Control": _AN_HOUR, "Access-Control-Allow-Origin": "*"})


def _static(name: str, media_type: str, headers: dict[str, str]) -> Response:
    return Response(files("gateway.static").joinpath(name).read_bytes(), headers=headers, media_type=media_type)
