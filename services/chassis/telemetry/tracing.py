"""Trace context (W3C) from call to call, and spans of the traces that are recorded.

Every call has a trace id, for the log. Spans cost a third of a small call, so only sampled traces
have them, and only where an exporter is configured; all others pass their context on as it came.
"""

import random
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import grpc.aio
    from opentelemetry.sdk.trace import TracerProvider

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"

_HEADER = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_LENGTH = 55
_EXPORT_TIMEOUT_S = 3.0
_STATE = re.compile(r"[\x20-\x7e]{1,512}")


class TraceContext:
    """Where in which trace the present task works, as its header says it.

    Kept as the header it came in, since most calls only pass it on.

    Args:
        header: a ``traceparent`` of version 00, known to be well-formed.
        state: the vendors' part, passed on unread.
    """

    __slots__ = ("header", "metadata")

    def __init__(self, header: str, state: str = "") -> None:
        self.header = header
        self.metadata: tuple[tuple[str, str], ...] = ((TRACEPARENT, header),)
        """The headers that carry it on."""
        if state:
            self.metadata += ((TRACESTATE, state),)

    @classmethod
    def parse(cls, header: str, state: str = "") -> Self | None:
        """The context a ``traceparent`` header carries; None where it is not of that form."""
        if len(header) > _LENGTH and header[_LENGTH] == "-" and header[:2] not in ("00", "ff"):
            # A later version may say more; what is known of it is carried on as version 00.
            header = "00" + header[2:_LENGTH]
        if _HEADER.fullmatch(header) is None:
            return None
        return cls(header, state if _STATE.fullmatch(state) else "")

    @classmethod
    def begin(cls, *, sampled: bool = False) -> Self:
        """A new trace."""
        # Neither id may be zero.
        digits = f"{random.getrandbits(192) | 1 << 64 | 1:048x}"
        return cls(f"00-{digits[:32]}-{digits[32:]}-{'01' if sampled else '00'}")

    @property
    def trace_id(self) -> str:
        """32 hexadecimal digits."""
        return self.header[3:35]

    @property
    def span_id(self) -> str:
        """16 hexadecimal digits: the last recorded span above."""
        return self.header[36:52]

    @property
    def sampled(self) -> bool:
        """Whether the trace is recorded."""
        return self.header[54] in "13579bdf"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TraceContext) and self.metadata == other.metadata

    def __hash__(self) -> int:
        return hash(self.metadata)

    def __repr__(self) -> str:
        return f"TraceContext({self.header})"


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

    Args:
        service: name of the service.
        instance: id of the process.
        endpoint: an OTLP collector that takes JSON over HTTP, as in ``http://127.0.0.1:4318``.
        ratio: share of the traces beginning here that are sampled, 0 to 1.

    Imports OpenTelemetry only then: it takes a quarter of a second.
    """
    if not endpoint:
        return None
    # The JSON exporter, since xds-protos overwrites the messages that the protobuf one needs.
    from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased  # noqa: PLC0415

    resource = Resource.create(
        {"service.namespace": "trademesh", "service.name": service, "service.instance.id": instance}
    )
    # Whether a trace is sampled is decided before OpenTelemetry is asked.
    provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider, ratio)
