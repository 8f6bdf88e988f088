"""Other services, behind our ports."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TypeVar

import grpc
import structlog
from trademesh.exchange.v1 import exchange_service_pb2, exchange_service_pb2_grpc
from trademesh.market.v1 import instrument_pb2, market_service_pb2, market_service_pb2_grpc, ticker_pb2

from services.chassis.events import Subscription, SubscriptionState
from services.chassis.rpc.client import MeshError
from services.chassis.rpc.timestamps import to_datetime
from services.kernel.clock import Clock
from services.kernel.decimals import parse
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.names import InstrumentName
from services.risk import convert, convert_events
from services.risk.answers import SharedAnswers
from services.risk.domain.cancellation import CancelOutcome
from services.risk.domain.order import Quote
from services.risk.domain.question import Market
from services.risk.domain.reservation import Holding
from services.risk.domain.traded import ONE, Rules

_log = structlog.get_logger(__name__)
_TIMEOUT_S = 1.0
_PAGE = 1000
_RULES_KEPT_S = 2.0
_LISTS_KEPT_S = 60.0
Key = TypeVar("Key")
Value = TypeVar("Value")


class _Absent(Enum):
    """The market's word that there is no such instrument."""

    ABSENT = 1


_ABSENT = _Absent.ABSENT


class MarketService:
    """The market service. What it does not say now is left out; the checks fail closed on that.

    Args:
        channel: to the service.
        valuation: the asset that everything is valued in.
        price_age_s: how long a price may be shared by checks, in seconds.
    """

    def __init__(self, channel: grpc.aio.Channel, valuation: str, price_age_s: float) -> None:
        self._market = market_service_pb2_grpc.MarketServiceStub(channel)
        self._valuation = valuation
        self._rules = SharedAnswers(self._ask_rules, _RULES_KEPT_S)
        self._quotes = SharedAnswers(self._ask_quote, price_age_s)
        self._lists = SharedAnswers(self._ask_list, _LISTS_KEPT_S)

    async def look(self, instruments: Collection[InstrumentName], assets: Collection[Holding]) -> Market:
        """Rules, prices and rates."""
        names = sorted(instruments, key=str)
        found = await _each(self._known_rules, names, at_hand=self._rules.known(names))
        rules = {name: each for name, each in zip(names, found, strict=True) if isinstance(each, Rules)}
        absent = [name for name, each in zip(names, found, strict=True) if each is _ABSENT]
        answers = await _each(self._known_quote, list(rules), at_hand=self._quotes.known(rules))
        quotes = {name: each for name, each in zip(rules, answers, strict=True) if each is not None}
        wanted = {*assets, *((name.venue, each.quote) for name, each in rules.items())}
        rates = {self._valuation: ONE}
        for venue, asset in sorted(wanted):
            rate = rates.get(asset) or await self._rate(venue, asset)
            if rate is not None:
                rates[asset] = rate
        return Market(rules, quotes, rates, absent)

    async def closes(
        self, instrument: InstrumentName, interval: str, count: int
    ) -> Mapping[datetime, Decimal]:
        """Closing prices of the latest closed candles, by the time each began; none where it is silent."""
        request = market_service_pb2.ListCandlesRequest(
            parent=str(instrument), interval=interval, page_size=count
        )
        try:
            page: market_service_pb2.ListCandlesResponse = await self._market.ListCandles(
                request, timeout=_TIMEOUT_S
            )
        except grpc.aio.AioRpcError as error:
            _log.warning("history_missing", instrument=str(instrument), code=error.code().name)
            return {}
        return {to_datetime(each.open_time): parse(each.close_price) for each in page.candles if each.closed}

    async def _known_rules(self, name: InstrumentName) -> Rules | _Absent | None:
        try:
            return await self._rules.get(name)
        except DomainError:
            return _ABSENT
        except grpc.aio.AioRpcError as error:
            _log.warning("instrument_unknown", instrument=str(name), code=error.code().name)
        return None

    async def _known_quote(self, name: InstrumentName) -> Quote | None:
        return await _or_none(self._quotes.get(name))

    async def _rate(self, venue: str, asset: str) -> Decimal | None:
        """What one unit of an asset is worth, by an instrument of its venue against the valuation asset."""
        listed = await _or_none(self._lists.get(venue)) or ()
        pairs = [name for name, rules in listed if (rules.base, rules.quote) == (asset, self._valuation)]
        if not pairs:
            return None
        # A contract has the same assets as the pair it follows, and a longer name.
        quote = await _or_none(self._quotes.get(min(pairs, key=lambda name: (len(str(name)), str(name)))))
        return None if quote is None else quote.mark

    async def _ask_rules(self, name: InstrumentName) -> Rules:
        request = market_service_pb2.GetInstrumentRequest(name=str(name))
        try:
            found: instrument_pb2.Instrument = await self._market.GetInstrument(request, timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise name.not_found() from None
            raise
        return convert.rules_from_proto(found)

    async def _ask_quote(self, name: InstrumentName) -> Quote | None:
        request = market_service_pb2.GetTickerRequest(name=f"{name}/ticker")
        ticker: ticker_pb2.Ticker = await self._market.GetTicker(request, timeout=_TIMEOUT_S)
        if not ticker.bid_price or not ticker.ask_price:
            return None
        return Quote(parse(ticker.bid_price), parse(ticker.ask_price))

    async def _ask_list(self, venue: str) -> Sequence[tuple[InstrumentName, Rules]]:
        request = market_service_pb2.ListInstrumentsRequest(parent=f"venues/{venue}", page_size=_PAGE)
        listed: list[tuple[InstrumentName, Rules]] = []
        while True:
            page: market_service_pb2.ListInstrumentsResponse = await self._market.ListInstruments(
                request, timeout=_TIMEOUT_S
            )
            listed += [
                (InstrumentName.parse(each.name), convert.rules_from_proto(each)) for each in page.instruments
            ]
            if not page.next_page_token:
                return listed
            request.page_token = page.next_page_token


class ExchangeService:
    """The exchange service.

    Args:
        channel: to the service.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._exchange = exchange_service_pb2_grpc.ExchangeServiceStub(channel)

    async def cancel_all(self, account: str, request_id: str, within: float) -> CancelOutcome:
        """Cancel every open order of an account.

        Raises:
            DomainError: UPSTREAM_UNAVAILABLE where the exchange does not say how it ended.
        """
        request = exchange_service_pb2.CancelAllOrdersRequest(
            parent=f"accounts/{account}", request_id=request_id
        )
        try:
            answer: exchange_service_pb2.CancelAllOrdersResponse = await self._exchange.CancelAllOrders(
                request, timeout=within
            )
        except grpc.aio.AioRpcError as error:
            raise DomainError(
                "UPSTREAM_UNAVAILABLE",
                f"the exchange did not cancel the orders of accounts/{account}: {MeshError.of(error)}",
                kind=ErrorKind.UNAVAILABLE,
            ) from error
        return convert_events.cancel_outcome_from_proto(answer)


class SubscribedEvents:
    """How far the exchange's events have been applied.

    Once they have been read to their end, being a few events behind is safe: what those events will turn
    into holdings is still set aside. Being behind for longer than a bound is not: then it is not known
    what the account holds. A halted subscription is never ready.

    Args:
        subscription: follows the exchange.
        clock: the time.
        bound: longest time behind.
    """

    def __init__(self, subscription: Subscription, clock: Clock, bound: timedelta) -> None:
        self._subscription = subscription
        self._clock = clock
        self._bound = bound
        self._known_until: datetime | None = None

    def applied(self, written: datetime) -> None:
        """An event was applied: everything until it was written is known, once all was read."""
        if self._known_until is not None:
            self._known_until = max(self._known_until, written)

    def ready(self) -> bool:
        """Whether what is stored is new enough to decide on."""
        if self._subscription.state is SubscriptionState.HALTED:
            return False
        now = self._clock.now()
        if self._subscription.caught_up():
            self._known_until = now
        return self._known_until is not None and now - self._known_until <= self._bound

    async def watch(self) -> None:
        """Look for ever, so that a service that nobody asked for a while knows how far it is."""
        while True:
            self.ready()
            await asyncio.sleep(min(1.0, self._bound.total_seconds() / 4))


async def _each(
    ask: Callable[[Key], Awaitable[Value]], keys: Sequence[Key], *, at_hand: bool
) -> Sequence[Value]:
    """The answers for all keys: one by one where they are at hand, since a task costs more than that."""
    if at_hand:
        return [await ask(key) for key in keys]
    return await asyncio.gather(*(ask(key) for key in keys))


async def _or_none(answer: Awaitable[Value | None]) -> Value | None:
    """The answer, or None where the market does not give one now."""
    try:
        return await answer
    except (grpc.aio.AioRpcError, DomainError) as error:
        _log.warning("market_silent", error=type(error).__name__)
        return None
