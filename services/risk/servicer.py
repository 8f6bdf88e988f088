"""RiskService: convert, ask the handler, convert back."""

from collections.abc import Awaitable, Callable

from trademesh.risk.v1 import exposure_pb2, limits_pb2, risk_service_pb2

from services.chassis.persistence.requests import Once
from services.chassis.rpc.interceptors.authorization import spiffe_id_of
from services.chassis.rpc.paging import after_page_token, next_page_token, page_size
from services.chassis.telemetry.correlation import correlation_id
from services.kernel.clock import Clock
from services.risk import convert, convert_batch, convert_limits
from services.risk.domain.trading import TradingMode
from services.risk.handlers.change_limits import update_limits
from services.risk.handlers.check_orders import Asked, OrderChecks
from services.risk.handlers.facts import require_facts
from services.risk.handlers.kill_switch import KillSwitch
from services.risk.handlers.measure import Measures
from services.risk.handlers.show_exposure import exposure
from services.risk.handlers.trading_modes import TradingModes
from services.risk.ports import MarketData, RiskStore, RiskWriter
from services.risk.servicer_reports import Context, ReportsServicer, owner

_LONGEST_S, _SHORTEST_S, _OWN_S = 17.0, 0.5, 1.5
"""Longest and shortest wait for the exchange, and what is left for our own answer, in seconds."""


class RiskServicer(ReportsServicer):
    """Serves ``trademesh.risk.v1.RiskService``.

    Args:
        checks: decides on orders.
        modes: changes and tells modes.
        switch: halts, and cancels what is open.
        store: what risk knows.
        market: prices.
        once: runs a mutation once for each request id.
        clock: the time.
        measures: measures accounts.
    """

    def __init__(
        self,
        checks: OrderChecks,
        modes: TradingModes,
        switch: KillSwitch,
        store: RiskStore,
        market: MarketData,
        once: Once[RiskWriter],
        clock: Clock,
        measures: Measures,
    ) -> None:
        super().__init__(measures, store, once, clock)
        self._checks = checks
        self._modes = modes
        self._switch = switch
        self._market = market

    async def CheckOrder(
        self, request: risk_service_pb2.CheckOrderRequest, context: Context
    ) -> risk_service_pb2.CheckOrderResponse:
        """Decide on an order."""
        order = convert.order_from_proto(request)
        if request.validate_only:
            (decision,) = await self._checks.preview([order])
        else:
            decision = await self._checks.check(Asked(request.order_id, order, correlation_id.get()))
        return risk_service_pb2.CheckOrderResponse(decision=convert.decision_to_proto(decision))

    async def ReserveOrders(
        self, request: risk_service_pb2.ReserveOrdersRequest, context: Context
    ) -> risk_service_pb2.ReserveOrdersResponse:
        """Decide on many orders."""
        orders = convert_batch.orders_from_proto(request, correlation_id.get())
        answers = iter(await self._checks.reserve([each for each in orders if isinstance(each, Asked)]))
        results = [next(answers) if isinstance(each, Asked) else each for each in orders]
        return risk_service_pb2.ReserveOrdersResponse(
            results=[convert_batch.result_to_proto(result) for result in results]
        )

    async def CheckOrders(
        self, request: risk_service_pb2.CheckOrdersRequest, context: Context
    ) -> risk_service_pb2.CheckOrdersResponse:
        """Say what would be decided on several orders."""
        orders = [convert.order_from_proto(each, request.account) for each in request.orders]
        decisions = await self._checks.preview(orders)
        return risk_service_pb2.CheckOrdersResponse(
            decisions=[convert.decision_to_proto(decision) for decision in decisions]
        )

    async def GetLimits(
        self, request: risk_service_pb2.GetLimitsRequest, context: Context
    ) -> limits_pb2.Limits:
        """Limits of an account."""
        account = owner(request.name)
        async with self._store.read() as reader:
            _, limits = await require_facts(reader, account.account)
        return convert_limits.limits_to_proto(account, limits)

    async def UpdateLimits(
        self, request: risk_service_pb2.UpdateLimitsRequest, context: Context
    ) -> limits_pb2.Limits:
        """Change limits of an account."""
        account = owner(request.limits.name)
        change = convert_limits.limits_change_from_proto(request)

        async def work(writer: RiskWriter) -> limits_pb2.Limits:
            return convert_limits.limits_to_proto(
                account, await update_limits(writer, account, change, self._clock)
            )

        return await self._once(request, limits_pb2.Limits, work)

    async def GetExposure(
        self, request: risk_service_pb2.GetExposureRequest, context: Context
    ) -> exposure_pb2.Exposure:
        """What an account has at stake."""
        account = owner(request.name)
        report = await exposure(self._store, self._market, self._modes, account)
        return convert.exposure_to_proto(account, report, self._clock.now())

    async def HaltTrading(
        self, request: risk_service_pb2.HaltTradingRequest, context: Context
    ) -> exposure_pb2.TradingState:
        """Halt an account, or let it only reduce; then cancel what is open, where that is asked for."""
        mode = convert.mode_from_proto(request.mode)
        if not request.cancel_open_orders:
            work = self._change_mode(request.account, mode, request.reason, context)
            return await self._once(request, exposure_pb2.TradingState, work)
        account, by = convert.account_from_proto(request.account), _caller(context)
        cancellation_id = request.request_id.lower()

        async def throw(writer: RiskWriter) -> exposure_pb2.TradingState:
            return convert.mode_to_proto(
                await self._switch.throw(
                    writer, account, mode, request.reason, by, request_id=cancellation_id
                )
            )

        stored = await self._once(request, exposure_pb2.TradingState, throw)
        progress = await self._switch.carry_out(cancellation_id, _within(context))
        return convert.with_cancellation(stored, progress)

    async def ResumeTrading(
        self, request: risk_service_pb2.ResumeTradingRequest, context: Context
    ) -> exposure_pb2.TradingState:
        """Let an account trade again."""
        work = self._change_mode(request.account, TradingMode.ACTIVE, request.reason, context)
        return await self._once(request, exposure_pb2.TradingState, work)

    async def GetTradingState(
        self, request: risk_service_pb2.GetTradingStateRequest, context: Context
    ) -> exposure_pb2.TradingState:
        """Whether an account may trade."""
        account = convert.account_from_proto(request.name.rpartition("/")[0], field="name")
        async with self._store.read() as reader:
            return convert.mode_to_proto(await self._modes.report(reader, account))

    async def ListTradingStateChanges(
        self, request: risk_service_pb2.ListTradingStateChangesRequest, context: Context
    ) -> risk_service_pb2.ListTradingStateChangesResponse:
        """Changes of a mode, newest first."""
        account = convert.account_from_proto(request.parent, field="parent")
        size = page_size(request)
        async with self._store.read() as reader:
            await self._modes.report(reader, account)
            found = await reader.trading_changes(account, after_page_token(request), size + 1)
        page = found[:size]
        return risk_service_pb2.ListTradingStateChangesResponse(
            changes=[convert.trading_change_to_proto(change) for _, change in page],
            next_page_token=next_page_token(request, [page[-1][0]]) if len(found) > size else "",
        )

    def _change_mode(
        self, name: str, mode: TradingMode, reason: str, context: Context
    ) -> Callable[[RiskWriter], Awaitable[exposure_pb2.TradingState]]:
        account, by = convert.account_from_proto(name), _caller(context)

        async def work(writer: RiskWriter) -> exposure_pb2.TradingState:
            return convert.mode_to_proto(await self._modes.change(writer, account, mode, reason, by))

        return work


def _caller(context: Context) -> str:
    """The service that calls; empty where no certificate says."""
    caller = spiffe_id_of(context)
    return "" if caller is None else caller.service


def _within(context: Context) -> float:
    """How long the exchange may take, so that our own answer is still in time."""
    # None, whatever its type says, where the caller has set no deadline.
    left = context.time_remaining() or _LONGEST_S + _OWN_S
    return min(_LONGEST_S, max(_SHORTEST_S, left - _OWN_S))
