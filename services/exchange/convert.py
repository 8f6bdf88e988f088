"""Between the contract's messages and the domain's values, both ways."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from trademesh.exchange.v1 import balance_pb2, exchange_service_pb2, fill_pb2, order_pb2, venue_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.timestamps import optional_datetime, to_datetime, to_timestamp
from services.exchange.domain.fills import Balance, Fill, Liquidity, Transfer
from services.exchange.domain.order import (
    Assets,
    LimitTerms,
    MarketTerms,
    Order,
    OrderIntent,
    Side,
    Terms,
    TimeInForce,
)
from services.exchange.domain.states import OrderState
from services.exchange.views import Beat, End, Frame, VenueView
from services.kernel.decimals import parse, render
from services.kernel.errors import DomainError, ErrorKind, Violation
from services.kernel.names import AccountName, InstrumentName, OrderName, StrategyName, VenueName

_SIDES: Final = {Side.BUY: side_pb2.SIDE_BUY, Side.SELL: side_pb2.SIDE_SELL}
_TIMES_IN_FORCE: Final = {
    TimeInForce.GTC: side_pb2.TIME_IN_FORCE_GTC,
    TimeInForce.IOC: side_pb2.TIME_IN_FORCE_IOC,
    TimeInForce.FOK: side_pb2.TIME_IN_FORCE_FOK,
}
_SIDES_BACK: Final = {value: key for key, value in _SIDES.items()}
_TIMES_IN_FORCE_BACK: Final[Mapping[int, TimeInForce]] = {
    **{value: key for key, value in _TIMES_IN_FORCE.items()},
    side_pb2.TIME_IN_FORCE_UNSPECIFIED: TimeInForce.GTC,
}
_LIQUIDITIES_BACK: Final = {side_pb2.Liquidity.Value(f"LIQUIDITY_{each}"): each for each in Liquidity}
_STATES_BACK: Final = {order_pb2.OrderState.Value(f"ORDER_STATE_{each}"): each for each in OrderState}


def intent_of(request: exchange_service_pb2.CreateOrderRequest) -> OrderIntent:
    """What a caller asks for; output-only fields are not looked at.

    Raises:
        DomainError: INVALID with reason INVALID_NAME or INVALID_REQUEST.
    """
    order = request.order
    account = AccountName.parse(request.parent, field="parent").account
    instrument = InstrumentName.parse(order.instrument, field="order.instrument")
    strategy = StrategyName.parse(order.strategy, field="order.strategy").strategy if order.strategy else ""
    return OrderIntent(
        account=account,
        venue=instrument.venue,
        instrument=instrument.instrument,
        side=side_of(order.side, "order.side"),
        quantity=parse(order.quantity),
        terms=_terms_of(order),
        strategy=strategy,
        expire_time=optional_datetime(request, "expire_time"),
    )


def order_to_proto(order: Order) -> order_pb2.Order:
    """An order as the contract shows it."""
    average = order.average_price()
    message = order_pb2.Order(
        name=order.name,
        instrument=order.instrument_name,
        base_asset=order.assets.base,
        quote_asset=order.assets.quote,
        side=_SIDES[order.side],
        quantity=render(order.quantity),
        strategy=str(StrategyName(order.strategy)) if order.strategy else "",
        state=f"ORDER_STATE_{order.state}",
        filled_quantity=render(order.filled_quantity),
        average_price="" if average is None else render(average),
        filled_notional=render(order.filled_notional),
        reason=order.reason,
        reason_message=order.reason_message,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        version=order.version,
        correlation_id=order.correlation_id,
        create_time=to_timestamp(order.create_time),
        update_time=to_timestamp(order.update_time),
    )
    match order.terms:
        case MarketTerms():
            message.market.SetInParent()
        case LimitTerms(price, time_in_force, post_only):
            message.limit.price = render(price)
            message.limit.time_in_force = _TIMES_IN_FORCE[time_in_force]
            message.limit.post_only = post_only
    return message


def order_of(message: order_pb2.Order) -> Order:
    """An order back from the contract's form; ``submit_time`` is not in it."""
    name = OrderName.parse(message.name)
    instrument = InstrumentName.parse(message.instrument)
    return Order(
        order_id=UUID(name.order),
        account=name.account,
        venue=instrument.venue,
        instrument=instrument.instrument,
        assets=Assets(message.base_asset, message.quote_asset),
        side=_SIDES_BACK[message.side],
        quantity=parse(message.quantity),
        terms=_terms_of(message),
        strategy=StrategyName.parse(message.strategy).strategy if message.strategy else "",
        state=_STATES_BACK[message.state],
        filled_quantity=parse(message.filled_quantity),
        filled_notional=parse(message.filled_notional),
        reason=message.reason,
        reason_message=message.reason_message,
        client_order_id=message.client_order_id,
        venue_order_id=message.venue_order_id,
        version=message.version,
        correlation_id=message.correlation_id,
        create_time=to_datetime(message.create_time),
        update_time=to_datetime(message.update_time),
        submit_time=None,
    )


def fill_to_proto(fill: Fill) -> fill_pb2.Fill:
    """A fill as the contract shows it."""
    return fill_pb2.Fill(
        name=fill.name,
        order=str(OrderName(fill.account, str(fill.order_id))),
        instrument=str(InstrumentName(fill.venue, fill.instrument)),
        base_asset=fill.assets.base,
        quote_asset=fill.assets.quote,
        side=_SIDES[fill.side],
        price=render(fill.price),
        quantity=render(fill.quantity),
        fee=render(fill.fee),
        fee_asset=fill.fee_asset,
        liquidity=f"LIQUIDITY_{fill.liquidity}",
        venue_trade_id=fill.venue_trade_id,
        strategy=str(StrategyName(fill.strategy)) if fill.strategy else "",
        exchange_time=to_timestamp(fill.exchange_time),
        receive_time=to_timestamp(fill.receive_time),
        correlation_id=fill.correlation_id,
    )


def fill_of(message: fill_pb2.Fill) -> Fill:
    """A fill back from the contract's form."""
    order = OrderName.parse(message.order)
    instrument = InstrumentName.parse(message.instrument)
    return Fill(
        fill_id=UUID(message.name.rpartition("/")[2]),
        order_id=UUID(order.order),
        account=order.account,
        venue=instrument.venue,
        instrument=instrument.instrument,
        assets=Assets(message.base_asset, message.quote_asset),
        side=_SIDES_BACK[message.side],
        price=parse(message.price),
        quantity=parse(message.quantity),
        fee=parse(message.fee),
        fee_asset=message.fee_asset,
        liquidity=_LIQUIDITIES_BACK[message.liquidity],
        venue_trade_id=message.venue_trade_id,
        strategy=StrategyName.parse(message.strategy).strategy if message.strategy else "",
        exchange_time=to_datetime(message.exchange_time),
        receive_time=to_datetime(message.receive_time),
        correlation_id=message.correlation_id,
    )


def transfer_to_proto(transfer: Transfer) -> balance_pb2.Transfer:
    """A transfer as the contract shows it."""
    return balance_pb2.Transfer(
        account=f"accounts/{transfer.account}",
        venue=f"venues/{transfer.venue}",
        venue_transfer_id=transfer.venue_transfer_id,
        asset=transfer.asset,
        amount=render(transfer.amount),
        exchange_time=to_timestamp(transfer.exchange_time),
        receive_time=to_timestamp(transfer.receive_time),
    )


def balance_to_proto(balance: Balance) -> balance_pb2.Balance:
    """A balance as the contract shows it."""
    return balance_pb2.Balance(
        account=f"accounts/{balance.account}",
        venue=f"venues/{balance.venue}",
        asset=balance.asset,
        free=render(balance.free),
        locked=render(balance.locked),
        receive_time=to_timestamp(balance.receive_time),
    )


def states_of(states: "list[order_pb2.OrderState]") -> frozenset[OrderState]:
    """A filter of states; the unspecified one stands for nothing and is left out."""
    return frozenset(_STATES_BACK[each] for each in states if each in _STATES_BACK)


def side_of(side: int, field: str) -> Side:
    """A side.

    Raises:
        DomainError: INVALID_REQUEST where it is none.
    """
    if side not in _SIDES_BACK:
        raise _invalid(field, "must be SIDE_BUY or SIDE_SELL")
    return _SIDES_BACK[side]  # type: ignore[index]


def side_to_proto(side: Side) -> side_pb2.Side:
    """A side as the contracts spell it."""
    return _SIDES[side]


def time_in_force_to_proto(value: TimeInForce) -> side_pb2.TimeInForce:
    """A time in force as the contracts spell it."""
    return _TIMES_IN_FORCE[value]


def time_in_force_of(value: int) -> TimeInForce:
    """A time in force; not set means good till cancelled."""
    return _TIMES_IN_FORCE_BACK[value]


def liquidity_of(value: int) -> Liquidity:
    """A liquidity; what we do not know is unspecified."""
    return _LIQUIDITIES_BACK.get(value, Liquidity.UNSPECIFIED)


def order_id_of(name: OrderName) -> UUID | None:
    """The id in an order's name; None where it is no uuid, so that no such order can exist."""
    try:
        return UUID(name.order)
    except ValueError:
        return None


def _terms_of(order: order_pb2.Order) -> Terms:
    kind = order.WhichOneof("kind")
    if kind == "market":
        return MarketTerms()
    if kind == "limit":
        limit = order.limit
        return LimitTerms(
            price=parse(limit.price),
            time_in_force=time_in_force_of(limit.time_in_force),
            post_only=limit.post_only,
        )
    raise _invalid("order.kind", "must be market or limit")


def _invalid(field: str, message: str) -> DomainError:
    return DomainError(
        "INVALID_REQUEST",
        f"{field}: {message}",
        kind=ErrorKind.INVALID,
        violations=[Violation(field, message)],
    )


def request_id_of(text: str) -> str:
    """A request id in its one form: a uuid is the same in either case."""
    return text.lower()


def venue_to_proto(view: VenueView) -> venue_pb2.Venue:
    """A venue as the contract shows it."""
    message = venue_pb2.Venue(
        name=str(VenueName(view.venue)),
        display_name=view.display_name,
        simulated=view.simulated,
        state=f"VENUE_STATE_{view.contact}",
    )
    if view.last_contact is not None:
        message.last_contact_time.FromDatetime(view.last_contact)
    return message


def frame_to_proto(frame: Frame) -> exchange_service_pb2.WatchOrdersResponse:
    """A frame of WatchOrders as the contract shows it."""
    message = exchange_service_pb2.WatchOrdersResponse(cursor=frame.cursor)
    match frame.event:
        case Order() as order:
            message.order.CopyFrom(order_to_proto(order))
        case Fill() as fill:
            message.fill.CopyFrom(fill_to_proto(fill))
        case Beat(moment):
            message.heartbeat.send_time.FromDatetime(moment)
        case End(reason, text):
            message.end.reason = reason
            message.end.message = text
    return message
