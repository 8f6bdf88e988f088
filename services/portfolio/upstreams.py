"""Other services, behind our ports."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

import grpc
import structlog
from trademesh.market.v1 import market_service_pb2, market_service_pb2_grpc, ticker_pb2

from services.kernel.decimals import EXACT, parse
from services.kernel.names import InstrumentName

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 1.0
_HALF = Decimal("0.5")


class MarketMarkPrices:
    """Mark prices from the market service.

    A price that cannot be had now is left out: the books answer without it and say so.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._market = market_service_pb2_grpc.MarketServiceStub(channel)

    async def of(self, instruments: Sequence[InstrumentName]) -> Mapping[InstrumentName, Decimal]:
        """The middle of best bid and best ask of each instrument that has both now."""
        wanted = list(dict.fromkeys(instruments))
        prices = await asyncio.gather(*(self._price(instrument) for instrument in wanted))
        return {
            instrument: price for instrument, price in zip(wanted, prices, strict=True) if price is not None
        }

    async def _price(self, instrument: InstrumentName) -> Decimal | None:
        request = market_service_pb2.GetTickerRequest(name=f"{instrument}/ticker")
        try:
            ticker: ticker_pb2.Ticker = await self._market.GetTicker(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            _log.warning("mark_price_missing", instrument=str(instrument), code=error.code().name)
            return None
        if not ticker.bid_price or not ticker.ask_price:
            return None
        return EXACT.multiply(EXACT.add(parse(ticker.bid_price), parse(ticker.ask_price)), _HALF)
