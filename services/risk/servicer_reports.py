"""The part of RiskService that shows decisions, protections and measures."""

import grpc
from google.protobuf import empty_pb2
from trademesh.risk.v1 import (
    decision_record_pb2,
    metrics_pb2,
    protection_pb2,
    risk_service_pb2,
    risk_service_pb2_grpc,
)

from services.chassis.persistence.requests import Once
from services.chassis.rpc.paging import after_page_token, next_page_token, page_size
from services.kernel.clock import Clock
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.names import AccountName
from services.risk import convert, convert_reports
from services.risk.handlers.facts import require_facts
from services.risk.handlers.measure import Measures
from services.risk.handlers.protect import create_lock, remove_lock, standing_locks, update_protections
from services.risk.ports import RiskStore, RiskWriter

Context = grpc.aio.ServicerContext[object, object]


class ReportsServicer(risk_service_pb2_grpc.RiskServiceServicer):
    """Serves the reports of ``trademesh.risk.v1.RiskService``.

    Args:
        measures: measures accounts.
        store: what risk knows.
        once: runs a mutation once for each request id.
        clock: the time.
    """

    def __init__(self, measures: Measures, store: RiskStore, once: Once[RiskWriter], clock: Clock) -> None:
        self._measures = measures
        self._store = store
        self._once = once
        self._clock = clock

    async def ListDecisions(
        self, request: risk_service_pb2.ListDecisionsRequest, context: Context
    ) -> risk_service_pb2.ListDecisionsResponse:
        """Decisions of an account, newest first."""
        wanted, size = convert_reports.filter_from_proto(request), page_size(request)
        async with self._store.read() as reader:
            await require_facts(reader, wanted.account)
            found = await reader.decisions(wanted, after_page_token(request), size + 1)
        page, token = found[:size], ""
        if len(found) > size:
            token = next_page_token(request, [page[-1].decision.decide_time.isoformat(), page[-1].order_id])
        return risk_service_pb2.ListDecisionsResponse(
            decisions=[convert_reports.record_to_proto(stored) for stored in page], next_page_token=token
        )

    async def GetDecision(
        self, request: risk_service_pb2.GetDecisionRequest, context: Context
    ) -> decision_record_pb2.DecisionRecord:
        """One decision."""
        account, order_id = _inside(request.name)
        async with self._store.read() as reader:
            stored = await reader.decision(order_id)
        if stored is None or stored.order.account != account.account:
            raise DomainError(
                "DECISION_NOT_FOUND",
                f"there is no {request.name}",
                kind=ErrorKind.NOT_FOUND,
                metadata={"decision": request.name},
            )
        return convert_reports.record_to_proto(stored)

    async def GetProtections(
        self, request: risk_service_pb2.GetProtectionsRequest, context: Context
    ) -> protection_pb2.Protections:
        """Protections of an account."""
        account = owner(request.name)
        async with self._store.read() as reader:
            facts, _ = await require_facts(reader, account.account)
        return convert_reports.protections_to_proto(account, facts.protections)

    async def UpdateProtections(
        self, request: risk_service_pb2.UpdateProtectionsRequest, context: Context
    ) -> protection_pb2.Protections:
        """Change protections of an account."""
        account = owner(request.protections.name)
        change = convert_reports.protections_change_from_proto(request)

        async def work(writer: RiskWriter) -> protection_pb2.Protections:
            return convert_reports.protections_to_proto(
                account, await update_protections(writer, account, change, self._clock)
            )

        return await self._once(request, protection_pb2.Protections, work)

    async def CreateLock(
        self, request: risk_service_pb2.CreateLockRequest, context: Context
    ) -> protection_pb2.Lock:
        """Lock by hand."""
        lock = convert_reports.lock_from_proto(request, self._clock.now())

        async def work(writer: RiskWriter) -> protection_pb2.Lock:
            return convert_reports.lock_to_proto(await create_lock(writer, lock))

        return await self._once(request, protection_pb2.Lock, work)

    async def ListLocks(
        self, request: risk_service_pb2.ListLocksRequest, context: Context
    ) -> risk_service_pb2.ListLocksResponse:
        """Locks of an account that have not expired."""
        account = AccountName.parse(request.parent, field="parent")
        async with self._store.read() as reader:
            locks = await standing_locks(reader, account, self._clock)
        return risk_service_pb2.ListLocksResponse(
            locks=[convert_reports.lock_to_proto(lock) for lock in locks]
        )

    async def DeleteLock(
        self, request: risk_service_pb2.DeleteLockRequest, context: Context
    ) -> empty_pb2.Empty:
        """Remove a lock."""
        account, lock_id = _inside(request.name)

        async def work(writer: RiskWriter) -> empty_pb2.Empty:
            await remove_lock(writer, account, lock_id)
            return empty_pb2.Empty()

        return await self._once(request, empty_pb2.Empty, work)

    async def GetRiskMetrics(
        self, request: risk_service_pb2.GetRiskMetricsRequest, context: Context
    ) -> metrics_pb2.RiskMetrics:
        """Exposure, value at risk and expected shortfall of an account."""
        account = owner(request.name)
        measured = await self._measures.measure(
            account, convert_reports.parameters_from_proto(request.parameters)
        )
        return convert_reports.metrics_to_proto(account, measured, self._clock.now())

    async def RunStress(
        self, request: risk_service_pb2.RunStressRequest, context: Context
    ) -> risk_service_pb2.RunStressResponse:
        """What scenarios would do to an account."""
        account = AccountName.parse(request.account, field="account")
        results = await self._measures.stress(account, convert_reports.scenarios_from_proto(request))
        return risk_service_pb2.RunStressResponse(
            results=[convert_reports.stressed_to_proto(each) for each in results]
        )

    async def PreviewExposure(
        self, request: risk_service_pb2.PreviewExposureRequest, context: Context
    ) -> risk_service_pb2.PreviewExposureResponse:
        """What an account would have at stake with some orders."""
        account = AccountName.parse(request.account, field="account")
        orders = [convert.order_from_proto(each, request.account) for each in request.orders]
        parameters = convert_reports.parameters_from_proto(request.parameters)
        before, after = await self._measures.preview(account, orders, parameters)
        now = self._clock.now()
        return risk_service_pb2.PreviewExposureResponse(
            before=convert_reports.metrics_to_proto(account, before, now),
            after=convert_reports.metrics_to_proto(account, after, now),
        )


def owner(singleton: str) -> AccountName:
    """The account of a singleton's name, as in ``accounts/paper/limits``."""
    return AccountName.parse(singleton.rpartition("/")[0])


def _inside(name: str) -> tuple[AccountName, str]:
    """The account and the id of a resource's name, as in ``accounts/paper/locks/<id>``."""
    parent, _, identity = name.rpartition("/")
    return owner(parent), identity
