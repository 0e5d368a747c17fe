"""Structured logs: one JSON object a line on stderr, with names and numbers, never with secrets or what people sent.

log = structlog.get_logger("collector")
log.info("listening", host="0.0.0.0", port=8088)
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from gateway.common.settings import LogSettings

_SECRET_NAMES = ("authorization", "token", "secret", "password", "api_key", "apikey", "cookie", "body", "payload")
_HIDDEN = "***"


def configure_logging(settings: LogSettings) -> None:
    """For the whole process, what libraries log included."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.format == "json":
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # a plain trace: the default one shows the values of variables, and in them tokens and bodies
        last += [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level.upper())
    for noisy in ("httpx", "httpcore", "kafka", "asyncio", "hpack"):  # each request of theirs would be a line
        logging.getLogger(noisy).setLevel(logging.WARNING)


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A second net: what is named like a secret or a body is not shown, whoever logged it."""
    for name in event:
        if any(word in name.lower() for word in _SECRET_NAMES):
            event[name] = _HIDDEN
    return event
