"""Reflection of the whole mesh: every public contract, in both versions of the protocol.

The two versions have the same messages field by field and differ in their names only, so one
servicer answers both.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.reflection import aio as reflection_aio

from services.chassis.descriptor import policies_of, public_descriptor

V1 = "grpc.reflection.v1.ServerReflection"
V1ALPHA = "grpc.reflection.v1alpha.ServerReflection"
HEALTH = "grpc.health.v1.Health"
_METHOD = "ServerReflectionInfo"


def public_services(descriptor: FileDescriptorSet) -> tuple[str, ...]:
    """Full names of the contracts with at least one public rpc."""
    return tuple(sorted({policy.service for policy in policies_of(descriptor).values() if policy.public}))


def add_reflection(server: grpc.aio.Server, descriptor: FileDescriptorSet) -> None:
    """Serves reflection of the public part of ``descriptor``.

    Args:
        server: gets the handlers.
        descriptor: the mesh descriptor.

    Raises:
        ValueError: the descriptor lacks a file that another one imports.
    """
    shown = public_descriptor(descriptor)
    names = (*public_services(descriptor), V1, V1ALPHA, HEALTH)
    servicer = reflection_aio.ReflectionServicer(names, pool=_MethodAwarePool(_pool(shown)))
    for service in (V1, V1ALPHA):
        server.add_generic_rpc_handlers((_handler(service, servicer),))


class _MethodAwarePool:
    """A pool that finds the file of an rpc, too, as ``grpcurl describe`` asks for it.

    Args:
        pool: finds the files of everything else.
    """

    def __init__(self, pool: DescriptorPool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 - the name the servicer calls
        """The file of a symbol.

        Raises:
            KeyError: there is none.
        """
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            found = self._pool.FindServiceByName(service)
            if method not in found.methods_by_name:
                raise
            return found.file


def _handler(service: str, servicer: Any) -> grpc.GenericRpcHandler:
    async def info(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for answer in servicer.ServerReflectionInfo(requests, context):
            yield answer

    method = grpc.stream_stream_rpc_method_handler(
        info,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(service, {_METHOD: method})


def _pool(shown: FileDescriptorSet) -> DescriptorPool:
    """A pool of its own: the process's default one holds only what it imported."""
    pool = DescriptorPool()
    files = {file.name: file for file in shown.file}
    for module in (reflection_pb2, health_pb2):
        if module.DESCRIPTOR.name not in files:
            module.DESCRIPTOR.CopyToProto(shown.file.add())
    files = {file.name: file for file in shown.file}
    added: set[str] = set()

    def add(name: str) -> None:
        if name in added:
            return
        added.add(name)
        if name not in files:
            raise ValueError(f"the mesh descriptor lacks {name}")
        for dependency in files[name].dependency:
            add(dependency)
        pool.Add(files[name])

    for name in _names(files):
        add(name)
    return pool


def _names(files: Iterable[str]) -> list[str]:
    return sorted(files)
