"""Other services, behind our ports."""

from collections.abc import Awaitable, Sequence
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import grpc
from trademesh.exchange.v1 import (
    exchange_service_pb2,
    exchange_service_pb2_grpc,
    order_kinds_pb2,
    order_pb2,
)
from trademesh.portfolio.v1 import portfolio_service_pb2, portfolio_service_pb2_grpc
from trademesh.risk.v1 import decision_pb2, exposure_pb2, risk_service_pb2, risk_service_pb2_grpc

from services.chassis.rpc.client import MeshError
from services.chassis.rpc.timestamps import to_timestamp
from services.kernel.decimals import parse, render
from services.kernel.names import AccountName, InstrumentName
from services.orchestrator import convert
from services.orchestrator.domain.order import OrderView
from services.orchestrator.ports import RefusedError, UpstreamUnavailableError, Verdict, WantedOrder

Answer = TypeVar("Answer")
_READ_TIMEOUT_S = 2.0
_TRADE_TIMEOUT_S = 10.0
_HALT_TIMEOUT_S = 6.0
_PAGE = 1000
_CHECK_PREFIX = "CHECK_KIND_"


class RiskService:
    """The risk service, asked for one account."""

    def __init__(self, channel: grpc.aio.Channel, account: AccountName) -> None:
        self._risk = risk_service_pb2_grpc.RiskServiceStub(channel)
        self._account = str(account)

    async def preview(self, order: WantedOrder) -> Verdict:
        """What risk would say; nothing is reserved."""
        request = risk_service_pb2.CheckOrderRequest(
            account=self._account,
            instrument=str(order.instrument),
            side=convert.side_to_proto(order.side),
            quantity=render(order.quantity),
            validate_only=True,
        )
        answer: risk_service_pb2.CheckOrderResponse = await _asked(
            self._risk.CheckOrder(request, timeout=_READ_TIMEOUT_S)
        )
        last = answer.decision.checks[-1]
        return Verdict(
            approved=answer.decision.approved,
            check=decision_pb2.CheckKind.Name(last.kind).removeprefix(_CHECK_PREFIX),
            message=last.message,
        )

    async def halt(self, request_id: UUID, reason: str) -> bool:
        """Halt the account and have its open orders cancelled; whether the venue has confirmed that."""
        request = risk_service_pb2.HaltTradingRequest(
            account=self._account, request_id=str(request_id), reason=reason, cancel_open_orders=True
        )
        state: exposure_pb2.TradingState = await _asked(
            self._risk.HaltTrading(request, timeout=_HALT_TIMEOUT_S)
        )
        return state.confirmed

    async def resume(self, request_id: UUID, reason: str) -> None:
        """Let the account trade again."""
        request = risk_service_pb2.ResumeTradingRequest(
            account=self._account, request_id=str(request_id), reason=reason
        )
        await _asked(self._risk.ResumeTrading(request, timeout=_READ_TIMEOUT_S))


class ExchangeService:
    """The exchange service, asked for one account."""

    def __init__(self, channel: grpc.aio.Channel, account: AccountName) -> None:
        self._exchange = exchange_service_pb2_grpc.ExchangeServiceStub(channel)
        self._account = str(account)

    async def place(self, order: WantedOrder) -> OrderView:
        """Place an order; the same request id gives the same order."""
        request = exchange_service_pb2.CreateOrderRequest(
            parent=self._account,
            request_id=str(order.request_id),
            order=order_pb2.Order(
                instrument=str(order.instrument),
                side=convert.side_to_proto(order.side),
                quantity=render(order.quantity),
                market=order_kinds_pb2.MarketOrder(),
                strategy=order.strategy,
            ),
            expire_time=to_timestamp(order.expire_time),
        )
        answer: order_pb2.Order = await _asked(self._exchange.CreateOrder(request, timeout=_TRADE_TIMEOUT_S))
        return convert.order_from_proto(answer)

    async def open_orders(self) -> Sequence[str]:
        """Names of the account's orders that are not final."""
        request = exchange_service_pb2.ListOrdersRequest(
            parent=self._account, page_size=_PAGE, states=convert.WORKING_STATES
        )
        names: list[str] = []
        while True:
            page: exchange_service_pb2.ListOrdersResponse = await _asked(
                self._exchange.ListOrders(request, timeout=_READ_TIMEOUT_S)
            )
            names += [order.name for order in page.orders]
            if not page.next_page_token:
                return names
            request.page_token = page.next_page_token

    async def cancel(self, order: str, request_id: UUID) -> OrderView:
        """Cancel an order."""
        request = exchange_service_pb2.CancelOrderRequest(name=order, request_id=str(request_id))
        answer: order_pb2.Order = await _asked(self._exchange.CancelOrder(request, timeout=_TRADE_TIMEOUT_S))
        return convert.order_from_proto(answer)


class PortfolioService:
    """The portfolio service, asked for one account."""

    def __init__(self, channel: grpc.aio.Channel, account: AccountName) -> None:
        self._portfolio = portfolio_service_pb2_grpc.PortfolioServiceStub(channel)
        self._account = str(account)

    async def held(self, instrument: InstrumentName) -> Decimal:
        """Position in an instrument; zero for an account that nothing was booked for."""
        request = portfolio_service_pb2.ListPositionsRequest(parent=self._account, page_size=_PAGE)
        try:
            page: portfolio_service_pb2.ListPositionsResponse = await _asked(
                self._portfolio.ListPositions(request, timeout=_READ_TIMEOUT_S)
            )
        except RefusedError as error:
            if error.reason == "ACCOUNT_NOT_FOUND":
                return Decimal(0)
            raise
        held = (each.quantity for each in page.positions if each.instrument == str(instrument))
        return parse(next(held, "0"))


async def _asked(call: Awaitable[Answer]) -> Answer:
    """The answer of a call.

    Raises:
        RefusedError: the service refused for good.
        UpstreamUnavailableError: it did not answer, or not for good.
    """
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        answer = MeshError.of(error)
        if answer.definite or answer.code is grpc.StatusCode.UNIMPLEMENTED:
            raise RefusedError(answer.reason or answer.code.name, answer.message) from error
        raise UpstreamUnavailableError(str(answer)) from error
