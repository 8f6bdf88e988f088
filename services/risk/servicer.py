"""RiskService: convert, ask the handler, convert back."""

from collections.abc import Awaitable, Callable

import grpc
from trademesh.risk.v1 import exposure_pb2, limits_pb2, risk_service_pb2, risk_service_pb2_grpc

from services.chassis.persistence.requests import Once
from services.kernel.clock import Clock
from services.kernel.names import AccountName
from services.risk import convert, handlers
from services.risk.domain.limits import TradingMode
from services.risk.handlers import OrderChecks
from services.risk.ports import Market, RiskStore, RiskWriter

Context = grpc.aio.ServicerContext[object, object]


class RiskServicer(risk_service_pb2_grpc.RiskServiceServicer):
    """Serves ``trademesh.risk.v1.RiskService``.

    Args:
        checks: decides on orders.
        store: what risk knows.
        market: prices.
        once: runs a mutation once for each request id.
        clock: the time.
    """

    def __init__(
        self, checks: OrderChecks, store: RiskStore, market: Market, once: Once[RiskWriter], clock: Clock
    ) -> None:
        self._checks = checks
        self._store = store
        self._market = market
        self._once = once
        self._clock = clock

    async def CheckOrder(
        self, request: risk_service_pb2.CheckOrderRequest, context: Context
    ) -> risk_service_pb2.CheckOrderResponse:
        """Decide on an order."""
        order = convert.order_from_proto(request)
        decision = await (
            self._checks.preview(order)
            if request.validate_only
            else self._checks.check(request.order_id, order)
        )
        return risk_service_pb2.CheckOrderResponse(decision=convert.decision_to_proto(decision))

    async def GetLimits(
        self, request: risk_service_pb2.GetLimitsRequest, context: Context
    ) -> limits_pb2.Limits:
        """Limits of an account."""
        account = _owner(request.name)
        async with self._store.read() as reader:
            return convert.limits_to_proto(account, await handlers.require_limits(reader, account.account))

    async def UpdateLimits(
        self, request: risk_service_pb2.UpdateLimitsRequest, context: Context
    ) -> limits_pb2.Limits:
        """Change limits of an account."""
        account = _owner(request.limits.name)
        change = convert.limits_change_from_proto(request)

        async def work(writer: RiskWriter) -> limits_pb2.Limits:
            return convert.limits_to_proto(
                account, await handlers.update_limits(writer, account, change, self._clock)
            )

        return await self._once(request, limits_pb2.Limits, work)

    async def GetExposure(
        self, request: risk_service_pb2.GetExposureRequest, context: Context
    ) -> exposure_pb2.Exposure:
        """What an account has at stake."""
        account = _owner(request.name)
        report = await handlers.exposure(self._store, self._market, account)
        return convert.exposure_to_proto(account, report, self._clock.now())

    async def HaltTrading(
        self, request: risk_service_pb2.HaltTradingRequest, context: Context
    ) -> exposure_pb2.TradingState:
        """Halt an account."""
        work = self._set_mode(request.account, TradingMode.HALTED, request.reason)
        return await self._once(request, exposure_pb2.TradingState, work)

    async def ResumeTrading(
        self, request: risk_service_pb2.ResumeTradingRequest, context: Context
    ) -> exposure_pb2.TradingState:
        """Let an account trade again."""
        work = self._set_mode(request.account, TradingMode.ACTIVE, request.reason)
        return await self._once(request, exposure_pb2.TradingState, work)

    def _set_mode(
        self, name: str, mode: TradingMode, reason: str
    ) -> Callable[[RiskWriter], Awaitable[exposure_pb2.TradingState]]:
        account = AccountName.parse(name, field="account")

        async def work(writer: RiskWriter) -> exposure_pb2.TradingState:
            trading = await handlers.set_mode(writer, account, mode, reason, self._clock)
            return convert.trading_to_proto(account, trading)

        return work


def _owner(singleton: str) -> AccountName:
    """The account of a singleton's name, as in ``accounts/paper/limits``."""
    return AccountName.parse(singleton.rpartition("/")[0])
