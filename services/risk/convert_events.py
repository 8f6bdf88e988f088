"""Events of the exchange on the wire."""

from decimal import Decimal

from trademesh.exchange.v1 import balance_pb2, exchange_service_pb2, fill_pb2, order_pb2

from services.chassis.rpc.timestamps import to_datetime
from services.kernel.decimals import parse
from services.kernel.names import AccountName, InstrumentName, OrderName, StrategyName, VenueName
from services.risk.bookings import Filled, OrderReported, Transferred
from services.risk.convert import SIDES, contract_from_proto
from services.risk.domain.cancellation import CancelOutcome
from services.risk.domain.order import Side
from services.risk.domain.reservation import Reservation
from services.risk.domain.traded import ONE, Traded

_FINAL = {
    order_pb2.ORDER_STATE_FILLED,
    order_pb2.ORDER_STATE_CANCELLED,
    order_pb2.ORDER_STATE_DENIED,
    order_pb2.ORDER_STATE_REJECTED,
    order_pb2.ORDER_STATE_EXPIRED,
}
_RESTING = {order_pb2.ORDER_STATE_OPEN, order_pb2.ORDER_STATE_PARTIALLY_FILLED}
_EARNED = {balance_pb2.TRANSFER_KIND_FUNDING, balance_pb2.TRANSFER_KIND_CORRECTION}


def has_effect(order: order_pb2.Order) -> bool:
    """Whether a change of an order can mean anything to risk: it rests, has filled, or is over."""
    return order.state in _FINAL or order.state in _RESTING or order.filled_quantity not in {"", "0"}


def order_changed_from_proto(order: order_pb2.Order) -> OrderReported:
    """Read what a change of an order means to risk.

    Raises:
        ValueError: an amount is not a decimal.
        DomainError: a name is not one.
    """
    name = OrderName.parse(order.name)
    return OrderReported(
        account=name.account,
        order_id=name.order,
        filled=parse(order.filled_quantity or "0"),
        ended=order.state in _FINAL,
        resting=_resting(name, order) if order.state in _RESTING else None,
    )


def fill_from_proto(fill: fill_pb2.Fill) -> Filled:
    """Read a fill of the exchange.

    Raises:
        ValueError: an amount is not a decimal.
        DomainError: a name is not one.
    """
    order = OrderName.parse(fill.order, field="order")
    return Filled(
        order_id=order.order,
        account=order.account,
        traded=Traded(
            InstrumentName.parse(fill.instrument),
            fill.base_asset,
            fill.quote_asset,
            contract_from_proto(fill.contract) if fill.HasField("contract") else None,
        ),
        side=SIDES[fill.side],
        quantity=parse(fill.quantity),
        price=parse(fill.price),
        fee=parse(fill.fee or "0"),
        fee_asset=fill.fee_asset,
        strategy=StrategyName.parse(fill.strategy).strategy if fill.strategy else "",
        trade_time=to_datetime(fill.exchange_time),
    )


def transfer_from_proto(transfer: balance_pb2.Transfer) -> Transferred:
    """Read a transfer of the exchange.

    Raises:
        ValueError: the amount is not a decimal.
        DomainError: a name is not one.
    """
    account = AccountName.parse(transfer.account, field="account")
    venue = VenueName.parse(transfer.venue, field="venue")
    return Transferred(
        account.account,
        (venue.venue, transfer.asset),
        parse(transfer.amount),
        earned=transfer.kind in _EARNED,
    )


def cancel_outcome_from_proto(answer: exchange_service_pb2.CancelAllOrdersResponse) -> CancelOutcome:
    """Read what the exchange says of all open orders."""
    still = tuple(order.name for order in answer.orders if order.state not in _FINAL)
    venues = tuple(answer.unreachable_venues)
    return CancelOutcome(answer.complete and not still and not venues, still, venues)


def _resting(name: OrderName, order: order_pb2.Order) -> Reservation | None:
    """What an order that rests at the venue needs, were it not ours; None where its price is not known."""
    price = _price(order)
    if price is None or not order.quantity:
        return None
    contract = contract_from_proto(order.contract) if order.HasField("contract") else None
    traded = Traded(InstrumentName.parse(order.instrument), order.base_asset, order.quote_asset, contract)
    side = SIDES[order.side]
    spot_sell = contract is None and side is Side.SELL
    return Reservation(
        order_id=name.order,
        account=name.account,
        traded=traded,
        side=side,
        quantity=parse(order.quantity),
        asset=traded.base if spot_sell else traded.money,
        # The margin of a contract is not known here: all of its worth is the cautious answer.
        per_unit=ONE if spot_sell else traded.worth(ONE, price, up=True),
    )


def _price(order: order_pb2.Order) -> Decimal | None:
    """The price that an order counts at: its limit, or its trigger."""
    kind = order.WhichOneof("kind")
    terms = getattr(order, kind) if kind is not None else None
    for path in (("price",), ("limit", "price"), ("trigger", "price")):
        value = terms
        for part in path:
            value = getattr(value, part, None)
        if isinstance(value, str) and value:
            return parse(value)
    return None
