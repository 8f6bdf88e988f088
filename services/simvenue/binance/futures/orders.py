"""Orders and fills of perpetuals between Binance's words and the venue's."""

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

from services.kernel.decimals import EXACT, render
from services.simvenue.binance.errors import BinanceError, mandatory, not_required, not_valid
from services.simvenue.binance.futures import rules
from services.simvenue.binance.orders import Draft, client_id_param, limit_of
from services.simvenue.binance.params import Params
from services.simvenue.binance.rules import Symbols
from services.simvenue.binance.wire import asset, milliseconds
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
)
from services.simvenue.domain.terms import (
    CloseReason,
    Liquidity,
    OrderStatus,
    SelfTrade,
    Side,
    TimeInForce,
)

_SIDES: Final = ("BUY", "SELL")
_RESPONSES: Final = ("ACK", "RESULT")
_BOOLEANS: Final = ("true", "false")
_PLACES: Final = Decimal("1e-8")
_ROUNDING: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)
_STATUSES: Final = {
    OrderStatus.WAITING: "NEW",
    OrderStatus.OPEN: "NEW",
    OrderStatus.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderStatus.FILLED: "FILLED",
    OrderStatus.CANCELLED: "CANCELED",
    OrderStatus.EXPIRED: "EXPIRED",
}


def draft_of(params: Params, symbols: Symbols) -> Draft:
    """Read a new order.

    Raises:
        BinanceError: it makes no sense, or the symbol's rules forbid it.
    """
    instrument = symbols.find(params.symbol())
    side = params.choice("side", _SIDES, BinanceError(-1117, "Invalid side."))
    if side is None:
        raise mandatory("side")
    kind = params.require("type")
    if kind in rules.CONDITIONAL_TYPES:
        text = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
        raise BinanceError(-4120, text)
    if kind not in rules.ORDER_TYPES:
        raise BinanceError(-1116, "Invalid orderType.")
    client_id = client_id_param(params, "newClientOrderId") or ""
    response = params.choice("newOrderRespType", _RESPONSES, not_valid("newOrderRespType")) or "ACK"
    mode = params.choice(
        "selfTradePreventionMode", rules.SELF_TRADE_MODES, not_valid("selfTradePreventionMode")
    )
    reducing = params.choice("reduceOnly", _BOOLEANS, not_valid("reduceOnly")) == "true"
    _check_modes(params)
    quantity = _amount(params, "quantity", BinanceError(-4003, "Quantity less than or equal to zero."))
    rules.check_precision(quantity, rules.quantity_precision(instrument))
    terms = MarketTerms() if kind == "MARKET" else _limit(params, instrument)
    if kind == "MARKET":
        _refuse_strangers(params, "price", "timeInForce")
    self_trade = None if mode is None else SelfTrade[mode]
    request = NewOrder(client_id, instrument.symbol, Side[side], quantity, terms, None, self_trade, reducing)
    return Draft(instrument, request, response)


def _check_modes(params: Params) -> None:
    """One-way mode is all there is, and no order closes a position that it does not name."""
    position_side = params.text("positionSide")
    if position_side not in {None, "BOTH"}:
        raise BinanceError(-4061, "Order's position side does not match user's setting.")
    if params.choice("closePosition", _BOOLEANS, not_valid("closePosition")) == "true":
        raise BinanceError(-4136, "Target strategy invalid for orderType, closePosition true")
    if params.text("priceMatch") not in {None, "NONE"}:
        raise not_valid("priceMatch")
    params.ignore("workingType", "priceProtect")
    _refuse_strangers(params, "stopPrice", "activationPrice", "callbackRate", "goodTillDate")


def _refuse_strangers(params: Params, *names: str) -> None:
    for name in names:
        if params.has(name):
            raise not_required(name)


def _limit(params: Params, instrument: Instrument) -> LimitTerms:
    force = params.choice("timeInForce", rules.TIMES_IN_FORCE, BinanceError(-1115, "Invalid timeInForce."))
    if force is None:
        raise mandatory("timeInForce")
    price = _amount(params, "price", BinanceError(-4001, "Price less than 0."))
    rules.check_price(instrument, price)
    if force == "GTX":
        return LimitTerms(price, TimeInForce.GTC, post_only=True)
    return LimitTerms(price, TimeInForce[force])


def _amount(params: Params, name: str, zero: BinanceError) -> Decimal:
    """An amount above zero that must be there; ``zero`` is what is said of one that is not."""
    try:
        return params.require_decimal(name)
    except BinanceError as error:
        raise zero if error.code == -1013 else error from None  # noqa: PLR2004 - Binance's code


def type_of(terms: Terms) -> str:
    """Binance's order type. Stops come by other doors only."""
    match terms:
        case StopMarketTerms():
            return "STOP_MARKET"
        case StopLimitTerms():
            return "STOP"
        case LimitTerms():
            return "LIMIT"
        case MarketTerms():
            return "MARKET"


def force_of(terms: Terms) -> str:
    """Binance's time in force."""
    limit = limit_of(terms)
    if limit is None:
        return "GTC"
    return "GTX" if limit.post_only else limit.time_in_force.name


def status_of(order: Order) -> str:
    """Binance's order status."""
    if order.close_reason is CloseReason.SELF_TRADE_PREVENTION:
        return "EXPIRED_IN_MATCH"
    return _STATUSES[order.status]


def average(notional: Decimal, quantity: Decimal) -> str:
    """Average price of what was filled, rounded half-even to eight places; 0 where nothing was."""
    if not quantity:
        return "0"
    return render(_ROUNDING.quantize(_ROUNDING.divide(notional, quantity), _PLACES))


def placed_json(order: Order, symbol: str, response: str) -> dict[str, Any]:
    """The answer to a new order. ACK tells it as it was when it came."""
    if response == "ACK":
        none = Decimal(0)
        order = replace(
            order, status=OrderStatus.OPEN, close_reason=None, filled=none, notional=none, fees=none
        )
    return answer_json(order, symbol)


def order_json(order: Order, symbol: str) -> dict[str, Any]:
    """An order as a query tells it."""
    return {**answer_json(order, symbol), "time": milliseconds(order.create_ns)}


def answer_json(order: Order, symbol: str) -> dict[str, Any]:
    """An order as the answer to a new one or a cancel tells it."""
    request = order.request
    limit, trigger, kind = limit_of(request.terms), trigger_of(request.terms), type_of(request.terms)
    return {
        "orderId": order.venue_order_id,
        "symbol": symbol,
        "status": status_of(order),
        "clientOrderId": request.client_order_id,
        "price": "0" if limit is None else render(limit.price),
        "avgPrice": average(order.notional, order.filled),
        "origQty": render(request.quantity),
        "executedQty": render(order.filled),
        "cumQty": render(order.filled),
        "cumQuote": render(order.notional),
        "timeInForce": force_of(request.terms),
        "type": kind,
        "reduceOnly": request.reduce_only,
        "closePosition": False,
        "side": request.side.name,
        "positionSide": "BOTH",
        "stopPrice": "0" if trigger is None else render(trigger),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": kind,
        "priceMatch": "NONE",
        "selfTradePreventionMode": (request.self_trade or SelfTrade.EXPIRE_TAKER).name,
        "goodTillDate": 0,
        "updateTime": milliseconds(order.update_ns),
    }


def trade_json(fill: Fill, symbol: str) -> dict[str, Any]:
    """A fill as ``userTrades`` tells it."""
    return {
        "symbol": symbol,
        "id": fill.trade_id,
        "orderId": fill.venue_order_id,
        "side": fill.side.name,
        "price": render(fill.price),
        "qty": render(fill.quantity),
        "realizedPnl": render(fill.profit),
        "quoteQty": render(EXACT.multiply(fill.price, fill.quantity)),
        "commission": render(fill.fee),
        "commissionAsset": asset(fill.fee_currency),
        "time": milliseconds(fill.time_ns),
        "positionSide": "BOTH",
        "buyer": fill.side is Side.BUY,
        "maker": fill.liquidity is Liquidity.MAKER,
    }
