"""Logs: one JSON object per line on standard error."""

import atexit
import json
import logging
import sys
import time
from collections.abc import MutableMapping
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Final

import structlog

from services.chassis.telemetry.correlation import correlation_id
from services.chassis.telemetry.line_writer import LineWriter
from services.chassis.telemetry.tracing import trace_context

_SECRET_WORDS = ("token", "secret", "password", "private_key", "authorization", "api_key")
_OURS: Final = frozenset({"timestamp", "level", "event", "service", "instance", "correlation_id", "trace_id"})
_SAME_LEVEL: Final = {"exception": "error", "warn": "warning", "fatal": "critical"}
_encode: Final = json.JSONEncoder(default=str).encode
Event = MutableMapping[str, Any]


def configure_logging(service: str, instance: str, level: str = "info") -> LineWriter:
    """Send the log of this process to standard error.

    Each line has timestamp, level, event, service, instance, correlation_id and trace_id, then the
    fields of the event. Records of the standard library's loggers take the same way.

    Args:
        service: name of the service.
        instance: id of the process.
        level: lowest level that is logged: debug, info, warning, error.

    Returns:
        What writes the lines, from a thread of its own; it is closed when the process ends.

    Raises:
        ValueError: there is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        msg = f"not a log level: {level!r}"
        raise ValueError(msg)
    writer = LineWriter(sys.stderr)
    atexit.register(writer.close)
    exception, line = structlog.processors.ExceptionRenderer(), Line(service, instance)
    structlog.configure(
        processors=[exception, line],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=True,
    )
    handler = _Handler(writer)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, exception],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, line],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    logging.captureWarnings(capture=True)
    return writer


class Line:
    """Makes the line of an event: who logs, for what, and what happened.

    Written out here rather than by a chain of processors, since every order logs a dozen lines.

    Args:
        service: name of the service.
        instance: id of the process.
    """

    def __init__(self, service: str, instance: str) -> None:
        self._who = f'"service": {quoted(service)}, "instance": {quoted(instance)}'
        self._second = (0, "")

    def __call__(self, _: object, method: str, event: Event) -> str:
        """One JSON object; ASCII, no line end. Names that are ours are not an event's to give."""
        trace = trace_context.get()
        trace_id = trace.trace_id if trace else ""
        level, what = _SAME_LEVEL.get(method, method), event.pop("event", None)
        head = (
            f'{{"timestamp": "{self._now()}", "level": "{level}", "event": {_value(what)}, {self._who}, '
            f'"correlation_id": {quoted(correlation_id.get())}, "trace_id": "{trace_id}"'
        )
        return "".join([head, *[_field(key, value) for key, value in event.items()], "}"])

    def _now(self) -> str:
        seconds, nanos = divmod(time.time_ns(), 1_000_000_000)
        known, text = self._second
        if seconds != known:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
            self._second = seconds, text
        return f"{text}.{nanos // 1000:06d}Z"


def _field(key: str, value: Any) -> str:
    name, plain = _name(key)
    return name + _value(value) if plain else name


def _value(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return quoted(value)
    return str(value) if kind is int else _encode(value)


@lru_cache(maxsize=1024)
def _name(key: str) -> tuple[str, bool]:
    """A field's name as JSON, and whether its value follows as it is.

    A name that promises a secret hides its value, whoever logged it by mistake. A name that is one of ours,
    as in ``service``, gets an underscore, so that no line has a name twice.
    """
    if key in _OURS:
        key += "_"
    lower = key.lower()
    if any(word in lower for word in _SECRET_WORDS):
        return f', {quoted(key)}: "[hidden]"', False
    return f", {quoted(key)}: ", True


class _Handler(logging.Handler):
    """The standard library's door to the same writer."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record's line."""
        try:
            self._writer.write(self.format(record))
        except Exception:  # noqa: BLE001 - as the library's own handlers do
            self.handleError(record)
