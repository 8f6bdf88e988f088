"""Contender: grpc.aio and a handler, nothing else."""

import asyncio
from typing import Any

import grpc.aio
import uvloop
from trademesh.market.v1 import market_service_pb2_grpc

from tests.bench.answer import ticker
from tests.bench.load import say


class Market(market_service_pb2_grpc.MarketServiceServicer):
    """Answers GetTicker."""

    async def GetTicker(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        """The same answer to everybody."""
        return ticker()


async def _serve() -> None:
    server = grpc.aio.server()
    market_service_pb2_grpc.add_MarketServiceServicer_to_server(Market(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    say({"port": port})
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())
