"""Between the simulated venue's messages and what the ports speak."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from trademesh.simvenue.v1 import account_pb2, instrument_pb2, simvenue_service_pb2
from trademesh.simvenue.v1 import order_pb2 as venue_order_pb2

from services.chassis.rpc.timestamps import optional_datetime, to_datetime, to_timestamp
from services.exchange import convert
from services.exchange.domain.assets import Assets, Contract
from services.exchange.domain.capabilities import Capabilities, KindSupport
from services.exchange.domain.evidence import VenueFill, VenueOrder, VenueStatus
from services.exchange.domain.fills import Balance, Transfer, TransferKind
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order
from services.exchange.domain.positions import VenuePosition
from services.exchange.domain.terms import (
    Kind,
    LimitTerms,
    MarketTerms,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    TimeInForce,
    Trigger,
    kind_of,
)
from services.kernel.decimals import parse, render

_STATUSES: Final = {
    venue_order_pb2.ORDER_STATUS_OPEN: VenueStatus.OPEN,
    venue_order_pb2.ORDER_STATUS_PARTIALLY_FILLED: VenueStatus.OPEN,
    venue_order_pb2.ORDER_STATUS_FILLED: VenueStatus.FILLED,
    venue_order_pb2.ORDER_STATUS_CANCELLED: VenueStatus.CANCELLED,
    venue_order_pb2.ORDER_STATUS_EXPIRED: VenueStatus.EXPIRED,
    venue_order_pb2.ORDER_STATUS_WAITING: VenueStatus.OPEN,
}
_RESTING: Final = frozenset({TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY})
_LIMIT: Final = KindSupport(
    kind=Kind.LIMIT,
    times_in_force=frozenset(TimeInForce),
    post_only=True,
    reduce_only=True,
    display_quantity=True,
)
CAPABILITIES: Final = Capabilities(
    [
        KindSupport(kind=Kind.MARKET, quote_quantity=True, reduce_only=True),
        _LIMIT,
        KindSupport(kind=Kind.STOP_MARKET, times_in_force=_RESTING, reduce_only=True),
        replace(_LIMIT, kind=Kind.STOP_LIMIT),
    ],
    # They go over one stream.
    in_order=True,
)
"""What the simulated venue does itself. Its stops look at trades only."""

_TRANSFER_KINDS: Final = {
    account_pb2.TRANSFER_KIND_DEPOSIT: TransferKind.DEPOSIT,
    account_pb2.TRANSFER_KIND_FUNDING: TransferKind.FUNDING,
    account_pb2.TRANSFER_KIND_INSURANCE: TransferKind.CORRECTION,
}
_CLOSE_PREFIX: Final = "CLOSE_REASON_"


def place_request(order: Order) -> simvenue_service_pb2.PlaceOrderRequest:
    """The venue's form of an order."""
    request = simvenue_service_pb2.PlaceOrderRequest(
        account=order.account,
        client_order_id=order.client_order_id,
        symbol=order.instrument,
        side=convert.side_to_proto(order.side),
        # Where nothing but what is owned can be sold, the venue has no such word.
        reduce_only=order.reduce_only and order.contract is not None,
    )
    if order.quote_quantity is None:
        request.quantity = render(order.quantity)
    else:
        request.quote_quantity = render(order.quote_quantity)
    match order.terms:
        case MarketTerms():
            request.market.SetInParent()
        case LimitTerms():
            _write_limit(request.limit, order.terms)
        case StopMarketTerms(trigger, time_in_force, expire_time):
            request.stop_market.trigger_price = render(trigger.price)
            request.stop_market.time_in_force = convert.time_in_force_to_proto(time_in_force)
            if expire_time is not None:
                request.stop_market.expire_time.CopyFrom(to_timestamp(expire_time))
        case StopLimitTerms(trigger, limit):
            request.stop_limit.trigger_price = render(trigger.price)
            _write_limit(request.stop_limit.limit, limit)
        case _:
            raise AssertionError(f"the simulated venue was to get a {kind_of(order.terms)} order")
    return request


def order_of(message: venue_order_pb2.Order, assets: Assets, contract: Contract | None = None) -> VenueOrder:
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
        quote_quantity=convert.optional_amount(message.quote_quantity),
        trigger_time=optional_datetime(message, "trigger_time"),
        contract=contract,
        reduce_only=message.reduce_only,
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
        kind=_TRANSFER_KINDS.get(message.kind, TransferKind.UNSPECIFIED),
        instrument=message.symbol if message.kind == account_pb2.TRANSFER_KIND_FUNDING else "",
    )


def position_of(
    message: account_pb2.Position, account: str, venue: str, contract: Contract | None, now: datetime
) -> VenuePosition:
    """The venue's word on a position."""
    return VenuePosition(
        account=account,
        venue=venue,
        instrument=message.symbol,
        quantity=parse(message.quantity),
        contract=contract,
        receive_time=now,
        entry_price=convert.optional_amount(message.entry_price),
        mark_price=convert.optional_amount(message.mark_price),
        unrealized_pnl=convert.optional_amount(message.unrealised_pnl),
        margin=convert.optional_amount(message.margin),
        liquidation_price=convert.optional_amount(message.liquidation_price),
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


def contract_of(message: instrument_pb2.Instrument) -> Contract | None:
    """What one unit stands for; None for spot."""
    if not message.HasField("contract"):
        return None
    terms = message.contract
    return Contract(parse(terms.contract_size), terms.settle_asset, terms.inverse)


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
        contract=contract_of(message),
    )


def _write_limit(message: venue_order_pb2.LimitTerms, terms: LimitTerms) -> None:
    message.price = render(terms.price)
    message.time_in_force = convert.time_in_force_to_proto(terms.time_in_force)
    message.post_only = terms.post_only
    if terms.expire_time is not None:
        message.expire_time.CopyFrom(to_timestamp(terms.expire_time))
    if terms.display_quantity is not None:
        message.display_quantity = render(terms.display_quantity)


def _terms_of(message: venue_order_pb2.Order) -> Terms:
    match message.WhichOneof("terms"):
        case "market":
            return MarketTerms()
        case "stop_market":
            stop = message.stop_market
            return StopMarketTerms(
                Trigger(parse(stop.trigger_price)),
                convert.time_in_force_of(stop.time_in_force),
                optional_datetime(stop, "expire_time"),
            )
        case "stop_limit":
            return StopLimitTerms(
                Trigger(parse(message.stop_limit.trigger_price)), _limit_of(message.stop_limit.limit)
            )
        case _:
            return _limit_of(message.limit)


def _limit_of(message: venue_order_pb2.LimitTerms) -> LimitTerms:
    return LimitTerms(
        price=parse(message.price),
        time_in_force=convert.time_in_force_of(message.time_in_force),
        post_only=message.post_only,
        expire_time=optional_datetime(message, "expire_time"),
        display_quantity=convert.optional_amount(message.display_quantity),
    )
