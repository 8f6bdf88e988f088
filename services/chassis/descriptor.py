"""The mesh descriptor: every contract of the mesh as one ``FileDescriptorSet``, and its method options.

Servers, channels and the control plane read permissions, deadlines and retry classes from it, so
that the contract is the only table of them.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import trademesh
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2
from trademesh.options.v1 import method_pb2

DESCRIPTOR_VARIABLE: Final = "TRADEMESH_DESCRIPTOR"
"""Environment variable that names another descriptor file than the installed one."""

PACKAGE_PREFIX: Final = "trademesh."


class RetryClass(IntEnum):
    """Whether and where a failed call may be sent again; numbers as in ``trademesh.options.v1``."""

    UNSPECIFIED = 0
    READ = 1
    IDEMPOTENT = 2
    NEVER = 3


class RateClass(IntEnum):
    """The rate limit bucket a call counts against; numbers as in ``trademesh.options.v1``."""

    UNSPECIFIED = 0
    READ = 1
    TRADE = 2
    STREAM = 3
    SAFETY = 4


@dataclass(frozen=True, slots=True)
class MethodPolicy:
    """What the contract says about one rpc.

    Attributes:
        path: the rpc as gRPC names it, ``/trademesh.market.v1.MarketService/GetTicker``.
        permission: what a caller must be allowed to do, as in ``market.read``.
        default_deadline: deadline where the caller set none; None for a stream.
        retry: whether and where a failed call may be sent again.
        rate: the rate limit bucket.
        public: whether the edge lets callers from outside the mesh reach it.
        client_streaming: the caller sends a stream.
        server_streaming: the answer is a stream.
    """

    path: str
    permission: str
    default_deadline: timedelta | None
    retry: RetryClass
    rate: RateClass
    public: bool
    client_streaming: bool
    server_streaming: bool

    @property
    def service(self) -> str:
        """Full name of the rpc's service, ``trademesh.market.v1.MarketService``."""
        return self.path[1:].partition("/")[0]

    @property
    def area(self) -> str:
        """The area of the contract, which is the name of the mesh service: ``market``."""
        return self.service.split(".")[1]

    @property
    def streaming(self) -> bool:
        """Whether either side sends a stream."""
        return self.client_streaming or self.server_streaming


def descriptor_file() -> Path:
    """Where the mesh descriptor lies: a named file, this checkout, or beside the generated package.

    Raises:
        FileNotFoundError: it lies in none of those places; ``make gen`` makes it.
    """
    if named := os.environ.get(DESCRIPTOR_VARIABLE):
        return Path(named)
    generated = [Path(folder).resolve().parents[1] for folder in trademesh.__path__]
    folders = [
        Path(__file__).resolve().parents[2] / "gen",
        *generated,
        Path(sys.prefix) / "share" / "trademesh",
    ]
    for folder in folders:
        file = folder / "descriptors" / "mesh.binpb"
        if file.is_file():
            return file
    searched = ", ".join(str(folder) for folder in dict.fromkeys(folders))
    raise FileNotFoundError(f"no descriptors/mesh.binpb under {searched}; `make gen` makes it")


@cache
def mesh_descriptor() -> FileDescriptorSet:
    """Every contract of the mesh with all it imports. One shared value: do not change it.

    Raises:
        FileNotFoundError: as for :func:`descriptor_file`.
    """
    return FileDescriptorSet.FromString(descriptor_file().read_bytes())


@cache
def method_policies() -> Mapping[str, MethodPolicy]:
    """The policy of every trademesh rpc, by its gRPC path (``/package.Service/Method``).

    Raises:
        FileNotFoundError: as for :func:`descriptor_file`.
    """
    return policies_of(mesh_descriptor())


def policies_of(descriptor: FileDescriptorSet) -> Mapping[str, MethodPolicy]:
    """The policy of every trademesh rpc of ``descriptor``, by its gRPC path.

    An rpc without the option gets the safest policy: not public, never sent again.
    """
    return MappingProxyType({policy.path: policy for policy in _policies(descriptor)})


def _policies(descriptor: FileDescriptorSet) -> Iterator[MethodPolicy]:
    for file in descriptor.file:
        if not file.package.startswith(PACKAGE_PREFIX):
            continue
        for service in file.service:
            for method in service.method:
                extensions: Any = method.options.Extensions  # typed stubs of extensions differ by generator
                option = extensions[method_pb2.method]
                has_deadline = option.HasField("default_deadline")
                yield MethodPolicy(
                    path=f"/{file.package}.{service.name}/{method.name}",
                    permission=option.permission,
                    default_deadline=option.default_deadline.ToTimedelta() if has_deadline else None,
                    retry=RetryClass(option.retry),
                    rate=RateClass(option.rate),
                    public=option.public,
                    client_streaming=method.client_streaming,
                    server_streaming=method.server_streaming,
                )


def public_descriptor(descriptor: FileDescriptorSet) -> FileDescriptorSet:
    """What the edge may show of ``descriptor``: public rpcs only, without comments, with error details.

    An rpc that is not public is left out, so that its HTTP binding does not exist at the edge.
    ``google/rpc/error_details.proto`` is added, since the transcoder needs it to write errors.
    """
    public = {path for path, policy in policies_of(descriptor).items() if policy.public}
    shown = FileDescriptorSet()
    shown.CopyFrom(descriptor)
    for file in shown.file:
        file.ClearField("source_code_info")
        if file.package.startswith(PACKAGE_PREFIX):
            for service in file.service:
                kept = [m for m in service.method if f"/{file.package}.{service.name}/{m.name}" in public]
                del service.method[:]
                service.method.extend(kept)
    present = {file.name for file in shown.file}
    for module in (status_pb2, error_details_pb2):
        if module.DESCRIPTOR.name not in present:
            module.DESCRIPTOR.CopyToProto(shown.file.add())
    return shown
