"""The page's application, what it knows, and whom it tells."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser
from starlette.applications import Starlette
from starlette.middleware import Middleware

from flink_job.config import load_config
from gateway.common.settings import load_settings
from gateway.page.answers import SafeHeaders
from gateway.page.counts import JobCounts
from gateway.page.endpoints import Endpoints
from gateway.page.knowledge import Knowledge
from gateway.page.people import People, Signing
from gateway.page.settings import PageSettings
from tests.gateway.page.asking import NOON_MS, SECRET, Client, Collector
from tests.gateway.page.browser import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def nobody_stays(browser: Browser) -> Iterator[None]:
    """A page that is left open would get the pushes of its person in the next story."""
    yield
    for context in browser.contexts:
        context.close()


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
def knowledge() -> Knowledge:
    return Knowledge(load_settings(PageSettings, "page", None, {}).page, lambda: NOON_MS)


@pytest.fixture
def client(collector: Collector, knowledge: Knowledge) -> Iterator[Client]:
    settings = load_settings(PageSettings, "page", None, {}).page
    told = httpx.AsyncClient(base_url="http://collector", transport=httpx.MockTransport(collector))
    people = People(settings.people, Signing("t1", SECRET, "kairos", 900), told, settings.furthest_ms, lambda: NOON_MS)
    endpoints = Endpoints(settings, load_config(None, {}), people, knowledge, JobCounts("", 1000))
    app = Starlette(routes=endpoints.routes(), middleware=[Middleware(SafeHeaders, others=["http://collector:1"])])
    with asyncio.Runner() as runner:
        yield Client(app, runner)
