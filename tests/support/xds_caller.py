"""Calls ``xds:///<service>`` from a process of its own, as each service does.

gRPC keeps one xDS client per process, with the bootstrap it saw first; so a test that has a control
plane of its own needs a caller of its own. As a program: one JSON request per line on standard input,
one JSON answer per line on standard output.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from services.chassis.identity.bootstrap import VARIABLE, bootstrap, install_bootstrap

ROOT = Path(__file__).resolve().parents[2]
_OPTIONS = (("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500))


class CallFailedError(Exception):
    """The call ended with a status that is not OK."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details


class Caller:
    """A running caller."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def call(self, method: str, body: bytes = b"", *, within: float = 10.0) -> bytes:
        """Call a unary method of raw bytes.

        Raises:
            CallFailedError: it ended with another status than OK.
        """
        answer = (await self.burst(method, 1, body, within=within))[0]
        if answer["code"] != "OK":
            raise CallFailedError(grpc.StatusCode[answer["code"]], answer["text"])
        return bytes.fromhex(answer["text"])

    async def burst(
        self, method: str, count: int, body: bytes = b"", *, within: float = 10.0, together: bool = False
    ) -> list[dict[str, str]]:
        """Many calls, one after the other or all at once; code and hexadecimal body or details of each."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {
            "method": method,
            "count": count,
            "body": body.hex(),
            "within": within,
            "together": together,
        }
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        line = await self._process.stdout.readline()
        answers: list[dict[str, str]] = json.loads(line)
        return answers


@asynccontextmanager
async def xds_caller(
    *, ads_address: str, ads_roots: Path, certificates: Path, service: str, target: str, folder: Path
) -> AsyncIterator[Caller]:
    """Start a caller that is ``service`` and calls ``target``; end it with the block."""
    document = bootstrap(
        ads_address=ads_address,
        ads_roots=ads_roots,
        certificates=certificates,
        node_id=f"{service}-test",
        service=service,
        zone="local",
    )
    file = folder / f"bootstrap-{service}-{target}.json"
    before = os.environ.get(VARIABLE)
    install_bootstrap(document, file)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen' / 'python'}"}
    if before is None:
        del os.environ[VARIABLE]
    else:
        os.environ[VARIABLE] = before
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.xds_caller", target, env=environment, stdin=pipe, stdout=pipe
    )
    try:
        yield Caller(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _one(channel: grpc.aio.Channel, request: dict[str, Any]) -> dict[str, str]:
    method: Any = channel.unary_unary(request["method"])
    try:
        answer = await method(bytes.fromhex(request["body"]), timeout=request["within"])
    except grpc.aio.AioRpcError as error:
        return {"code": error.code().name, "text": error.details() or ""}
    return {"code": "OK", "text": answer.hex()}


async def _serve(target: str) -> None:
    credentials = grpc.xds_channel_credentials(grpc.ssl_channel_credentials())
    async with grpc.aio.secure_channel(f"xds:///{target}", credentials, options=_OPTIONS) as channel:
        while line := await asyncio.to_thread(sys.stdin.readline):
            request = json.loads(line)
            if request["together"]:
                calls = (_one(channel, request) for _ in range(request["count"]))
                answers = await asyncio.gather(*calls)
            else:
                answers = [await _one(channel, request) for _ in range(request["count"])]
            print(json.dumps(answers), flush=True)  # noqa: T201 - its protocol


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
