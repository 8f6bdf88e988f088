"""The strategy service on a real market service on the real simulated venue, over real gRPC."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from trademesh.market.v1 import market_service_pb2, market_service_pb2_grpc
from trademesh.strategy.v1 import strategy_pb2, strategy_service_pb2_grpc
from trademesh.strategy.v1 import strategy_service_pb2 as pb

from services.market.app import assemble as assemble_market
from services.market.metrics import MarketMetrics
from services.market.settings import MarketSettings
from services.strategy.app import assemble
from services.strategy.metrics import StrategyMetrics
from services.strategy.settings import StrategySettings
from tests.support.application import runtime_of, serving_application
from tests.support.simvenue import running_venue, simvenue_settings, sqlite_url
from tests.support.strategy import opened


async def test_a_new_service_sends_signals_of_the_live_market(tmp_path: Path) -> None:
    settings = simvenue_settings(speed=Decimal(20), synthetic_warmup_seconds=60)
    async with running_venue(sqlite_url(tmp_path), settings) as venue:
        application = assemble_market(
            runtime_of("market", {"simvenue": venue.channel}),
            MarketSettings(),
            MarketMetrics(CollectorRegistry()),
        )
        async with serving_application(application) as market:
            await _signals_of(market, f"sqlite:///{tmp_path}/strategy.sqlite3")


async def _signals_of(market: Any, database_url: str) -> None:
    async with opened(database_url) as database:
        application = assemble(
            runtime_of("strategy", {"market": market}, database),
            StrategySettings(default_fast_period=2, default_slow_period=5),
            StrategyMetrics(CollectorRegistry()),
        )
        async with serving_application(application) as channel:
            stub: Any = strategy_service_pb2_grpc.StrategyServiceStub(channel)
            strategy = await stub.GetStrategy(pb.GetStrategyRequest(name="strategies/sma-cross"))
            assert strategy.state == strategy_pb2.STRATEGY_STATE_ENABLED
            signals = await _watched(stub, 3)
        sides = [each.side for each in signals]
        assert sides == [sides[0], 3 - sides[0], sides[0]]
        # Each refers to the close of a candle that the market holds.
        candles = await market_service_pb2_grpc.MarketServiceStub(market).ListCandles(
            market_service_pb2.ListCandlesRequest(parent=strategy.instrument, interval="1s", page_size=1000)
        )
        closes = {each.close_time.ToNanoseconds(): each.close_price for each in candles.candles}
        for each in signals:
            assert closes[each.exchange_time.ToNanoseconds()] == each.reference_price


async def _watched(stub: Any, count: int) -> list[Any]:
    call = stub.WatchSignals(pb.WatchSignalsRequest(parent="strategies/sma-cross"))
    signals: list[Any] = []
    async with asyncio.timeout(30):
        while len(signals) < count:
            frame = await call.read()
            if frame.HasField("signal"):
                signals.append(frame.signal)
    call.cancel()
    return signals
