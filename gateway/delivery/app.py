"""The HTTP side of delivery: streams, devices, health and metrics."""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from gateway.delivery.devices.endpoints import DeviceEndpoints
from gateway.delivery.http import BodyLimit
from gateway.delivery.settings import DeliverySection
from gateway.delivery.stream.sse import SseStream
from gateway.delivery.stream.websocket import WebSocketStream


def build_app(
    settings: DeliverySection,
    websocket: WebSocketStream,
    sse: SseStream,
    devices: DeviceEndpoints,
    vapid_key: str,
    unready: Callable[[], str],
) -> Starlette:
    """``vapid_key``: what browsers subscribe with; empty: Web Push is off. ``unready``: why no traffic should come; empty: it may."""

    async def health(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(_request: Request) -> Response:
        reason = unready()
        return JSONResponse({"ready": not reason, "reason": reason}, 503 if reason else 200)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def vapid(_request: Request) -> Response:
        return JSONResponse({"public_key": vapid_key}) if vapid_key else JSONResponse({"error": "Web Push is off here"}, 404)

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/readyz", ready),
            Route("/metrics", metrics),
            WebSocketRoute("/v1/stream", websocket.stream),
            Route("/v1/stream/sse", sse.stream),
            Route("/v1/stream/messages", sse.messages, methods=["POST"]),
            Route("/v1/web-push/key", vapid),
            Route("/v1/devices/{device_id}", devices.put, methods=["PUT"]),
            Route("/v1/devices/{device_id}", devices.delete, methods=["DELETE"]),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins or ["*"],
                allow_methods=["GET", "POST", "PUT", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
                expose_headers=["Retry-After"],
            ),
            Middleware(BodyLimit, most_bytes=settings.body_bytes, timeout_s=settings.body_timeout_ms / 1000),
        ],
    )
