"""OrchestratorService: convert, ask the handler, convert back."""

from uuid import UUID

import grpc
from trademesh.orchestrator.v1 import (
    orchestrator_service_pb2,
    orchestrator_service_pb2_grpc,
    trading_status_pb2,
)

from services.chassis.persistence.requests import FirstAnswers
from services.chassis.rpc.paging import after_page_token, next_page_token, page_size
from services.kernel.names import AccountName
from services.orchestrator import convert
from services.orchestrator.control import Control
from services.orchestrator.ports import CycleQuery, Store

Context = grpc.aio.ServicerContext[object, object]
TradingStatus = trading_status_pb2.TradingStatus


class OrchestratorServicer(orchestrator_service_pb2_grpc.OrchestratorServiceServicer):
    """Serves ``trademesh.orchestrator.v1.OrchestratorService``.

    Args:
        control: changes the mode.
        store: the state.
        first_answers: gives a repeated request its first answer.
        account: the account that is traded.
    """

    def __init__(
        self, control: Control, store: Store, first_answers: FirstAnswers, account: AccountName
    ) -> None:
        self._control = control
        self._store = store
        self._first_answers = first_answers
        self._account = account

    async def StartTrading(
        self, request: orchestrator_service_pb2.StartTradingRequest, context: Context
    ) -> TradingStatus:
        """Let signals become orders."""

        async def work() -> TradingStatus:
            await self._control.start(UUID(request.request_id), request.reason)
            return await self._status()

        return await self._first_answers(request, TradingStatus, work)

    async def StopTrading(
        self, request: orchestrator_service_pb2.StopTradingRequest, context: Context
    ) -> TradingStatus:
        """Stop making orders of signals."""

        async def work() -> TradingStatus:
            await self._control.stop(request.reason)
            return await self._status()

        return await self._first_answers(request, TradingStatus, work)

    async def EmergencyStop(
        self, request: orchestrator_service_pb2.EmergencyStopRequest, context: Context
    ) -> TradingStatus:
        """Halt the account and cancel its open orders."""

        async def work() -> TradingStatus:
            await self._control.emergency_stop(request.reason)
            return await self._status()

        return await self._first_answers(request, TradingStatus, work)

    async def GetTradingStatus(
        self, request: orchestrator_service_pb2.GetTradingStatusRequest, context: Context
    ) -> TradingStatus:
        """Whether signals become orders."""
        return await self._status()

    async def ListCycles(
        self, request: orchestrator_service_pb2.ListCyclesRequest, context: Context
    ) -> orchestrator_service_pb2.ListCyclesResponse:
        """Cycles, newest first."""
        after = after_page_token(request)
        limit = page_size(request)
        query = CycleQuery(
            before=int(after[0]) if after else None,
            states=convert.states_from_proto(request.states),
            limit=limit + 1,
        )
        async with self._store.read() as reader:
            found = await reader.cycles(query)
        page = found[:limit]
        answer = orchestrator_service_pb2.ListCyclesResponse(
            cycles=[convert.cycle_to_proto(each.cycle) for each in page]
        )
        if len(found) > limit:
            answer.next_page_token = next_page_token(request, [str(page[-1].number)])
        return answer

    async def _status(self) -> TradingStatus:
        async with self._store.read() as reader:
            return convert.status_to_proto(
                self._account,
                await reader.trading(),
                await reader.tally(),
                await reader.pending_cancels(),
            )
