"""CancelAllOrders: what is asked for, and what became of it."""

from trademesh.exchange.v1 import exchange_service_pb2

from services.exchange.convert.orders import order_of, order_to_proto
from services.exchange.domain.sweeps import CancelFilter, Swept
from services.kernel.names import AccountName, InstrumentName, StrategyName, VenueName


def cancel_filter_of(request: exchange_service_pb2.CancelAllOrdersRequest) -> CancelFilter | None:
    """Which orders are meant; None where the parts contradict each other, so that none can be.

    Raises:
        DomainError: INVALID with reason INVALID_NAME.
    """
    account = AccountName.parse(request.parent, field="parent").account
    venue = VenueName.parse(request.venue, field="venue").venue if request.venue else ""
    strategy = StrategyName.parse(request.strategy, field="strategy").strategy if request.strategy else ""
    if not request.instrument:
        return CancelFilter(account, venue, "", strategy)
    instrument = InstrumentName.parse(request.instrument, field="instrument")
    if venue and venue != instrument.venue:
        return None
    return CancelFilter(account, instrument.venue, instrument.instrument, strategy)


def swept_to_proto(swept: Swept) -> exchange_service_pb2.CancelAllOrdersResponse:
    """What became of the open orders, as the contract shows it."""
    return exchange_service_pb2.CancelAllOrdersResponse(
        orders=[order_to_proto(order) for order in swept.orders],
        complete=swept.complete,
        unreachable_venues=[str(VenueName(venue)) for venue in swept.unreachable],
    )


def swept_of(message: exchange_service_pb2.CancelAllOrdersResponse) -> Swept:
    """The same back from the contract's form."""
    return Swept(
        tuple(order_of(each) for each in message.orders),
        message.complete,
        tuple(VenueName.parse(each).venue for each in message.unreachable_venues),
    )
