"""What the edge process serves itself, behind Envoy, on a unix socket: reflection and health."""

import os
from pathlib import Path

import grpc.aio
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio

from services.edge.reflection import add_reflection

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class LocalServer:
    """A gRPC server that only this machine's Envoy talks to.

    Args:
        descriptor: the mesh descriptor.
        socket: path of the unix socket; replaced where it is left over.
    """

    def __init__(self, descriptor: FileDescriptorSet, socket: Path) -> None:
        self._socket = socket
        self._server = grpc.aio.server(options=[("grpc.max_concurrent_streams", 256)])
        self._health = health_aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_reflection(self._server, descriptor)

    async def start(self) -> None:
        """Opens the socket, for the owner only; health says NOT_SERVING."""
        await self._health.set("", _NOT_SERVING)
        self._socket.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server.add_insecure_port(f"unix:{self._socket}")
            await self._server.start()
        finally:
            os.umask(before)

    async def serving(self) -> None:
        """The edge is open."""
        await self._health.set("", _SERVING)

    async def not_serving(self) -> None:
        """The edge closes for good."""
        await self._health.enter_graceful_shutdown()

    async def stop(self) -> None:
        """Ends the server and removes the socket."""
        await self._server.stop(1.0)
        self._socket.unlink(missing_ok=True)
