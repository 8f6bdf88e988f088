"""Makes a span around the calls of sampled traces."""

from typing import Any

import grpc

from services.chassis.rpc.interceptor import Call, Context, Method
from services.chassis.telemetry.tracing import TraceContext, Tracing, trace_context


class RecordedCall:
    """A call inside OpenTelemetry's server interceptor, wrapped on first use.

    Args:
        tracing: records the spans.
        method: the rpc.
        call: what happens inside the span.
    """

    def __init__(self, tracing: Tracing, method: Method, call: Call) -> None:
        self._interceptor = tracing.server_interceptor()
        self._method = method
        self._call = call
        self._wrapped: Any = None

    async def run(self, request: Any, context: Context) -> Any:
        """Make the call inside a span of its own."""
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
        trace_context.set(TraceContext(f"00-{span.trace_id:032x}-{span.span_id:016x}-01"))
        return await self._call(request, context)


class _Details(grpc.HandlerCallDetails):
    """What OpenTelemetry asks of a call's details: its method."""

    def __init__(self, path: str) -> None:
        self.method = path
        self.invocation_metadata = ()
