"""Load from outside the mesh: gRPC without TLS, and HTTP/1.1."""

import asyncio
import sys

import grpc.aio
import uvloop
from trademesh.market.v1 import market_service_pb2, market_service_pb2_grpc

from tests.bench.answer import NAME, REST_PATH
from tests.bench.http1 import HttpPool
from tests.bench.load import Call, obey


def _by_grpc(port: str) -> Call:
    stub = market_service_pb2_grpc.MarketServiceStub(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
    request = market_service_pb2.GetTickerRequest(name=NAME)
    return lambda: stub.GetTicker(request, timeout=5)


def _by_rest(port: str) -> Call:
    pool = HttpPool("127.0.0.1", int(port), REST_PATH)
    return pool.get


async def _main(targets: list[str]) -> None:
    """Takes words such as ``bare=grpc:50051`` and ``gateway=rest:8000``."""
    kinds = {"grpc": _by_grpc, "rest": _by_rest}
    calls: dict[str, Call] = {}
    for target in targets:
        name, _, address = target.partition("=")
        kind, _, port = address.partition(":")
        calls[name] = kinds[kind](port)
    await obey(calls)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(sys.argv[1:]))
