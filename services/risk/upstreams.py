"""Other services, behind our ports."""

import asyncio
from collections.abc import Collection, Mapping

import grpc
import structlog
from trademesh.market.v1 import instrument_pb2, market_service_pb2, market_service_pb2_grpc, ticker_pb2

from services.chassis.events import Subscription, SubscriptionState
from services.kernel.decimals import parse
from services.kernel.names import InstrumentName
from services.risk.domain.order import Assets, Quote

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 1.0


class MarketService:
    """The market service. What it does not say now is left out; the checks fail closed on that."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._market = market_service_pb2_grpc.MarketServiceStub(channel)
        self._assets: dict[InstrumentName, Assets] = {}

    async def assets(self, instrument: InstrumentName) -> Assets | None:
        """The assets of an instrument; asked once, since they never change."""
        if instrument not in self._assets:
            request = market_service_pb2.GetInstrumentRequest(name=str(instrument))
            try:
                found: instrument_pb2.Instrument = await self._market.GetInstrument(
                    request, timeout=_TIMEOUT_S
                )
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    raise instrument.not_found(f"the market has no {instrument}") from None
                _log.warning("instrument_unknown", instrument=str(instrument), code=error.code().name)
                return None
            self._assets[instrument] = Assets(found.base_asset, found.quote_asset)
        return self._assets[instrument]

    async def quotes(self, instruments: Collection[InstrumentName]) -> Mapping[InstrumentName, Quote]:
        """Best prices of each instrument that has both now."""
        wanted = list(instruments)
        found = await asyncio.gather(*(self._quote(instrument) for instrument in wanted))
        return {
            instrument: quote for instrument, quote in zip(wanted, found, strict=True) if quote is not None
        }

    async def _quote(self, instrument: InstrumentName) -> Quote | None:
        request = market_service_pb2.GetTickerRequest(name=f"{instrument}/ticker")
        try:
            ticker: ticker_pb2.Ticker = await self._market.GetTicker(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            _log.warning("quote_missing", instrument=str(instrument), code=error.code().name)
            return None
        if not ticker.bid_price or not ticker.ask_price:
            return None
        return Quote(parse(ticker.bid_price), parse(ticker.ask_price))


class SubscribedEvents:
    """How far the exchange's events have been applied.

    Once they have been read to their end, being a few events behind is safe: what those events will
    turn into holdings is still set aside. A halted subscription is never ready.
    """

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._was_caught_up = False

    def ready(self) -> bool:
        """Whether what is stored is new enough to decide on."""
        self._was_caught_up = self._was_caught_up or self._subscription.caught_up()
        return self._was_caught_up and self._subscription.state is not SubscriptionState.HALTED
