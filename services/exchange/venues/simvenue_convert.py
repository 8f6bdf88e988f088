"""Between the simulated venue's messages and what the ports speak."""

from datetime import datetime
from typing import Final

from trademesh.simvenue.v1 import account_pb2, instrument_pb2, simvenue_service_pb2
from trademesh.simvenue.v1 import order_pb2 as venue_order_pb2

from services.chassis.rpc.timestamps import to_datetime
from services.exchange import convert
from services.exchange.domain.assets import Assets
from services.exchange.domain.capabilities import Capabilities, KindSupport, Support
from services.exchange.domain.evidence import VenueFill, VenueOrder, VenueStatus
from services.exchange.domain.fills import Balance, Transfer
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order
from services.exchange.domain.terms import Kind, LimitTerms, MarketTerms, Terms, TimeInForce, kind_of
from services.kernel.decimals import parse, render

_STATUSES: Final = {
    venue_order_pb2.ORDER_STATUS_OPEN: VenueStatus.OPEN,
    venue_order_pb2.ORDER_STATUS_PARTIALLY_FILLED: VenueStatus.OPEN,
    venue_order_pb2.ORDER_STATUS_FILLED: VenueStatus.FILLED,
    venue_order_pb2.ORDER_STATUS_CANCELLED: VenueStatus.CANCELLED,
    venue_order_pb2.ORDER_STATUS_EXPIRED: VenueStatus.EXPIRED,
}
CAPABILITIES: Final = Capabilities(
    [
        KindSupport(kind=Kind.MARKET, support=Support.NATIVE),
        KindSupport(
            kind=Kind.LIMIT,
            support=Support.NATIVE,
            times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
            post_only=True,
        ),
    ]
)
"""What the simulated venue does itself."""

_CLOSE_PREFIX: Final = "CLOSE_REASON_"


def place_request(order: Order) -> simvenue_service_pb2.PlaceOrderRequest:
    """The venue's form of an order."""
    request = simvenue_service_pb2.PlaceOrderRequest(
        account=order.account,
        client_order_id=order.client_order_id,
        symbol=order.instrument,
        side=convert.side_to_proto(order.side),
        quantity=render(order.quantity),
    )
    match order.terms:
        case MarketTerms():
            request.market.SetInParent()
        case LimitTerms():
            request.limit.price = render(order.terms.price)
            request.limit.time_in_force = convert.time_in_force_to_proto(order.terms.time_in_force)
            request.limit.post_only = order.terms.post_only
        case _:
            raise AssertionError(f"the simulated venue was to get a {kind_of(order.terms)} order")
    return request


def order_of(message: venue_order_pb2.Order, assets: Assets) -> VenueOrder:
    """The venue's word on an order.

    Raises:
        KeyError: its state is one that we do not know.
        ValueError: an amount is no decimal.
    """
    closed = message.close_reason != venue_order_pb2.CLOSE_REASON_UNSPECIFIED
    reason = venue_order_pb2.CloseReason.Name(message.close_reason) if closed else ""
    return VenueOrder(
        client_order_id=message.client_order_id,
        venue_order_id=str(message.venue_order_id),
        instrument=message.symbol,
        assets=assets,
        side=convert.side_of(message.side, "side"),
        quantity=parse(message.quantity),
        terms=_terms_of(message),
        status=_STATUSES[message.status],
        reason=reason.removeprefix(_CLOSE_PREFIX),
        fills=tuple(fill_of(each) for each in message.fills),
    )


def fill_of(message: venue_order_pb2.Fill) -> VenueFill:
    """The venue's word on a trade of ours."""
    return VenueFill(
        venue_trade_id=str(message.trade_id),
        client_order_id=message.client_order_id,
        venue_order_id=str(message.venue_order_id),
        price=parse(message.price),
        quantity=parse(message.quantity),
        fee=parse(message.fee),
        fee_asset=message.fee_currency,
        liquidity=convert.liquidity_of(message.liquidity),
        exchange_time=to_datetime(message.exchange_time),
    )


def transfer_of(message: account_pb2.Transfer, venue: str, now: datetime) -> Transfer:
    """The venue's word on money that moved."""
    return Transfer(
        account=message.account,
        venue=venue,
        venue_transfer_id=str(message.transfer_id),
        asset=message.currency,
        amount=parse(message.amount),
        exchange_time=to_datetime(message.exchange_time),
        receive_time=now,
    )


def balance_of(message: account_pb2.Balance, account: str, venue: str, now: datetime) -> Balance:
    """The venue's word on what an account holds."""
    return Balance(
        account=account,
        venue=venue,
        asset=message.currency,
        free=parse(message.free),
        locked=parse(message.locked),
        receive_time=now,
    )


def rules_of(message: instrument_pb2.Instrument) -> InstrumentRules:
    """The venue's rules of an instrument."""
    return InstrumentRules(
        instrument=message.symbol,
        assets=Assets(message.base_currency, message.quote_currency),
        tick_size=parse(message.tick_size),
        lot_size=parse(message.lot_size),
        min_quantity=parse(message.min_quantity),
        max_quantity=parse(message.max_quantity),
        min_notional=parse(message.min_notional),
        maker_fee_rate=convert.optional_amount(message.maker_fee_rate),
        taker_fee_rate=convert.optional_amount(message.taker_fee_rate),
    )


def _terms_of(message: venue_order_pb2.Order) -> Terms:
    if message.WhichOneof("terms") == "market":
        return MarketTerms()
    limit = message.limit
    return LimitTerms(parse(limit.price), convert.time_in_force_of(limit.time_in_force), limit.post_only)
