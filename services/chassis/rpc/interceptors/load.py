"""Refuses calls above what one instance carries, before they cost anything."""

from datetime import timedelta
from typing import Any

from services.chassis.rpc.interceptor import Call, Context, Method
from services.kernel.errors import DomainError, ErrorKind

_RETRY_AFTER = timedelta(milliseconds=250)


class LoadInterceptor:
    """Answers UNAVAILABLE, which a caller retries elsewhere, once too many calls are in flight.

    gRPC's own ``maximum_concurrent_rpcs`` makes calls wait instead, so that a few hundred open
    streams would lock everybody out for ever.

    Args:
        limit: calls in flight that are carried; health and reflection are not counted.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running = 0

    def wrap(self, method: Method, call: Call) -> Call:
        """The call behind the limit."""
        if method.infrastructure:
            return call

        async def admitted(request: Any, context: Context) -> Any:
            if self._running >= self._limit:
                raise DomainError(
                    "SERVER_OVERLOADED",
                    f"this instance carries {self._limit} calls at once",
                    kind=ErrorKind.UNAVAILABLE,
                    metadata={"limit": str(self._limit)},
                    retry_after=_RETRY_AFTER,
                )
            self._running += 1
            try:
                return await call(request, context)
            finally:
                self._running -= 1

        return admitted
