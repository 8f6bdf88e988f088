"""Between the messages for several orders at once and the domain's values, both ways."""

from collections.abc import Sequence
from typing import Final

from trademesh.exchange.v1 import exchange_service_pb2

from services.chassis.rpc.status import error_of, message_of
from services.exchange import convert
from services.exchange.domain.order import Order, OrderIntent
from services.kernel.errors import DomainError

_AREA: Final = "exchange"


def intents_of(request: exchange_service_pb2.CreateOrdersRequest) -> Sequence[OrderIntent]:
    """What a caller asks for, in the order of the request.

    Raises:
        DomainError: INVALID with reason INVALID_NAME or INVALID_REQUEST.
    """
    intents = []
    for order in request.orders:
        single = exchange_service_pb2.CreateOrderRequest(parent=request.parent, order=order)
        if request.HasField("expire_time"):
            single.expire_time.CopyFrom(request.expire_time)
        intents.append(convert.intent_of(single))
    return intents


def results_to_proto(results: Sequence[Order | DomainError]) -> exchange_service_pb2.CreateOrdersResponse:
    """What became of each order, as the contract shows it."""
    response = exchange_service_pb2.CreateOrdersResponse()
    for result in results:
        entry = response.results.add()
        if isinstance(result, Order):
            entry.order.CopyFrom(convert.order_to_proto(result))
        else:
            entry.error.CopyFrom(message_of(result, _AREA))
    return response


def results_of(response: exchange_service_pb2.CreateOrdersResponse) -> Sequence[Order | DomainError]:
    """The results back from the contract's form."""
    return [
        convert.order_of(each.order) if each.HasField("order") else error_of(each.error)
        for each in response.results
    ]
