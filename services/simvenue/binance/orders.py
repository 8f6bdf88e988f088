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
from services.simvenue.domain.orders import (
    Fill,
    LimitTerms,
    MarketTerms,
    NewOrder,
    Order,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    trigger_of,
    working_terms,
)
from services.simvenue.domain.terms import CloseReason, Liquidity, OrderStatus, SelfTrade, Side, TimeInForce

_SIDES: Final = ("BUY", "SELL")
_TIMES_IN_FORCE: Final = ("GTC", "IOC", "FOK")
_RESPONSES: Final = ("ACK", "RESULT", "FULL")
_STATUSES: Final = {
    OrderStatus.WAITING: "NEW",
    OrderStatus.OPEN: "NEW",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
}
_STOPS: Final = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
_LIMITS: Final = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT"})
_BELONGS: Final = {
    "price": _LIMITS,
    "timeInForce": _LIMITS - {"LIMIT_MAKER"},
    "icebergQty": _LIMITS,
    "quoteOrderQty": frozenset({"MARKET"}),
    "stopPrice": _STOPS,
    "trailingDelta": frozenset[str](),
}
"""The kinds of order that each parameter belongs to."""
_LEAST_STRATEGY_TYPE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """An order as it was asked for; its words make sense and it passes the symbol's filters.

    Attributes:
        instrument: what is traded.
        request: what is asked; the id is empty where the venue is to make one.
        response: ACK, RESULT or FULL.
    """

    instrument: Instrument
    request: NewOrder
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
    client_id = client_id_param(params, "newClientOrderId") or ""
    default = "FULL" if kind in {"LIMIT", "MARKET"} else "ACK"
    response = params.choice("newOrderRespType", _RESPONSES, not_valid("newOrderRespType")) or default
    mode = params.choice(
        "selfTradePreventionMode", rules.SELF_TRADE_MODES, not_valid("selfTradePreventionMode")
    )
    _check_strategy(params)
    terms, quantity, quote = _terms(params, instrument, kind)
    self_trade = None if mode is None else SelfTrade[mode]
    request = NewOrder(client_id, instrument.symbol, Side[side], quantity, terms, quote, self_trade)
    return Draft(instrument, request, response)


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


def _terms(params: Params, instrument: Instrument, kind: str) -> tuple[Terms, Decimal, Decimal | None]:
    """Kind, quantity, and what a market order spends or brings where that says how much."""
    _refuse_strangers(params, kind)
    if kind == "MARKET":
        quantity, quote = _market(params, instrument)
        return MarketTerms(), quantity, quote
    quantity = params.require_decimal("quantity")
    trigger = _trigger(params, instrument) if kind in _STOPS else Decimal(0)
    rules.check_quantity(instrument, quantity, market=kind == "STOP_LOSS")
    if kind == "STOP_LOSS":
        return StopMarketTerms(trigger), quantity, None
    limit = _limit(params, instrument, kind, quantity)
    return StopLimitTerms(trigger, limit) if kind in _STOPS else limit, quantity, None


def _refuse_strangers(params: Params, kind: str) -> None:
    for name, kinds in _BELONGS.items():
        if params.has(name) and kind not in kinds:
            raise not_required(name)


def _market(params: Params, instrument: Instrument) -> tuple[Decimal, Decimal | None]:
    quantity, quote = params.decimal("quantity"), params.decimal("quoteOrderQty")
    if quantity is None and quote is None:
        raise one_of("quantity", "quoteOrderQty")
    if quantity is not None and quote is not None:
        raise BinanceError(-1128, "Combination of optional parameters invalid.")
    if quantity is not None:
        rules.check_quantity(instrument, quantity, market=True)
    return quantity or Decimal(0), quote


def _trigger(params: Params, instrument: Instrument) -> Decimal:
    trigger = params.require_decimal("stopPrice")
    rules.check_price(instrument, trigger)
    return trigger


def _limit(params: Params, instrument: Instrument, kind: str, quantity: Decimal) -> LimitTerms:
    force = TimeInForce.GTC if kind == "LIMIT_MAKER" else _time_in_force(params)
    price = params.require_decimal("price")
    rules.check_price(instrument, price)
    shown = params.decimal("icebergQty")
    if shown is not None:
        if force is not TimeInForce.GTC:
            raise BinanceError(-1013, "TimeInForce must be GTC for iceberg orders.")
        rules.check_iceberg(instrument, quantity, shown)
    rules.check_notional(instrument, price, quantity)
    display = None if shown == quantity else shown
    return LimitTerms(price, force, kind == "LIMIT_MAKER", display=display)


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


def type_of(terms: Terms) -> str:
    """Binance's order type."""
    match terms:
        case MarketTerms():
            return "MARKET"
        case LimitTerms():
            return "LIMIT_MAKER" if terms.post_only else "LIMIT"
        case StopMarketTerms():
            return "STOP_LOSS"
        case StopLimitTerms():
            return "STOP_LOSS_LIMIT"


def status_of(order: Order) -> str:
    """Binance's order status."""
    if order.close_reason is CloseReason.SELF_TRADE_PREVENTION:
        return "EXPIRED_IN_MATCH"
    return _STATUSES[order.status]


def works(order: Order) -> bool:
    """Whether an order is, or was, in the book: not a stop that nothing set off."""
    return trigger_of(order.request.terms) is None or order.trigger_ns is not None


def working_ms(order: Order) -> int:
    """When an order came to the book; -1 where it did not."""
    if not works(order):
        return -1
    return milliseconds(order.create_ns if order.trigger_ns is None else order.trigger_ns)


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
        "workingTime": working_ms(order),
    }
    if response == "FULL":
        result["fills"] = [_fill_json(fill) for fill in fills]
    return result


def order_json(order: Order, symbol: str) -> dict[str, Any]:
    """An order as a query tells it."""
    trigger, display = trigger_of(order.request.terms), display_of(order.request.terms)
    return {
        "symbol": symbol,
        "orderId": order.venue_order_id,
        "orderListId": NO_LIST,
        "clientOrderId": order.request.client_order_id,
        **_figures(order),
        "stopPrice": ZERO if trigger is None else amount(trigger),
        "icebergQty": ZERO if display is None else amount(display),
        "time": milliseconds(order.create_ns),
        "updateTime": milliseconds(order.update_ns),
        "isWorking": works(order),
        "workingTime": working_ms(order),
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


def limit_of(terms: Terms) -> LimitTerms | None:
    """The limit order that terms are, or become; None for the others."""
    working = working_terms(terms)
    return working if isinstance(working, LimitTerms) else None


def display_of(terms: Terms) -> Decimal | None:
    """What the book shows at a time; None where it is all."""
    limit = limit_of(terms)
    return None if limit is None else limit.display


def _figures(order: Order) -> dict[str, Any]:
    request = order.request
    limit, trigger, display = limit_of(request.terms), trigger_of(request.terms), display_of(request.terms)
    figures = {
        "price": ZERO if limit is None else amount(limit.price),
        "origQty": amount(request.quantity),
        "executedQty": amount(order.filled),
        "origQuoteOrderQty": ZERO if request.quote_quantity is None else amount(request.quote_quantity),
        "cummulativeQuoteQty": amount(order.notional),
        "status": status_of(order),
        "timeInForce": "GTC" if limit is None else limit.time_in_force.name,
        "type": type_of(request.terms),
        "side": request.side.name,
        "selfTradePreventionMode": (request.self_trade or SelfTrade.EXPIRE_TAKER).name,
    }
    if trigger is not None:
        figures["stopPrice"] = amount(trigger)
    if display is not None:
        figures["icebergQty"] = amount(display)
    return figures


def _fill_json(fill: Fill) -> dict[str, Any]:
    return {
        "price": amount(fill.price),
        "qty": amount(fill.quantity),
        "commission": amount(fill.fee),
        "commissionAsset": asset(fill.fee_currency),
        "tradeId": fill.trade_id,
    }
