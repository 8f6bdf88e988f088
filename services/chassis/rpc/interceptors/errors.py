"""Turns what a handler raises into the one error shape of the contracts."""

from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import structlog

from services.chassis.rpc.interceptor import Call, Context, Method
from services.chassis.rpc.status import area_of, internal_status, status_of
from services.kernel.errors import DomainError, ErrorKind

_RETRY_AFTER = timedelta(seconds=1)
_log = structlog.get_logger(__name__)


class ErrorInterceptor:
    """Answers a DomainError with its ``google.rpc.Status``, anything else with a bare INTERNAL.

    An upstream that was away or too slow, which no handler turned into an error of its own, is
    passed on as UNAVAILABLE or DEADLINE_EXCEEDED. Cancellation is no error: it passes untouched,
    as does a handler's own ``context.abort``.
    """

    def wrap(self, method: Method, call: Call) -> Call:
        """The call that ends in a well-formed status, whatever happens inside."""
        area = area_of(method.service)

        async def guarded(request: Any, context: Context) -> Any:
            try:
                return await call(request, context)
            except DomainError as error:
                status = status_of(error, area)
            except grpc.aio.BaseError:
                # Aborted by the handler, or over since the peer went away or the server stopped.
                raise
            except Exception as error:  # noqa: BLE001 - the last place that can answer it
                upstream = _of_upstream(error)
                if upstream is None:
                    _log.exception("rpc_failed", rpc=method.path)
                    status = internal_status(area)
                else:
                    _log.warning("upstream_failed", rpc=method.path, error=str(error))
                    status = status_of(upstream, area)
            return await context.abort(status.code, status.details, tuple(status.trailing_metadata))

        return guarded


def _of_upstream(error: Exception) -> DomainError | None:
    """The error that says an upstream was away or too slow, if that is what happened."""
    if not isinstance(error, grpc.aio.AioRpcError):
        return None
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return DomainError(
            "UPSTREAM_UNAVAILABLE",
            "a service this call needs is not available",
            kind=ErrorKind.UNAVAILABLE,
            retry_after=_RETRY_AFTER,
        )
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        msg = "a service this call needs did not answer in time"
        return DomainError("UPSTREAM_UNAVAILABLE", msg, kind=ErrorKind.DEADLINE)
    return None
