"""Load from inside the mesh: a chassis process that calls ``xds:///market``, as the service ``strategy``."""

from trademesh.market.v1 import market_service_pb2, market_service_pb2_grpc

from services.chassis.runtime import Application, Background, Runtime, main
from tests.bench.answer import NAME
from tests.bench.load import obey


async def build(runtime: Runtime) -> Application:
    """Wire it."""
    stub = market_service_pb2_grpc.MarketServiceStub(runtime.channel("market"))
    request = market_service_pb2.GetTickerRequest(name=NAME)
    return Application(
        servicers=[], background=[Background("load", lambda: obey({"mesh": lambda: stub.GetTicker(request)}))]
    )


if __name__ == "__main__":
    main("strategy", build)
