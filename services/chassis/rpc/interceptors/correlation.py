"""Gives every call the correlation id it came with, or a fresh one."""

import re
from typing import Any

from services.chassis.rpc.interceptor import Call, Context, Method
from services.chassis.telemetry.correlation import (
    MAX_LENGTH,
    METADATA_KEY,
    REQUEST_ID_KEY,
    correlation_id,
    new_correlation_id,
)

_HARMLESS = re.compile(rf"[A-Za-z0-9._:/-]{{1,{MAX_LENGTH}}}")


class CorrelationInterceptor:
    """Reads ``x-correlation-id``, else ``x-request-id`` (Envoy's), else makes an id."""

    def wrap(self, method: Method, call: Call) -> Call:  # noqa: ARG002 - the same for every method
        """The call with its correlation id set; a call has a task, so nothing needs resetting."""

        async def correlated(request: Any, context: Context) -> Any:
            correlation_id.set(_from_metadata(context))
            return await call(request, context)

        return correlated


def _from_metadata(context: Context) -> str:
    found = ""
    for key, value in context.invocation_metadata() or ():
        if key == METADATA_KEY and isinstance(value, str):
            found = value
            break
        if key == REQUEST_ID_KEY and isinstance(value, str):
            found = value
    # It goes into log lines and outgoing metadata: anything odd is not worth keeping.
    return found if _HARMLESS.fullmatch(found) else new_correlation_id()
