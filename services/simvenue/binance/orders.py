"""Orders between Binance's words and the venue's."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from services.kernel.decimals import EXACT
from services.simvenue.binance import rules
from services.simvenue.binance.errors import (
    BinanceError,
    illegal,
    mandatory,
    not_required,
    not_valid,
    one_of,
    rejected,
)
from services.simvenue.binance.params import Params
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.wire import (
    CLIENT_ID_RANGE,
    NO_LIST,
    ZERO,
    amount,
    asset,
    is_client_id,
    milliseconds,
)
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.orders import Fill, LimitTerms, MarketTerms, Order
from services.simvenue.domain.terms import CloseReason, Liquidity, OrderStatus, Side, TimeInForce

_SIDES: Final = ("BUY", "SELL")
_TIMES_IN_FORCE: Final = ("GTC", "IOC", "FOK")
_RESPONSES: Final = ("ACK", "RESULT", "FULL")
_STATUSES: Final = {
    OrderStatus.OPEN: "NEW",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
}
_LEAST_STRATEGY_TYPE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """An order as it was asked for; its words make sense and it passes the symbol's filters.

    Attributes:
        instrument: what is traded.
        side: which way.
        terms: kind of the order.
        quantity: in base; None where ``quote`` says how much.
        quote: what a market order spends or brings, in quote; None where ``quantity`` says how much.
        client_id: its owner's id; None where the venue is to make one.
        response: ACK, RESULT or FULL.
    """

    instrument: Instrument
    side: Side
    terms: MarketTerms | LimitTerms
    quantity: Decimal | None
    quote: Decimal | None
    client_id: str | None
    response: str


def draft_of(params: Params, symbols: Symbols) -> Draft:
    """Read a new order.

    Raises:
        BinanceError: it makes no sense, or a filter forbids it.
    """
    instrument = symbols.find(params.symbol())
    side = params.choice("side", _SIDES, BinanceError(-1117, "Invalid side."))
    if side is None:
        raise mandatory("side")
    kind = params.require("type")
    if kind not in rules.ORDER_TYPES:
        raise BinanceError(-1116, "Invalid orderType.")
    client_id = client_id_param(params, "newClientOrderId")
    default = "FULL" if kind in {"LIMIT", "MARKET"} else "ACK"
    response = params.choice("newOrderRespType", _RESPONSES, not_valid("newOrderRespType")) or default
    rules.check_self_trade_mode(params.text("selfTradePreventionMode"))
    _check_strategy(params)
    terms, quantity, quote = (
        _market(params, instrument) if kind == "MARKET" else _limit(params, instrument, kind)
    )
    return Draft(instrument, Side[side], terms, quantity, quote, client_id, response)


def client_id_param(params: Params, name: str) -> str | None:
    """An id that an owner gives, if there is one."""
    value = params.text(name)
    if value is not None and not is_client_id(value):
        raise illegal(name, CLIENT_ID_RANGE)
    return value


def order_id_of(params: Params, number: str = "orderId", text: str = "origClientOrderId") -> str | int:
    """The order that is meant: the venue's number goes before its owner's id.

    Raises:
        BinanceError: -1102, neither was sent.
    """
    venue_id, client_id = params.whole(number), params.text(text)
    if venue_id is not None:
        return venue_id
    if client_id is None:
        raise one_of(text, number)
    return client_id


def _market(params: Params, instrument: Instrument) -> tuple[MarketTerms, Decimal | None, Decimal | None]:
    for name in ("price", "timeInForce", "icebergQty"):
        if params.has(name):
            raise not_required(name)
    quantity, quote = params.decimal("quantity"), params.decimal("quoteOrderQty")
    if quantity is None and quote is None:
        raise one_of("quantity", "quoteOrderQty")
    if quantity is not None and quote is not None:
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    if quantity is not None:
        rules.check_quantity(instrument, quantity, market=True)
    return MarketTerms(), quantity, quote


def _limit(params: Params, instrument: Instrument, kind: str) -> tuple[LimitTerms, Decimal, None]:
    force = TimeInForce.GTC
    if kind == "LIMIT":
        force = _time_in_force(params)
    elif params.has("timeInForce"):
        raise not_required("timeInForce")
    if params.has("quoteOrderQty"):
        raise not_required("quoteOrderQty")
    quantity, price = params.require_decimal("quantity"), params.require_decimal("price")
    rules.check_price(instrument, price)
    rules.check_quantity(instrument, quantity)
    shown = params.decimal("icebergQty")
    if shown is not None:
        rules.check_iceberg(instrument, quantity, shown)
        if shown < quantity:
            raise rejected("Iceberg orders are not supported for this symbol.")
    rules.check_notional(instrument, price, quantity)
    return LimitTerms(price, force, kind == "LIMIT_MAKER"), quantity, None


def _time_in_force(params: Params) -> TimeInForce:
    force = params.choice("timeInForce", _TIMES_IN_FORCE, BinanceError(-1115, "Invalid timeInForce."))
    if force is None:
        raise mandatory("timeInForce")
    return TimeInForce[force]


def _check_strategy(params: Params) -> None:
    params.whole("strategyId")
    kind = params.whole("strategyType")
    if kind is not None and kind < _LEAST_STRATEGY_TYPE:
        raise BinanceError(-1134, "strategyType was less than 1000000.")


def type_of(order: Order) -> str:
    """Binance's order type."""
    terms = order.request.terms
    if isinstance(terms, MarketTerms):
        return "MARKET"
    return "LIMIT_MAKER" if terms.post_only else "LIMIT"


def status_of(order: Order) -> str:
    """Binance's order status."""
    if order.close_reason is CloseReason.SELF_TRADE_PREVENTION:
        return "EXPIRED_IN_MATCH"
    return _STATUSES[order.status]


def placed_json(order: Order, fills: Sequence[Fill], symbol: str, response: str) -> dict[str, Any]:
    """The answer to a new order: ACK, RESULT or FULL."""
    acknowledged = {
        "symbol": symbol,
        "orderId": order.venue_order_id,
        "orderListId": NO_LIST,
        "clientOrderId": order.request.client_order_id,
        "transactTime": milliseconds(order.create_ns),
    }
    if response == "ACK":
        return acknowledged
    result = {
        **acknowledged,
        **_figures(order),
        "workingTime": milliseconds(order.create_ns),
        "selfTradePreventionMode": rules.DEFAULT_SELF_TRADE_MODE,
    }
    if response == "FULL":
        result["fills"] = [_fill_json(fill) for fill in fills]
    return result


def order_json(order: Order, symbol: str) -> dict[str, Any]:
    """An order as a query tells it."""
    return {
        "symbol": symbol,
        "orderId": order.venue_order_id,
        "orderListId": NO_LIST,
        "clientOrderId": order.request.client_order_id,
        **_figures(order),
        "stopPrice": ZERO,
        "icebergQty": ZERO,
        "time": milliseconds(order.create_ns),
        "updateTime": milliseconds(order.update_ns),
        "isWorking": True,
        "workingTime": milliseconds(order.create_ns),
        "selfTradePreventionMode": rules.DEFAULT_SELF_TRADE_MODE,
    }


def cancelled_json(order: Order, symbol: str, cancel_id: str) -> dict[str, Any]:
    """The answer to a cancel; ``cancel_id`` is the cancel's own id."""
    return {
        "symbol": symbol,
        "origClientOrderId": order.request.client_order_id,
        "orderId": order.venue_order_id,
        "orderListId": NO_LIST,
        "clientOrderId": cancel_id,
        "transactTime": milliseconds(order.update_ns),
        **_figures(order),
        "selfTradePreventionMode": rules.DEFAULT_SELF_TRADE_MODE,
    }


def trade_json(fill: Fill, symbol: str) -> dict[str, Any]:
    """A fill as ``myTrades`` tells it."""
    buyer, maker = fill.side is Side.BUY, fill.liquidity is Liquidity.MAKER
    return {
        "symbol": symbol,
        "id": fill.trade_id,
        "orderId": fill.venue_order_id,
        "orderListId": NO_LIST,
        "price": amount(fill.price),
        "qty": amount(fill.quantity),
        "quoteQty": amount(EXACT.multiply(fill.price, fill.quantity)),
        "commission": amount(fill.fee),
        "commissionAsset": asset(fill.fee_currency),
        "time": milliseconds(fill.time_ns),
        "isBuyer": buyer,
        "isMaker": maker,
        "isBestMatch": True,
    }


def _figures(order: Order) -> dict[str, Any]:
    terms = order.request.terms
    limit = terms if isinstance(terms, LimitTerms) else None
    return {
        "price": ZERO if limit is None else amount(limit.price),
        "origQty": amount(order.request.quantity),
        "executedQty": amount(order.filled),
        "origQuoteOrderQty": ZERO,
        "cummulativeQuoteQty": amount(order.notional),
        "status": status_of(order),
        "timeInForce": "GTC" if limit is None else limit.time_in_force.name,
        "type": type_of(order),
        "side": order.request.side.name,
    }


def _fill_json(fill: Fill) -> dict[str, Any]:
    return {
        "price": amount(fill.price),
        "qty": amount(fill.quantity),
        "commission": amount(fill.fee),
        "commissionAsset": asset(fill.fee_currency),
        "tradeId": fill.trade_id,
    }
