"""Trace context (W3C) from call to call, and spans of the traces that are recorded.

Every call has a trace id, for the log. Spans cost a third of a small call, so only sampled traces
have them, and only where an exporter is configured; all others pass their context on as it came.
"""

import random
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import grpc.aio
    from opentelemetry.sdk.trace import TracerProvider

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"

_HEADER = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 0x01
_STATE_LIMIT = 512
_STATE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where in which trace the present task works.

    Attributes:
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits: the last recorded span above.
        sampled: whether the trace is recorded.
        state: the vendors' part, passed on unread.
    """

    trace_id: str
    span_id: str
    sampled: bool
    state: str = ""
    metadata: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    """The headers that carry it on."""

    def __post_init__(self) -> None:
        header = f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"
        carried = (
            ((TRACEPARENT, header), (TRACESTATE, self.state)) if self.state else ((TRACEPARENT, header),)
        )
        object.__setattr__(self, "metadata", carried)

    @classmethod
    def parse(cls, header: str, state: str = "") -> Self | None:
        """The context a ``traceparent`` header carries; None where it is not of that form."""
        match = _HEADER.fullmatch(header[:55])
        if match is None:
            return None
        kept = state if len(state) <= _STATE_LIMIT and _STATE.fullmatch(state) else ""
        return cls(match[1], match[2], bool(int(match[3], 16) & _SAMPLED), kept)

    @classmethod
    def begin(cls, *, sampled: bool = False) -> Self:
        """A new trace."""
        bits = random.getrandbits(192) | 1 << 64 | 1  # neither id may be zero
        return cls(f"{bits >> 64:032x}", f"{bits & (1 << 64) - 1:016x}", sampled)


trace_context: ContextVar[TraceContext | None] = ContextVar("trace_context", default=None)
"""The context of the present task; None outside of any call."""


class Tracing:
    """Records the spans of sampled traces and sends them to an OTLP collector.

    Made by :func:`start_tracing`.

    Args:
        provider: makes and exports spans.
        ratio: share of the traces beginning here that are sampled.
    """

    def __init__(self, provider: "TracerProvider", ratio: float) -> None:
        self._provider = provider
        self._ratio = ratio

    def samples(self) -> bool:
        """Decide for a trace that begins here."""
        return random.random() < self._ratio  # noqa: S311 - sampling, no secret

    def server_interceptor(self) -> "grpc.aio.ServerInterceptor":
        """The interceptor that makes a server's spans."""
        from opentelemetry.instrumentation.grpc import aio_server_interceptor  # noqa: PLC0415

        make: Callable[..., grpc.aio.ServerInterceptor] = aio_server_interceptor
        return make(tracer_provider=self._provider)

    def client_interceptors(self) -> "Sequence[grpc.aio.ClientInterceptor]":
        """The interceptors that make a channel's spans and inject their context."""
        from opentelemetry.instrumentation.grpc import aio_client_interceptors  # noqa: PLC0415

        make: Callable[..., Sequence[grpc.aio.ClientInterceptor]] = aio_client_interceptors
        return make(tracer_provider=self._provider)

    def close(self) -> None:
        """Send what is left; takes up to some seconds where the collector is away."""
        self._provider.shutdown()


def start_tracing(service: str, instance: str, endpoint: str | None, ratio: float) -> Tracing | None:
    """Begin to record spans; None where there is no endpoint to send them to.

    Imports OpenTelemetry only then: it takes a quarter of a second.
    """
    if not endpoint:
        return None
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased  # noqa: PLC0415

    resource = Resource.create(
        {"service.namespace": "trademesh", "service.name": service, "service.instance.id": instance}
    )
    # Whether a trace is sampled is decided before OpenTelemetry is asked.
    provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"), timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider, ratio)
