"""Calls ``xds:///<service>`` without a pause and remembers when each backend answered.

``since`` asks for the first and the last moment, on the monotonic clock that all processes of a machine
share, at which each backend began to be called and answered.
"""

import asyncio
import json
import sys
import time
from collections import deque
from typing import Any

import grpc
import grpc.aio
import uvloop

from tests.bench.load import say

_KEPT = 200_000
_OPTIONS = (("grpc.initial_reconnect_backoff_ms", 20), ("grpc.max_reconnect_backoff_ms", 50))


async def _call_for_ever(method: Any, seen: "deque[tuple[int, str]]") -> None:
    while True:
        began = time.monotonic_ns()
        try:
            answer = (await method(b"", timeout=2)).decode()
        except grpc.aio.AioRpcError as error:
            answer = f"!{error.code().name}"
        seen.append((began, answer))


async def _main(target: str, path: str) -> None:
    credentials = grpc.xds_channel_credentials(grpc.ssl_channel_credentials())
    seen: deque[tuple[int, str]] = deque(maxlen=_KEPT)
    async with grpc.aio.secure_channel(f"xds:///{target}", credentials, options=_OPTIONS) as channel:
        calling = asyncio.create_task(_call_for_ever(channel.unary_unary(path), seen))
        say({"ready": True})
        while line := await asyncio.to_thread(sys.stdin.readline):
            since = json.loads(line)["since"]
            first: dict[str, int] = {}
            last: dict[str, int] = {}
            for began, name in seen:
                if began >= since:
                    first.setdefault(name, began)
                    last[name] = began
            say({"first": first, "last": last, "now": time.monotonic_ns()})
        calling.cancel()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(sys.argv[1], sys.argv[2]))
