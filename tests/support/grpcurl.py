"""Real grpcurl, built once from the pinned Go module."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from services import toolchain
from tests.support.doors import RefusedError, grpc_code, parse
from tests.support.public_rpcs import PublicRpc

_BOUND_S = 15
_CODE_OFFSET = 64
"""grpcurl's exit code is this plus the gRPC code."""


class Grpcurl:
    """grpcurl on one address.

    Args:
        binary: the program.
        address: ``host:port`` of the edge.
    """

    def __init__(self, binary: Path, address: str) -> None:
        self._binary = binary
        self._address = address

    def run(self, *arguments: str) -> str:
        """What a command prints; options come before the address, verbs after it: ``run("list")``.

        Raises:
            RefusedError: it ended with a gRPC code.
        """
        done = self._run([], arguments)
        if done.returncode:
            raise self._refusal(done)
        return str(done.stdout)

    def call(self, rpc: PublicRpc, request: Mapping[str, Any]) -> Any:
        """One unary call, as in :class:`tests.support.doors.Door`."""
        done = self._run(["-d", _json(rpc, request)], [rpc.path[1:]])
        if done.returncode:
            raise self._refusal(done)
        return parse(rpc, json.loads(done.stdout))

    def first_frame(self, rpc: PublicRpc, request: Mapping[str, Any]) -> Any:
        """The first frame of a server stream, as in :class:`tests.support.doors.Door`."""
        command = self._command(["-d", _json(rpc, request)], [rpc.path[1:]])
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            text = ""
            for line in process.stdout:
                text += line
                # One frame is one indented object: it ends with the brace in the first column.
                if line.rstrip() == "}":
                    process.terminate()
                    process.communicate()
                    return parse(rpc, json.loads(text))
            pytest.fail(f"{rpc.path} sent no frame: {process.stderr.read()}")

    def _run(self, options: list[str], arguments: tuple[str, ...] | list[str]) -> Any:
        return subprocess.run(
            self._command(options, arguments),
            capture_output=True,
            text=True,
            timeout=2 * _BOUND_S,
            check=False,
        )

    def _command(self, options: list[str], arguments: tuple[str, ...] | list[str]) -> list[str]:
        limits = ["-plaintext", "-max-time", str(_BOUND_S), "-emit-defaults"]
        return [str(self._binary), *limits, *options, self._address, *arguments]

    def _refusal(self, done: Any) -> RefusedError:
        number = done.returncode - _CODE_OFFSET
        return RefusedError(grpc_code(number) if number > 0 else "UNKNOWN", done.stderr.strip())


def _json(rpc: PublicRpc, request: Mapping[str, Any]) -> str:
    """The request as grpcurl takes it: it knows no short form of a field mask."""
    value = dict(request)
    for field in rpc.request_class.DESCRIPTOR.fields:
        mask = field.message_type is not None and field.message_type.full_name == "google.protobuf.FieldMask"
        if mask and field.name in value:
            value[field.name] = {"paths": value[field.name].split(",")}
    return json.dumps(value)


@pytest.fixture(scope="session")
def grpcurl_binary() -> Path:
    """The program; built first where it is absent. Without Go the test skips, or fails on CI."""
    try:
        return toolchain.ensure(toolchain.Tool.GRPCURL)
    except toolchain.ToolMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
