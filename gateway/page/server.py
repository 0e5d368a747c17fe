"""Runs the page until it is told to end."""

from __future__ import annotations

import time
from pathlib import Path

import structlog
import uvicorn

from gateway.common.logs import configure_logging
from gateway.common.secrets import named_secrets
from gateway.common.settings import connection, job_config
from gateway.page.app import build_app
from gateway.page.people import Signing
from gateway.page.settings import PageSettings
from kairos.errors import USAGE_ERROR, KairosError

_END_S = 2


def serve(settings: PageSettings, path: Path | None, bootstrap_servers: str | None = None, prefix: str | None = None) -> None:
    """Returns when it has been told to end. Raises KairosError."""
    configure_logging(settings.log)
    job = job_config(settings, path)
    key_id, secret = _first("auth.token_secrets", settings.auth.token_secrets)
    _, api_key = _first("auth.api_keys", settings.auth.api_keys)
    own = settings.page
    signing = Signing(key_id, secret, settings.auth.audience, min(own.token_minutes * 60, settings.auth.max_token_lifetime_s))
    app = build_app(own, job, connection(job, bootstrap_servers, prefix), signing, api_key.decode(), _clock_ms)
    config = uvicorn.Config(
        app,
        host=own.host,
        port=own.port,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_END_S,
    )
    listening = config.bind_socket()
    host, port = listening.getsockname()[:2]
    structlog.get_logger("page").info("listening", host=host, port=port)
    uvicorn.Server(config).run(sockets=[listening])


def _first(setting: str, source: str) -> tuple[str, bytes]:
    for entry in named_secrets(source).items():
        return entry
    raise KairosError(
        f"{setting} names no key: the page signs its people's tokens, and tells the collector who they are.",
        "Try things out with --dev, as with the collector.",
        exit_code=USAGE_ERROR,
    )


def _clock_ms() -> int:
    return time.time_ns() // 1_000_000
