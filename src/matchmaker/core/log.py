"""Structured logs on standard error: names of events and data, never bodies or secrets."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from matchmaker.core.settings import Settings

_SECRET = ("password", "secret", "token", "authorization", "cookie", "api_key", "database_url")
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Set up logging for the process, to standard error unless ``stream`` is given."""
    output = stream or sys.stderr
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=output.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.log_level]),
        logger_factory=structlog.PrintLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=logging.WARNING, stream=output, format="%(levelname)s %(name)s %(message)s"
    )


def redact(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """The event with every value under a secret's name replaced."""
    for name in event:
        if any(word in name.lower() for word in _SECRET):
            event[name] = "[redacted]"
    return event
