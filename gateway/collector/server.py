"""Runs the collector until it is told to end; then no request is begun any more, those begun are finished, and the buffer is emptied."""

from __future__ import annotations

from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from gateway.collector.app import build_app
from gateway.collector.callers import Callers
from gateway.collector.settings import CollectorSettings
from gateway.common.api_keys import ApiKeys
from gateway.common.listening import listening_socket
from gateway.common.logs import configure_logging
from gateway.common.protocol import BoundedHeads
from gateway.common.secrets import named_secrets, read_secret
from gateway.common.settings import EdgeSettings, connection, job_config
from gateway.common.tokens import TokenRules, TokenVerifier
from kairos.errors import USAGE_ERROR, KairosError

_KEEP_ALIVE_S = 20


def serve(settings: CollectorSettings, path: Path | None, bootstrap_servers: str | None = None, prefix: str | None = None) -> None:
    """Returns when it has been told to end and everything is flushed. Raises KairosError."""
    configure_logging(settings.log)
    job = job_config(settings, path)
    callers = known_callers(settings)
    failed: list[bool] = []

    def end() -> None:
        failed.append(True)
        server.should_exit = True

    app = build_app(settings, job, connection(job, bootstrap_servers, prefix), callers, end)
    server = uvicorn.Server(server_options(app, settings.collector.shutdown_timeout_ms))
    # from now on connections wait, however long the rest takes to start
    listening = listening_socket("collector", settings.collector.host, settings.collector.port)
    host, port = listening.getsockname()[:2]
    structlog.get_logger("collector").info("listening", host=host, port=port)
    server.run(sockets=[listening])
    if failed:
        raise KairosError("The Kafka client failed for good; what was accepted is in Kafka.", "Start the collector again.")


def server_options(app: FastAPI, shutdown_timeout_ms: int) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app,
        http=BoundedHeads,
        ws="none",
        log_config=None,
        log_level="error",  # what a client has spelt wrongly is no line here
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who sends is told by credentials, not by addresses
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, shutdown_timeout_ms // 1000),
    )


def known_callers(settings: EdgeSettings) -> Callers:
    """From the secrets that the settings name. Raises KairosError when there is none: nobody could send."""
    auth = settings.auth
    keys = ApiKeys(named_secrets(auth.api_keys))
    rules = TokenRules(auth.audience, auth.max_token_lifetime_s, auth.leeway_s)
    tokens = TokenVerifier(named_secrets(auth.token_secrets), read_secret(auth.token_public_keys), rules)
    if not keys and not tokens:
        raise KairosError(
            "Nobody could send: there is no API key and no key for tokens.",
            f"Set {auth.api_keys or 'auth.api_keys'} to NAME:KEY, or try things out with --dev.",
            exit_code=USAGE_ERROR,
        )
    return Callers(keys, tokens)
