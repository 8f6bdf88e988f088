"""Protobuf to domain and back: many orders in one call, each with an answer or an error of its own."""

from collections.abc import Sequence
from typing import Final

from google.rpc import status_pb2
from trademesh.risk.v1 import risk_service_pb2

from services.chassis.rpc.interceptors import validation
from services.chassis.rpc.status import internal_message, message_of
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.risk import convert
from services.risk.handlers.check_orders import Asked
from services.risk.ports import Decision

_AREA: Final = "risk"


def orders_from_proto(
    request: risk_service_pb2.ReserveOrdersRequest, correlation_id: str
) -> Sequence[Asked | DomainError]:
    """Read the orders; in place of one that breaks a rule stands what is wrong with it.

    Args:
        request: the question.
        correlation_id: of the call, for orders that bring none.
    """
    ids = list(request.correlation_ids) or [""] * len(request.orders)
    return [_read(each, own or correlation_id) for each, own in zip(request.orders, ids, strict=True)]


def result_to_proto(result: Decision | Exception) -> risk_service_pb2.ReserveOrderResult:
    """Write what became of one order. Of a fault of ours it says nothing but that."""
    if isinstance(result, Decision):
        return risk_service_pb2.ReserveOrderResult(decision=convert.decision_to_proto(result))
    return risk_service_pb2.ReserveOrderResult(refusal=_refusal(result))


def _read(order: risk_service_pb2.CheckOrderRequest, correlation_id: str) -> Asked | DomainError:
    try:
        validation.check(order)
        _require_earnest(order)
        return Asked(order.order_id, convert.order_from_proto(order), correlation_id)
    except DomainError as error:
        return error


def _require_earnest(order: risk_service_pb2.CheckOrderRequest) -> None:
    if order.validate_only:
        raise DomainError(
            "INVALID_REQUEST",
            "an order that is reserved for is not one that is only asked about",
            kind=ErrorKind.INVALID,
            violations=[Violation("validate_only", "must not be set")],
        )


def _refusal(error: Exception) -> status_pb2.Status:
    return message_of(error, _AREA) if isinstance(error, DomainError) else internal_message(_AREA)
