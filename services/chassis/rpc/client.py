"""Channels to other services: mTLS over xDS, and what every call carries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, Self

import grpc
import grpc.aio
from google.rpc import error_details_pb2

from services.chassis.identity.nobody import nobody
from services.chassis.rpc.channel import CarryingChannel
from services.chassis.rpc.status import details_of
from services.chassis.telemetry.tracing import Tracing

_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.max_metadata_size", 32 * 1024),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A service that is back is found within a second, not after minutes of backing off.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)

_DECIDED: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
    }
)
"""The codes of the error kinds that are the same however often one asks."""


class Channels:
    """The process's channels, one per service, made on first use.

    Args:
        deadlines: default deadline by method path, from the contracts.
        tracing: records spans; None where no exporter is configured.
    """

    def __init__(self, deadlines: Mapping[str, timedelta | None], tracing: Tracing | None = None) -> None:
        self._deadlines = {
            path: deadline.total_seconds() for path, deadline in deadlines.items() if deadline is not None
        }
        self._tracing = tracing
        self._channels: dict[str, grpc.aio.Channel] = {}

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to a service, over ``xds:///``.

        Endpoints, retries and mTLS come from the control plane; a plaintext connection is never made.
        """
        found = self._channels.get(service)
        if found is None:
            found = self._channels[service] = carrying(
                lambda interceptors: _xds_channel(service, interceptors), self._deadlines, self._tracing
            )
        return found

    async def close(self) -> None:
        """Close all of them."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()


def carrying(
    connect: Callable[[Sequence[grpc.aio.ClientInterceptor] | None], grpc.aio.Channel],
    deadlines: Mapping[str, float],
    tracing: Tracing | None = None,
) -> grpc.aio.Channel:
    """A channel whose calls carry correlation id, trace context and default deadline.

    Args:
        connect: makes the channel underneath, with the interceptors it is given.
        deadlines: seconds by method path.
        tracing: records spans; needs a channel of its own, which shares the connections.
    """
    recorded = connect(tracing.client_interceptors()) if tracing else None
    return CarryingChannel(connect(None), deadlines, recorded)


def _xds_channel(service: str, interceptors: Sequence[grpc.aio.ClientInterceptor] | None) -> grpc.aio.Channel:
    # Where the control plane sends no TLS for a service, gRPC takes the fallback: TLS that trusts
    # nobody, since the call must fail then, and never go out in plain text.
    nothing = grpc.ssl_channel_credentials(root_certificates=nobody())
    credentials = grpc.xds_channel_credentials(fallback_credentials=nothing)
    return grpc.aio.secure_channel(
        f"xds:///{service}", credentials, options=_OPTIONS, interceptors=interceptors
    )


@dataclass(frozen=True, slots=True)
class MeshError:
    """What a service of the mesh answered instead of a response.

    Attributes:
        code: gRPC status code.
        reason: value of the contract's ErrorReason without its prefix; empty where the answer did
            not come from a handler (the connection broke, the deadline passed).
        domain: ``<area>.trademesh``; empty likewise.
        message: one sentence for a person.
        metadata: the numbers behind it.
    """

    code: grpc.StatusCode
    reason: str = ""
    domain: str = ""
    message: str = ""
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, error: grpc.aio.AioRpcError) -> Self:
        """Read the answer; one without readable details keeps its code and message."""
        code, text = error.code(), error.details() or ""
        status = details_of(error)
        info = error_details_pb2.ErrorInfo()
        for detail in status.details if status else ():
            if detail.Unpack(info):
                return cls(code, info.reason, info.domain, text, MappingProxyType(dict(info.metadata)))
        return cls(code, message=text)

    @property
    def definite(self) -> bool:
        """Whether the service refused, so that the call surely did not take effect.

        Without it the call may have taken effect: the connection was lost, the deadline passed, or the
        answer is one that says nothing about it. The chassis gives such answers a reason, too
        (SERVER_DRAINING, SERVER_OVERLOADED, UPSTREAM_UNAVAILABLE, STORAGE_UNAVAILABLE, INTERNAL): a
        handler may have been half-way through, or an earlier attempt of the same call at its end.
        Hence a reason is not enough, the code must be one that only a decision has.
        """
        return bool(self.reason) and self.code in _DECIDED

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"
