"""Logs: one JSON object per line on standard error."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from services.chassis.telemetry.correlation import correlation_id
from services.chassis.telemetry.tracing import trace_context

_SECRET_WORDS = ("token", "secret", "password", "private_key", "authorization", "api_key")
_HIDDEN = "[hidden]"
Event = MutableMapping[str, Any]


def configure_logging(service: str, instance: str, level: str = "info") -> None:
    """Send the log of this process to standard error.

    Each line has timestamp, level, event, service, instance, correlation_id and trace_id, then the
    fields of the event. Records of the standard library's loggers take the same way.

    Args:
        service: name of the service.
        instance: id of the process.
        level: lowest level that is logged: debug, info, warning, error.

    Raises:
        ValueError: there is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        msg = f"not a log level: {level!r}"
        raise ValueError(msg)
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Identity(service, instance),
        structlog.processors.ExceptionRenderer(),
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.captureWarnings(capture=True)


def hide_secrets(_: object, __: str, event: Event) -> Event:
    """Never let a secret out, whoever logged it by mistake."""
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = _HIDDEN
    return event


class _Identity:
    """Adds who logs, and for what."""

    def __init__(self, service: str, instance: str) -> None:
        self._service = service
        self._instance = instance

    def __call__(self, _: object, __: str, event: Event) -> Event:
        trace = trace_context.get()
        event.setdefault("service", self._service)
        event.setdefault("instance", self._instance)
        event.setdefault("correlation_id", correlation_id.get())
        event.setdefault("trace_id", trace.trace_id if trace else "")
        return event
