"""Orders, fills and money of accounts: messages to domain and back."""

from collections.abc import Sequence
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.simvenue.v1 import account_pb2, order_pb2
from trademesh.simvenue.v1 import simvenue_service_pb2 as service_pb2

from services.kernel.decimals import parse, render
from services.simvenue.convert.words import (
    CLOSE_REASONS,
    LIQUIDITIES,
    SELF_TRADES,
    SELF_TRADES_BACK,
    SIDES,
    SIDES_BACK,
    STATUSES,
    TIMES_IN_FORCE,
    TIMES_IN_FORCE_BACK,
    end_to,
    time_from,
    time_to,
)
from services.simvenue.domain.orders import (
    AccountEvent,
    Balance,
    BalanceUpdate,
    ExecutionReport,
    Fill,
    LimitTerms,
    MarketTerms,
    NewOrder,
    Order,
    PositionUpdate,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    Transfer,
    TransferKind,
)
from services.simvenue.domain.positions import Position
from services.simvenue.handlers import Holdings, OrderWithFills, ValuedPosition
from services.simvenue.ports import EncodedEvent
from services.simvenue.streams import Beat, End

_TRANSFER_KINDS = {
    TransferKind.DEPOSIT: account_pb2.TRANSFER_KIND_DEPOSIT,
    TransferKind.FUNDING: account_pb2.TRANSFER_KIND_FUNDING,
    TransferKind.INSURANCE: account_pb2.TRANSFER_KIND_INSURANCE,
}


def new_order_from_proto(message: service_pb2.PlaceOrderRequest) -> NewOrder:
    """What an owner asks for; the contract's rules have been checked."""
    return NewOrder(
        message.client_order_id,
        message.symbol,
        SIDES_BACK[message.side],
        parse(message.quantity) if message.quantity else Decimal(0),
        _terms_from_proto(message),
        parse(message.quote_quantity) if message.quote_quantity else None,
        SELF_TRADES_BACK[message.self_trade_prevention],
        message.reduce_only,
    )


def _terms_from_proto(message: service_pb2.PlaceOrderRequest) -> Terms:
    match message.WhichOneof("terms"):
        case "limit":
            return _limit_from_proto(message.limit)
        case "stop_market":
            stop = message.stop_market
            return StopMarketTerms(
                parse(stop.trigger_price), TIMES_IN_FORCE_BACK[stop.time_in_force], _expiry_of(stop)
            )
        case "stop_limit":
            return StopLimitTerms(
                parse(message.stop_limit.trigger_price), _limit_from_proto(message.stop_limit.limit)
            )
        case _:
            return MarketTerms()


def _limit_from_proto(message: order_pb2.LimitTerms) -> LimitTerms:
    return LimitTerms(
        parse(message.price),
        TIMES_IN_FORCE_BACK[message.time_in_force],
        message.post_only,
        _expiry_of(message),
        parse(message.display_quantity) if message.display_quantity else None,
    )


def _expiry_of(message: order_pb2.LimitTerms | order_pb2.StopMarketTerms) -> int | None:
    return time_from(message.expire_time) if message.HasField("expire_time") else None


def order_id_from_proto(message: service_pb2.CancelOrderRequest | service_pb2.GetOrderRequest) -> str | int:
    """The order that is meant: text is its owner's id, a number is the venue's."""
    return message.venue_order_id if message.HasField("venue_order_id") else message.client_order_id


def order_to_proto(order: Order) -> order_pb2.Order:
    """An order without the list of its fills."""
    request, terms = order.request, order.request.terms
    message = order_pb2.Order(
        self_trade_prevention=SELF_TRADES[request.self_trade],
        venue_order_id=order.venue_order_id,
        client_order_id=request.client_order_id,
        account=order.account,
        symbol=request.symbol,
        side=SIDES[request.side],
        quantity=render(request.quantity),
        status=STATUSES[order.status],
        close_reason=CLOSE_REASONS[order.close_reason],
        filled_quantity=render(order.filled),
        filled_notional=render(order.notional),
        fees=render(order.fees),
        create_time=time_to(order.create_ns),
        update_time=time_to(order.update_ns),
        reduce_only=request.reduce_only,
    )
    _terms_to_proto(terms, message)
    if request.quote_quantity is not None:
        message.quote_quantity = render(request.quote_quantity)
    if order.expire_ns is not None:
        message.expire_time.CopyFrom(time_to(order.expire_ns))
    if order.trigger_ns is not None:
        message.trigger_time.CopyFrom(time_to(order.trigger_ns))
    return message


def _terms_to_proto(terms: Terms, message: order_pb2.Order) -> None:
    match terms:
        case LimitTerms():
            _limit_to_proto(terms, message.limit)
        case StopMarketTerms(trigger, time_in_force, expire_ns):
            message.stop_market.trigger_price = render(trigger)
            message.stop_market.time_in_force = TIMES_IN_FORCE[time_in_force]
            if expire_ns is not None:
                message.stop_market.expire_time.CopyFrom(time_to(expire_ns))
        case StopLimitTerms(trigger, limit):
            message.stop_limit.trigger_price = render(trigger)
            _limit_to_proto(limit, message.stop_limit.limit)
        case MarketTerms():
            message.market.SetInParent()


def _limit_to_proto(terms: LimitTerms, message: order_pb2.LimitTerms) -> None:
    message.price = render(terms.price)
    message.time_in_force = TIMES_IN_FORCE[terms.time_in_force]
    message.post_only = terms.post_only
    if terms.expire_ns is not None:
        message.expire_time.CopyFrom(time_to(terms.expire_ns))
    if terms.display is not None:
        message.display_quantity = render(terms.display)


def order_with_fills_to_proto(answer: OrderWithFills) -> order_pb2.Order:
    """An order with the list of its fills."""
    message = order_to_proto(answer.order)
    message.fills.extend(fill_to_proto(fill) for fill in answer.fills)
    return message


def fill_to_proto(fill: Fill) -> order_pb2.Fill:
    """A fill."""
    return order_pb2.Fill(
        trade_id=fill.trade_id,
        venue_order_id=fill.venue_order_id,
        client_order_id=fill.client_order_id,
        account=fill.account,
        symbol=fill.symbol,
        side=SIDES[fill.side],
        price=render(fill.price),
        quantity=render(fill.quantity),
        fee=render(fill.fee),
        fee_currency=fill.fee_currency,
        liquidity=LIQUIDITIES[fill.liquidity],
        exchange_time=time_to(fill.time_ns),
        realised_pnl=render(fill.profit),
    )


def balance_to_proto(balance: Balance) -> account_pb2.Balance:
    """A balance."""
    return account_pb2.Balance(
        currency=balance.currency, free=render(balance.free), locked=render(balance.locked)
    )


def holdings_to_proto(account: str, holdings: Holdings) -> account_pb2.Balances:
    """What an account has."""
    return account_pb2.Balances(
        account=account,
        balances=[balance_to_proto(balance) for balance in holdings.balances],
        sequence=holdings.sequence,
        exchange_time=time_to(holdings.time_ns),
    )


def transfer_to_proto(transfer: Transfer) -> account_pb2.Transfer:
    """A transfer."""
    return account_pb2.Transfer(
        transfer_id=transfer.transfer_id,
        account=transfer.account,
        kind=_TRANSFER_KINDS[transfer.kind],
        currency=transfer.currency,
        amount=render(transfer.amount),
        exchange_time=time_to(transfer.time_ns),
        symbol=transfer.symbol,
    )


def position_to_proto(position: Position) -> account_pb2.Position:
    """A position, without what its market says of it."""
    entry = position.entry_price
    return account_pb2.Position(
        symbol=position.symbol,
        quantity=render(position.quantity),
        entry_price="" if entry is None else render(entry),
        realised_pnl=render(position.realised),
        funding=render(position.funding),
    )


def valued_position_to_proto(valued: ValuedPosition) -> account_pb2.Position:
    """A position with what its market says of it."""
    message = position_to_proto(valued.position)
    message.margin = render(valued.margin)
    if valued.mark is not None:
        message.mark_price = render(valued.mark)
        message.unrealised_pnl = render(valued.position.profit_at(valued.mark))
    if valued.liquidation is not None:
        message.liquidation_price = render(valued.liquidation)
    return message


def account_frame_to_proto(
    frame: EncodedEvent | Beat | End, send_time: Timestamp
) -> account_pb2.AccountEvent:
    """One frame of an account's stream."""
    if isinstance(frame, EncodedEvent):
        return account_pb2.AccountEvent.FromString(frame.payload)
    message = account_pb2.AccountEvent(exchange_time=time_to(frame.time_ns))
    if isinstance(frame, Beat):
        message.heartbeat.send_time.CopyFrom(send_time)
    else:
        message.end.CopyFrom(end_to(frame))
    return message


def account_page_to_proto(events: Sequence[EncodedEvent]) -> account_pb2.AccountEvent:
    """Events of an account as one frame."""
    message = account_pb2.AccountEvent(sequence=events[-1].sequence)
    for event in events:
        message.page.events.add().MergeFromString(event.payload)
    message.exchange_time.CopyFrom(message.page.events[-1].exchange_time)
    return message


def tells_fill(event: EncodedEvent) -> bool:
    """Whether an event of an account tells of a fill."""
    message = account_pb2.AccountEvent.FromString(event.payload)
    return message.HasField("execution_report") and message.execution_report.HasField("fill")


def event_time(event: EncodedEvent) -> int:
    """Exchange time of an event of an account, in nanoseconds."""
    return time_from(account_pb2.AccountEvent.FromString(event.payload).exchange_time)


def account_event_to_proto(event: AccountEvent) -> account_pb2.AccountEvent:
    """An event of an account."""
    message = account_pb2.AccountEvent(sequence=event.sequence, exchange_time=time_to(event.time_ns))
    match event.body:
        case ExecutionReport(order, fill):
            message.execution_report.order.CopyFrom(order_to_proto(order))
            if fill is not None:
                message.execution_report.fill.CopyFrom(fill_to_proto(fill))
        case BalanceUpdate(balances):
            message.balance_update.balances.extend(balance_to_proto(balance) for balance in balances)
        case PositionUpdate(position):
            message.position_update.position.CopyFrom(position_to_proto(position))
        case Transfer():
            message.transfer.CopyFrom(transfer_to_proto(event.body))
    return message


def encode_account_event(event: AccountEvent) -> bytes:
    """An event of an account as it is sent and stored."""
    return account_event_to_proto(event).SerializeToString()
