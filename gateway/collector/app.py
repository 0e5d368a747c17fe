"""The collector as an ASGI application: routes, and what happens at the beginning and the end.

    app = build_app(settings, job, connection)

*Contract*: makes no connection before it is started (lifespan); afterwards it runs whether Kafka is there or not, and says so at /readyz.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response

import kairos
from flink_job.config import Config
from gateway.collector.answers import refused
from gateway.collector.callers import Callers
from gateway.collector.checks import RecordLimits
from gateway.collector.features import featuriser, leave
from gateway.collector.front import Front
from gateway.collector.intake import Intake
from gateway.collector.makers import EventMaker, FeedbackMaker, ItemMaker, UserMaker
from gateway.collector.metrics import CollectorMetrics
from gateway.collector.pages import add_pages
from gateway.collector.rates import Rates
from gateway.collector.refusal import RequestRefused
from gateway.collector.routes import DirectRoute
from gateway.collector.settings import CollectorSettings
from gateway.common.kafka import producer_options
from gateway.common.producer import AcknowledgedProducer
from gateway.common.pseudonyms import Pseudonyms
from gateway.common.secrets import named_secrets
from kairos.contract.connection import Connection

TOPICS = ("interactions", "feedback", "items")
_CORS_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Request-ID"]
_A_DAY_S = 86_400


@dataclass(slots=True)
class Readiness:
    """What stands in the way of taking records; empty: nothing."""

    obstacle: str = "starting"
    topics: list[str] = field(default_factory=list)


def build_app(
    settings: CollectorSettings, job: Config, connection: Connection, callers: Callers, on_fatal: Callable[[], None] = lambda: None
) -> FastAPI:
    """`on_fatal`: called when the Kafka client has failed for good and the process should end. Raises KairosError for secrets it cannot read."""
    own = settings.collector
    metrics = CollectorMetrics()
    readiness = Readiness(topics=[connection.topic(name) for name in TOPICS])
    options = producer_options(connection, "kairos-collector", settings.producer, job.limits.max_record_bytes)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        producer = AcknowledgedProducer(options, settings.producer, on_fatal)
        producer.start()
        metrics.buffer_records.set_function(lambda: producer.records)
        metrics.buffer_bytes.set_function(lambda: producer.bytes)
        app.state.intake = Intake(own, callers, Rates(own.limits), producer, metrics, connection.prefix)
        watch = asyncio.create_task(_watch(producer, readiness, metrics, settings.producer.probe_interval_ms / 1000))
        yield
        readiness.obstacle = "ending"
        watch.cancel()
        left = await producer.close(own.shutdown_timeout_ms / 1000)
        structlog.get_logger("collector").info("ended", records_not_acknowledged=left)

    app = FastAPI(
        title="Kairos collector",
        version=kairos.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.router.route_class = DirectRoute
    _add_errors(app)
    _add_records(app, settings, job)
    _add_health(app, readiness, metrics)
    add_pages(app)
    app.add_middleware(Front, metrics=metrics, most_at_once=own.limits.concurrent_requests, retry_after_s=own.retry_after_s)
    if own.cors_origins:  # outermost: pages may read every answer, also that there is too much to do
        app.add_middleware(
            CORSMiddleware,
            allow_origins=own.cors_origins,
            allow_methods=["POST"],
            allow_headers=_CORS_HEADERS,
            expose_headers=["Retry-After", "X-Request-ID"],
            max_age=_A_DAY_S,
        )
    return app


def _add_records(app: FastAPI, settings: CollectorSettings, job: Config) -> None:
    limits = RecordLimits(
        job.limits.max_record_bytes, job.limits.max_id_bytes, job.limits.max_age_ms, job.limits.max_future_ms, job.catalogue.feature_dim
    )
    pseudonyms = Pseudonyms(named_secrets(settings.pseudonyms.keys))
    unknown = settings.collector.unknown_fields
    events, feedback = EventMaker(limits, unknown, pseudonyms), FeedbackMaker(limits, unknown, pseudonyms)
    make_features = featuriser(job.catalogue.feature_dim) if settings.collector.make_features else leave
    items, users = ItemMaker(limits, unknown, make_features), UserMaker(limits, unknown, pseudonyms)

    @app.post("/v1/events")
    async def post_events(request: Request) -> Response:
        """What users did: one interaction, or several."""
        return await _intake(request).post(request, events, for_servers=False)

    @app.post("/v1/feedback")
    async def post_feedback(request: Request) -> Response:
        """What became of pushes: one report, or several."""
        return await _intake(request).post(request, feedback, for_servers=False)

    @app.post("/v1/items")
    async def post_items(request: Request) -> Response:
        """Items of the catalogue, each whole; only with an API key."""
        return await _intake(request).post(request, items, for_servers=True)

    @app.put("/v1/users/{user_id:path}")
    async def put_user(request: Request, user_id: str) -> Response:
        """Facts about a user: consent, purposes, zone, language, whether a device can be reached; only with an API key."""
        return await _intake(request).put_user(request, users, user_id)

    @app.delete("/v1/users/{user_id:path}")
    async def delete_user(request: Request, user_id: str) -> Response:
        """Erase a user: the job forgets everything it keeps under the id; only with an API key."""
        return await _intake(request).delete_user(request, users, user_id)


def _add_health(app: FastAPI, readiness: Readiness, metrics: CollectorMetrics) -> None:
    @app.get("/healthz")
    async def healthz(_request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz(_request: Request) -> Response:
        """Records can be taken: Kafka answers and has the topics. 503 with the reason otherwise."""
        if readiness.obstacle:
            return JSONResponse({"status": "not ready", "reason": readiness.obstacle}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ready"})

    @app.get("/metrics")
    async def prometheus(_request: Request) -> Response:
        """Counters and histograms for Prometheus."""
        return PlainTextResponse(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _add_errors(app: FastAPI) -> None:
    """Errors are JSON, too, and say nothing of what is inside."""

    @app.exception_handler(RequestRefused)
    async def on_refused(request: Request, error: RequestRefused) -> Response:
        return refused(error, _request_id(request))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        code: Any = {HTTPStatus.NOT_FOUND: "not_found", HTTPStatus.METHOD_NOT_ALLOWED: "method"}.get(status, "malformed")
        answer = refused(RequestRefused(status, code, status.phrase), _request_id(request))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def on_bug(request: Request, _error: Exception) -> Response:  # the server logs it, with its trace
        return refused(RequestRefused(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "this should not happen"), _request_id(request))


async def _watch(producer: AcknowledgedProducer, readiness: Readiness, metrics: CollectorMetrics, interval_s: float) -> None:
    """Keeps readiness up to date, and says when it changes."""
    log = structlog.get_logger("collector")
    while True:
        try:
            obstacle = await producer.probe(readiness.topics)
        except Exception as error:  # nobody would see it, and readiness would say for ever what was true once
            obstacle = f"the brokers cannot be asked ({type(error).__name__})"
            log.exception("not asked")
        if obstacle != readiness.obstacle:
            if obstacle:
                log.warning("not ready", reason=obstacle)
            else:
                log.info("ready")
        readiness.obstacle = obstacle
        metrics.ready.set(not obstacle)
        await asyncio.sleep(interval_s)


def _intake(request: Request) -> Intake:
    intake: Intake = request.app.state.intake
    return intake


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
