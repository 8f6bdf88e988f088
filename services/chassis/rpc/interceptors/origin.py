"""Where a call comes from: its correlation id and its trace, as its metadata say.

Both are read in one pass, since gRPC builds the metadata anew each time it is asked for them.
"""

import re
from typing import Any

from services.chassis.rpc.interceptor import Call, Context, Method
from services.chassis.rpc.interceptors.tracing import RecordedCall
from services.chassis.telemetry.correlation import (
    MAX_LENGTH,
    METADATA_KEY,
    REQUEST_ID_KEY,
    correlation_id,
    new_correlation_id,
)
from services.chassis.telemetry.tracing import (
    TRACEPARENT,
    TRACESTATE,
    TraceContext,
    Tracing,
    trace_context,
)

_HARMLESS = re.compile(rf"[A-Za-z0-9._:/-]{{1,{MAX_LENGTH}}}")
_KEYS = frozenset({METADATA_KEY, REQUEST_ID_KEY, TRACEPARENT, TRACESTATE})


class OriginInterceptor:
    """Sets the correlation id and the trace context of every call, fresh ones where it has none.

    The correlation id is ``x-correlation-id``, else ``x-request-id`` (Envoy's). A call has a task of
    its own, so nothing needs resetting.

    Args:
        tracing: records spans; None where no exporter is configured.
    """

    def __init__(self, tracing: Tracing | None = None) -> None:
        self._tracing = tracing

    def wrap(self, method: Method, call: Call) -> Call:
        """The call with its origin known."""
        tracing = self._tracing
        if tracing is None:

            async def placed(request: Any, context: Context) -> Any:
                if not _take_over(context):
                    trace_context.set(TraceContext.begin())
                return await call(request, context)

            return placed

        recorded = RecordedCall(tracing, method, call)

        async def traced(request: Any, context: Context) -> Any:
            present = _take_over(context)
            if present is None:
                present = TraceContext.begin(sampled=tracing.samples())
                trace_context.set(present)
            return await (recorded.run if present.sampled else call)(request, context)

        return traced


def _take_over(context: Context) -> TraceContext | None:
    """Set the correlation id, and the trace context where the caller sent one."""
    found: dict[str, Any] = {key: value for key, value in context.invocation_metadata() or () if key in _KEYS}
    # It goes into log lines and outgoing metadata: anything odd is not worth keeping.
    named = found.get(METADATA_KEY) or found.get(REQUEST_ID_KEY) or ""
    correlation_id.set(named if _HARMLESS.fullmatch(named) else new_correlation_id())
    parent = found.get(TRACEPARENT)
    if not parent:
        return None
    present = TraceContext.parse(parent, found.get(TRACESTATE, ""))
    if present is not None:
        trace_context.set(present)
    return present
