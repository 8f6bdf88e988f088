"""Contender: the same handler as the service ``market`` of a mesh, with everything the chassis does."""

from trademesh.market.v1 import market_service_pb2_grpc

from services.chassis.runtime import Application, Binding, Runtime, main
from tests.bench.bare_server import Market


async def build(_: Runtime) -> Application:
    """Wire it."""
    add = market_service_pb2_grpc.add_MarketServiceServicer_to_server
    return Application(servicers=[Binding(Market(), add)])


if __name__ == "__main__":
    main("market", build)
