"""Other services, behind our ports."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import grpc
import structlog
from trademesh.exchange.v1 import exchange_service_pb2, exchange_service_pb2_grpc
from trademesh.market.v1 import instrument_pb2, market_service_pb2, market_service_pb2_grpc, ticker_pb2

from services.kernel.clock import Clock
from services.kernel.decimals import EXACT, parse
from services.kernel.errors import DomainError
from services.kernel.names import AccountName, InstrumentName, VenueName
from services.portfolio.domain.prices import Pair
from services.portfolio.domain.reconciliation import BalanceKey, VenueSays

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 1.0
_VENUE_TIMEOUT_S = 4.0
_PAIRS_KEPT = timedelta(minutes=1)
_HALF = Decimal("0.5")


class MarketPrices:
    """Prices from the market service.

    A price that cannot be had now is left out: the books answer without it and say so. Which instruments
    a venue has is asked once a minute; while the market service is away the last answer counts.

    Args:
        channel: to the market service.
        clock: the time.
    """

    def __init__(self, channel: grpc.aio.Channel, clock: Clock) -> None:
        self._market = market_service_pb2_grpc.MarketServiceStub(channel)
        self._clock = clock
        self._pairs: dict[str, Sequence[Pair]] = {}
        self._asked: dict[str, datetime] = {}

    async def marks(self, instruments: Sequence[InstrumentName]) -> Mapping[InstrumentName, Decimal]:
        """The middle of best bid and best ask of each instrument that has both now."""
        wanted = list(dict.fromkeys(instruments))
        prices = await asyncio.gather(*(self._price(instrument) for instrument in wanted))
        return {
            instrument: price for instrument, price in zip(wanted, prices, strict=True) if price is not None
        }

    async def pairs(self, venues: Collection[str]) -> Sequence[Pair]:
        """The spot instruments of venues, as far as the market service tells them now."""
        found = await asyncio.gather(*(self._pairs_of(venue) for venue in sorted(venues)))
        return [pair for pairs in found for pair in pairs]

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

    async def _pairs_of(self, venue: str) -> Sequence[Pair]:
        now = self._clock.now()
        asked = self._asked.get(venue)
        if asked is None or now - asked >= _PAIRS_KEPT:
            self._asked[venue] = now
            try:
                self._pairs[venue] = await self._listed(venue)
            except grpc.aio.AioRpcError as error:
                _log.warning("instruments_missing", venue=venue, code=error.code().name)
        return self._pairs.get(venue, ())

    async def _listed(self, venue: str) -> Sequence[Pair]:
        found: list[Pair] = []
        token = ""
        while True:
            request = market_service_pb2.ListInstrumentsRequest(
                parent=f"venues/{venue}", page_size=1000, page_token=token
            )
            page: market_service_pb2.ListInstrumentsResponse = await self._market.ListInstruments(
                request, timeout=_TIMEOUT_S
            )
            found += [pair for pair in map(_pair, page.instruments) if pair is not None]
            token = page.next_page_token
            if not token:
                return found


class ExchangeVenues:
    """What the exchange service knows of the venues.

    Args:
        channel: to the exchange service.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._exchange = exchange_service_pb2_grpc.ExchangeServiceStub(channel)

    async def said(self, account: AccountName) -> VenueSays:
        """What the venues of an account say it has."""
        balances, positions = await asyncio.gather(self._balances(account), self._positions(account))
        return VenueSays(balances, positions)

    async def _balances(self, account: AccountName) -> Mapping[BalanceKey, Decimal]:
        request = exchange_service_pb2.ListBalancesRequest(parent=str(account))
        answer: exchange_service_pb2.ListBalancesResponse = await self._exchange.ListBalances(
            request, timeout=_VENUE_TIMEOUT_S
        )
        return {
            (VenueName.parse(row.venue).venue, row.asset): EXACT.add(parse(row.free), parse(row.locked))
            for row in answer.balances
        }

    async def _positions(self, account: AccountName) -> Mapping[InstrumentName, Decimal]:
        request = exchange_service_pb2.ListPositionsRequest(parent=str(account))
        try:
            answer: exchange_service_pb2.ListPositionsResponse = await self._exchange.ListPositions(
                request, timeout=_VENUE_TIMEOUT_S
            )
        except grpc.aio.AioRpcError as error:
            # An exchange service of an older version: as where the venues keep no positions.
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
            return {}
        return {InstrumentName.parse(row.instrument): parse(row.quantity) for row in answer.positions}


def _pair(instrument: instrument_pb2.Instrument) -> Pair | None:
    """A spot instrument; None for one whose name is not one."""
    try:
        name = InstrumentName.parse(instrument.name)
    except DomainError:
        return None
    return Pair(name, instrument.base_asset, instrument.quote_asset)
