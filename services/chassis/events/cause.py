"""Restores what set an event in motion, so that its effects are logged and traced as part of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, propagate

from services.chassis.events.envelope import Envelope
from services.chassis.telemetry.correlation import correlated


@contextmanager
def under_cause_of(envelope: Envelope) -> Iterator[None]:
    """Work inside the block under the correlation id and the trace of the event."""
    with correlated(envelope.correlation_id):
        traced = envelope.trace_context
        if not traced:
            yield
            return
        token = context.attach(propagate.extract(dict(traced)))
        try:
            yield
        finally:
            context.detach(token)
