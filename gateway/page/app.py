"""The page as an ASGI application: the front end's files, and what it asks for.

*Contract*: makes no connection before it is started (lifespan). Nobody signs in: whoever reaches it may be any of the page's people, so it listens
on this machine alone unless told otherwise. It speaks for its people only; of other users it tells what the topics tell.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.resources import files

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from flink_job.config import Config
from gateway.page.answers import SafeHeaders
from gateway.page.counts import JobCounts
from gateway.page.endpoints import Endpoints
from gateway.page.feed import Feed
from gateway.page.knowledge import Knowledge
from gateway.page.people import People, Signing
from gateway.page.settings import PageSection
from kairos.contract.connection import Connection

_COLLECTOR_TIMEOUT_S = 15.0


def build_app(
    settings: PageSection, job: Config, connection: Connection, signing: Signing, api_key: str, clock_ms: Callable[[], int]
) -> Starlette:
    """`api_key`: with which the page's server tells the collector facts about its people."""
    knowledge = Knowledge(settings, clock_ms)
    counts = JobCounts(settings.flink_url, settings.counts_every_ms)
    collector = httpx.AsyncClient(
        base_url=settings.collector_url, headers={"Authorization": f"Bearer {api_key}"}, timeout=_COLLECTOR_TIMEOUT_S, trust_env=False
    )
    people = People(settings.people, signing, collector, settings.furthest_ms, clock_ms)
    endpoints = Endpoints(settings, job, people, knowledge, counts)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        feed = Feed(connection, settings.lookback_ms, knowledge.take)
        endpoints.obstacle = lambda: feed.obstacle
        feed.start()
        yield
        await feed.stop()
        await collector.aclose()
        counts.close()

    return Starlette(
        routes=[
            Route("/", _index),
            Route("/kairos.js", _snippet),
            Route("/sw.js", _service_worker),
            Mount("/static", StaticFiles(packages=[("gateway.page", "static")])),
            *endpoints.routes(),
        ],
        lifespan=lifespan,
        middleware=[Middleware(SafeHeaders, others=[settings.collector_url, settings.gateway_url])],
    )


async def _index(_request: Request) -> Response:
    return Response(files("gateway.page.static").joinpath("index.html").read_bytes(), media_type="text/html")


async def _snippet(_request: Request) -> Response:
    return Response(files("gateway.static").joinpath("kairos.js").read_bytes(), media_type="text/javascript")


async def _service_worker(_request: Request) -> Response:
    """At the root, because it is the worker of all that lies beside it."""
    return Response(files("gateway.page.static").joinpath("sw.js").read_bytes(), media_type="text/javascript")
