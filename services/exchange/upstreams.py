"""Other services, behind our ports."""

from typing import Any, Final

import grpc
import grpc.aio
from google.rpc.error_details_pb2 import ErrorInfo
from trademesh.risk.v1 import decision_pb2, risk_service_pb2, risk_service_pb2_grpc

from services.chassis.rpc.status import details_of
from services.exchange import convert
from services.exchange.domain.order import Order
from services.exchange.ports import Approved, Denied, RiskUnavailableError
from services.kernel.decimals import render

_DOMAIN: Final = "risk.trademesh"
_CHECK_PREFIX: Final = "CHECK_KIND_"
_DEFINITE: Final = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
)


class RiskService:
    """``ports.RiskGate`` on the mesh's risk service.

    Args:
        channel: to the service.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = risk_service_pb2_grpc.RiskServiceStub(channel)

    async def reserve(self, order: Order, within: float) -> Approved | Denied:
        """Ask; asking again for the same order changes nothing.

        Raises:
            RiskUnavailableError: there is no decision: fail closed.
        """
        price = order.limit_price
        request = risk_service_pb2.CheckOrderRequest(
            account=order.account_name,
            order_id=str(order.order_id),
            instrument=order.instrument_name,
            side=convert.side_to_proto(order.side),
            quantity=render(order.quantity),
            limit_price="" if price is None else render(price),
        )
        try:
            answer = await self._stub.CheckOrder(request, timeout=within)
        except grpc.aio.AioRpcError as error:
            return _no_decision(error)
        return _verdict(answer.decision)


def _verdict(decision: decision_pb2.Decision) -> Approved | Denied:
    if decision.approved:
        return Approved()
    failed = next((check for check in decision.checks if not check.passed), None)
    if failed is None:
        return Denied("RISK_DENIED", "risk did not approve the order and named no check")
    reason = decision_pb2.CheckKind.Name(failed.kind).removeprefix(_CHECK_PREFIX)
    return Denied(reason, failed.message or f"{failed.observed} against {failed.allowed}")


def _no_decision(error: grpc.aio.AioRpcError) -> Denied:
    """A definite refusal of the question is a no; everything else is no answer.

    Raises:
        RiskUnavailableError: it is no answer.
    """
    reason = _reason(error)
    if reason and error.code() in _DEFINITE:
        return Denied(reason, error.details() or reason)
    raise RiskUnavailableError(f"{error.code().name}: {error.details()}") from error


def _reason(error: grpc.aio.AioRpcError) -> str:
    status = details_of(error)
    for packed in status.details if status else ():
        info = ErrorInfo()
        if packed.Unpack(info) and info.domain == _DOMAIN:
            return str(info.reason)
    return ""
