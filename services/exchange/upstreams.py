"""Other services, behind our ports."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import grpc
import grpc.aio
import structlog
from google.rpc import error_details_pb2, status_pb2
from trademesh.market.v1 import (
    market_service_pb2,
    market_service_pb2_grpc,
    order_book_pb2,
    ticker_pb2,
    trade_pb2,
)
from trademesh.risk.v1 import decision_pb2, risk_service_pb2, risk_service_pb2_grpc

from services.chassis.rpc.client import MeshError
from services.chassis.rpc.gathering import Gathering, WrongAnswersError
from services.chassis.rpc.timestamps import to_datetime
from services.exchange import convert
from services.exchange.domain.order import Order
from services.exchange.domain.preview import Book, Level
from services.exchange.domain.triggers import Quote
from services.exchange.ports import Approved, Denied, PricesLostError, RiskUnavailableError
from services.kernel.decimals import parse, render
from services.kernel.names import InstrumentName, StrategyName

_DOMAIN: Final = "risk.trademesh"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_log = structlog.get_logger(__name__)
_DEPTH: Final = 200
_QUOTE_S: Final = 2.0
_CHECK_PREFIX: Final = "CHECK_KIND_"


@dataclass(frozen=True, slots=True)
class _Question:
    """One order to decide on.

    Attributes:
        request: as the contract asks.
        correlation_id: of the order.
        until: when its answer comes too late, by the loop's clock.
    """

    request: risk_service_pb2.CheckOrderRequest
    correlation_id: str
    until: float


class RiskService:
    """``ports.RiskGate`` on the mesh's risk service.

    Orders that come while a call is under way are decided on together, in their order, by the next one.

    Args:
        channel: to the service.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = risk_service_pb2_grpc.RiskServiceStub(channel)
        self._together: Gathering[_Question, risk_service_pb2.ReserveOrderResult] = Gathering(
            self._reserve_all
        )

    async def reserve(self, order: Order, within: float) -> Approved | Denied:
        """Ask; asking again for the same order changes nothing.

        Raises:
            RiskUnavailableError: there is no decision: fail closed.
        """
        until = asyncio.get_running_loop().time() + within
        question = _Question(_check_request(order), order.correlation_id, until)
        try:
            async with asyncio.timeout_at(until):
                result = await self._together.ask(question)
        except TimeoutError as error:
            raise RiskUnavailableError(f"no decision within {within:g} s") from error
        except WrongAnswersError as error:
            raise RiskUnavailableError(str(error)) from error
        except grpc.aio.AioRpcError as error:
            return _no_decision(MeshError.of(error))
        if result.HasField("decision"):
            return _verdict(result.decision)
        return _no_decision(_refused(result.refusal))

    async def preview(self, order: Order, within: float) -> Approved | Denied:
        """Ask what would be decided now; nothing is reserved, and nothing is kept of it.

        Raises:
            RiskUnavailableError: there is no decision.
        """
        request = _check_request(order)
        request.validate_only = True
        try:
            answer = await self._stub.CheckOrder(request, timeout=within)
        except grpc.aio.AioRpcError as error:
            return _no_decision(MeshError.of(error))
        return _verdict(answer.decision)

    async def _reserve_all(
        self, questions: Sequence[_Question]
    ) -> Sequence[risk_service_pb2.ReserveOrderResult]:
        request = risk_service_pb2.ReserveOrdersRequest(
            orders=[each.request for each in questions],
            correlation_ids=[each.correlation_id for each in questions],
        )
        left = max(each.until for each in questions) - asyncio.get_running_loop().time()
        answer = await self._stub.ReserveOrders(request, timeout=max(left, 0.0))
        return list(answer.results)


class MarketBooks:
    """``ports.Books`` on the mesh's market service.

    Args:
        channel: to the service.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = market_service_pb2_grpc.MarketServiceStub(channel)

    async def book(self, instrument: InstrumentName, within: float) -> Book | None:
        """The book as it stands. The market refuses to tell an old one."""
        request = market_service_pb2.GetOrderBookRequest(name=f"{instrument}/orderBook", depth=_DEPTH)
        try:
            answer = await self._stub.GetOrderBook(request, timeout=within)
        except grpc.aio.AioRpcError as error:
            _log.warning("book_missing", instrument=str(instrument), error=str(MeshError.of(error)))
            return None
        return Book(_levels(answer.bids), _levels(answer.asks))


def _levels(levels: Iterable[order_book_pb2.PriceLevel]) -> list[Level]:
    return [Level(parse(each.price), parse(each.quantity)) for each in levels]


def _verdict(decision: decision_pb2.Decision) -> Approved | Denied:
    needed = _needed(decision)
    if decision.approved:
        return Approved(needed)
    failed = next((check for check in decision.checks if not check.passed), None)
    if failed is None:
        return Denied("RISK_DENIED", "risk did not approve the order and named no check")
    reason = decision_pb2.CheckKind.Name(failed.kind).removeprefix(_CHECK_PREFIX)
    return Denied(reason, failed.message or f"{failed.observed} against {failed.allowed}", needed)


def _needed(decision: decision_pb2.Decision) -> Decimal | None:
    """What the order sets aside: what the check of the balance looked at."""
    for check in decision.checks:
        if check.kind == decision_pb2.CHECK_KIND_BALANCE:
            try:
                return parse(check.observed)
            except ValueError:
                return None
    return None


def _check_request(order: Order) -> risk_service_pb2.CheckOrderRequest:
    price, trigger, group = order.limit_price, order.trigger_price, order.links.group
    request = risk_service_pb2.CheckOrderRequest(
        account=order.account_name,
        order_id=str(order.order_id),
        instrument=order.instrument_name,
        side=convert.side_to_proto(order.side),
        quantity=render(order.quantity),
        limit_price="" if price is None else render(price),
        group="" if group is None else str(group),
        trigger_price="" if trigger is None else render(trigger),
        reduce_only=order.reduce_only,
        strategy=str(StrategyName(order.strategy)) if order.strategy else "",
    )
    if order.contract is not None:
        request.contract.CopyFrom(convert.contract_to_proto(order.contract))
    return request


def _refused(status: status_pb2.Status) -> MeshError:
    """What risk answered in place of a decision on one order of several."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    info = error_details_pb2.ErrorInfo()
    told = any(detail.Unpack(info) for detail in status.details)
    return MeshError(code, info.reason, info.domain, status.message) if told else MeshError(code)


def _no_decision(answer: MeshError) -> Denied:
    """A definite refusal of the question is a no; everything else is no answer.

    Raises:
        RiskUnavailableError: it is no answer.
    """
    if answer.definite and answer.domain == _DOMAIN:
        return Denied(answer.reason, answer.message or answer.reason)
    raise RiskUnavailableError(str(answer))


class MarketPrices:
    """``ports.Prices`` on the mesh's market service.

    Args:
        channel: to the service.
        silence: seconds without any frame after which a stream counts as dead; the market sends a
            heartbeat at least every ten.
    """

    def __init__(self, channel: grpc.aio.Channel, silence: float = 30.0) -> None:
        self._stub: Any = market_service_pb2_grpc.MarketServiceStub(channel)
        self._silence = silence

    async def quote(self, instrument: InstrumentName) -> Quote:
        """The prices now; what nobody knows now is None. The market refuses to tell old ones."""
        request = market_service_pb2.GetTickerRequest(name=f"{instrument}/ticker")
        try:
            ticker = await self._stub.GetTicker(request, timeout=_QUOTE_S)
        except grpc.aio.AioRpcError as error:
            _log.warning("quote_missing", instrument=str(instrument), error=str(MeshError.of(error)))
            return Quote()
        return _quote(ticker)

    async def watch(self, instrument: InstrumentName) -> AsyncGenerator[Quote, None]:
        """The prices now, then each change of the best prices and each trade, in order.

        The market sends a ticker ahead of the trades that wait, so that its last price can be newer than
        theirs. So only the first ticker says what the last price is; then each trade does.

        Raises:
            PricesLostError: the stream broke, ended or went silent.
        """
        request = market_service_pb2.WatchMarketRequest(
            instrument=str(instrument),
            kinds=[market_service_pb2.MARKET_EVENT_KIND_TICKER, market_service_pb2.MARKET_EVENT_KIND_TRADE],
        )
        # A stream has no deadline; silence ends it instead.
        call = self._stub.WatchMarket(request)
        begin: datetime | None = None
        try:
            while True:
                frame = await self._next(call)
                if frame.HasField("end"):
                    raise PricesLostError(f"the market ended the stream: {frame.end.reason}")
                if frame.HasField("ticker"):
                    quote = _quote(frame.ticker)
                    yield quote if begin is None else replace(quote, last=None)
                    begin = begin or to_datetime(frame.ticker.exchange_time)
                elif frame.HasField("trade") and not _before(frame.trade, begin):
                    yield Quote(last=parse(frame.trade.price))
        finally:
            call.cancel()

    async def _next(self, call: Any) -> market_service_pb2.WatchMarketResponse:
        try:
            async with asyncio.timeout(self._silence):
                frame = await call.read()
        except TimeoutError as error:
            raise PricesLostError(f"no frame from the market for {self._silence:g} s") from error
        except grpc.aio.AioRpcError as error:
            raise PricesLostError(str(MeshError.of(error))) from error
        if frame is grpc.aio.EOF:
            raise PricesLostError("the stream of the market broke off")
        return frame  # type: ignore[no-any-return]


def _before(trade: trade_pb2.Trade, begin: datetime | None) -> bool:
    return begin is not None and to_datetime(trade.exchange_time) < begin


def _quote(ticker: ticker_pb2.Ticker) -> Quote:
    return Quote(
        convert.optional_amount(ticker.last_price),
        convert.optional_amount(ticker.bid_price),
        convert.optional_amount(ticker.ask_price),
    )
