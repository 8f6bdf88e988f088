"""Restores what set an event in motion, so that its effects are logged and traced as part of it."""

from contextvars import Token
from types import TracebackType

from opentelemetry import context, propagate

from services.chassis.events.envelope import Envelope
from services.chassis.telemetry.correlation import correlation_id, new_correlation_id


class UnderCause:
    """Work inside the block under the correlation id and the trace of an event.

    Args:
        envelope: the event.
    """

    __slots__ = ("_envelope", "_id", "_trace")

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    def __enter__(self) -> None:
        self._id: Token[str] = correlation_id.set(self._envelope.correlation_id or new_correlation_id())
        headers = self._envelope.trace_context
        self._trace = context.attach(propagate.extract(dict(headers))) if headers else None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._trace is not None:
            context.detach(self._trace)
        correlation_id.reset(self._id)
