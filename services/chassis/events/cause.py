"""Restores what set an event in motion, so that its effects are logged and traced as part of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, propagate

from services.chassis.events.envelope import Envelope
from services.chassis.telemetry.correlation import correlated


@contextmanager
def under_cause_of(envelope: Envelope) -> Iterator[None]:
    """Work inside the block under the correlation id and the trace of the event."""
    token = context.attach(propagate.extract(envelope.trace_context))
    try:
        with correlated(envelope.correlation_id):
            yield
    finally:
        context.detach(token)
