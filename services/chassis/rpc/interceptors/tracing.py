"""Carries the trace context of every call, and makes spans for the sampled ones."""

from typing import Any

import grpc

from services.chassis.rpc.interceptor import Call, Context, Method
from services.chassis.telemetry.tracing import (
    TRACEPARENT,
    TRACESTATE,
    TraceContext,
    Tracing,
    trace_context,
)


class TraceInterceptor:
    """Reads ``traceparent`` and ``tracestate``; begins a trace where there is none.

    Args:
        tracing: records spans; None where no exporter is configured.
    """

    def __init__(self, tracing: Tracing | None = None) -> None:
        self._tracing = tracing

    def wrap(self, method: Method, call: Call) -> Call:
        """The call with its trace context set."""
        tracing = self._tracing
        if tracing is None:

            async def carried(request: Any, context: Context) -> Any:
                trace_context.set(_incoming(context) or TraceContext.begin())
                return await call(request, context)

            return carried

        recorded = _Recorded(tracing, method, call)

        async def traced(request: Any, context: Context) -> Any:
            present = _incoming(context) or TraceContext.begin(sampled=tracing.samples())
            trace_context.set(present)
            return await (recorded.run if present.sampled else call)(request, context)

        return traced


def _incoming(context: Context) -> TraceContext | None:
    parent = state = ""
    for key, value in context.invocation_metadata() or ():
        if key == TRACEPARENT and isinstance(value, str):
            parent = value
        elif key == TRACESTATE and isinstance(value, str):
            state = value
    return TraceContext.parse(parent, state) if parent else None


class _Recorded:
    """The call inside OpenTelemetry's server interceptor, wrapped on first use."""

    def __init__(self, tracing: Tracing, method: Method, call: Call) -> None:
        self._interceptor = tracing.server_interceptor()
        self._method = method
        self._call = call
        self._wrapped: Any = None

    async def run(self, request: Any, context: Context) -> Any:
        if self._wrapped is None:
            self._wrapped = await self._wrap()
        return await self._wrapped(request, context)

    async def _wrap(self) -> Any:
        # Every call has the shape of a unary one here, streams included.
        handler: Any = grpc.unary_unary_rpc_method_handler(self._inside)

        async def find(_: grpc.HandlerCallDetails) -> Any:
            return handler

        wrapped: Any = await self._interceptor.intercept_service(find, _Details(self._method.path))
        return wrapped.unary_unary

    async def _inside(self, request: Any, context: Context) -> Any:
        from opentelemetry.trace import get_current_span  # noqa: PLC0415 - only where spans are made

        span = get_current_span().get_span_context()
        trace_context.set(TraceContext(f"{span.trace_id:032x}", f"{span.span_id:016x}", sampled=True))
        return await self._call(request, context)


class _Details(grpc.HandlerCallDetails):
    """What OpenTelemetry asks of a call's details: its method."""

    def __init__(self, path: str) -> None:
        self.method = path
        self.invocation_metadata = ()
