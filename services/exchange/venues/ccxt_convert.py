"""Between ccxt's unified structures and what the ports speak.

The structures come with every number as text (``ccxt_client``), so nothing here ever was a float. The
venue's own word in ``info`` is read where ccxt's unified one says less.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from services.exchange.domain.assets import Contract, Side
from services.exchange.domain.evidence import VenueFill, VenueOrder, VenueStatus
from services.exchange.domain.fills import Balance, Liquidity, Transfer, TransferKind
from services.exchange.domain.instruments import InstrumentRules
from services.exchange.domain.order import Order
from services.exchange.domain.positions import VenuePosition
from services.exchange.domain.terms import (
    LimitTerms,
    MarketTerms,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    TimeInForce,
    Trigger,
    kind_of,
)
from services.exchange.venues.ccxt_names import assets_of, instrument_of
from services.kernel.decimals import EXACT, render

Raw = Mapping[str, Any]

_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
_LIQUIDITY: Final = {"maker": Liquidity.MAKER, "taker": Liquidity.TAKER}
_TIMES: Final = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_AT_ONCE: Final = {
    TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
    TimeInForce.FOK: "FILL_OR_KILL",
}
_NO_LIQUIDITY: Final = "NO_LIQUIDITY"
_SELF_TRADE: Final = "SELF_TRADE_PREVENTION"
_EXPIRED: Final = "EXPIRED"
_MAX_QUANTITY: Final = Decimal("1E+15")
"""In place of a largest quantity that the venue does not name."""


def placing(
    order: Order, id_parameter: str = "clientOrderId"
) -> tuple[str, str, str, str | None, dict[str, Any]]:
    """Type, side, amount, price and parameters of ccxt's ``create_order``.

    Args:
        order: what is sent.
        id_parameter: how ccxt calls our id there.

    Raises:
        AssertionError: the kind is none of those that were declared.
    """
    params: dict[str, Any] = {id_parameter: order.client_order_id}
    if order.reduce_only:
        params["reduceOnly"] = True
    if order.quote_quantity is not None:
        params["cost"] = render(order.quote_quantity)
    limit: LimitTerms | None = None
    match order.terms:
        case MarketTerms():
            pass
        case LimitTerms() as limit:
            pass
        case StopMarketTerms(trigger):
            params["stopLossPrice"] = render(trigger.price)
        case StopLimitTerms(trigger, limit):
            params["stopLossPrice"] = render(trigger.price)
        case _:
            raise AssertionError(f"the venue was to get a {kind_of(order.terms)} order")
    side = "buy" if order.side is Side.BUY else "sell"
    if limit is None:
        return "market", side, render(order.quantity), None, params
    return "limit", side, render(order.quantity), render(limit.price), {**params, **_limit_params(limit)}


def _limit_params(terms: LimitTerms) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if terms.display_quantity is not None:
        params["icebergAmount"] = render(terms.display_quantity)
    if terms.post_only:
        params["postOnly"] = True
    elif terms.time_in_force is not TimeInForce.GTC:
        params["timeInForce"] = terms.time_in_force.value
    return params


def order_of(told: Raw, contract: Contract | None = None) -> VenueOrder:
    """The venue's word on an order, without its fills.

    Raises:
        ValueError: a part of it makes no sense.
        KeyError: the same.
    """
    amount, filled = number(told["amount"] or told["filled"]), number(told["filled"] or "0")
    terms, quote = _terms_of(told), _quote_quantity(told)
    status, reason = _standing(told, terms, amount, filled)
    if quote is not None and status is not VenueStatus.OPEN:
        # What the money bought is known at the end only.
        amount = filled
    return VenueOrder(
        client_order_id=told["clientOrderId"] or "",
        venue_order_id=str(told["id"]),
        instrument=instrument_of(told["symbol"]),
        assets=assets_of(told["symbol"]),
        side=_SIDES[told["side"]],
        quantity=amount,
        terms=terms,
        status=status,
        reason=reason,
        quote_quantity=quote,
        reduce_only=bool(told.get("reduceOnly")),
        contract=contract,
    )


def sent(order: Order, told: Raw) -> VenueOrder:
    """An order that the venue took and said no more of than its id."""
    return VenueOrder(
        client_order_id=order.client_order_id,
        venue_order_id=str(told["id"]),
        instrument=order.instrument,
        assets=order.assets,
        side=order.side,
        quantity=order.quantity,
        terms=order.terms,
        status=VenueStatus.OPEN,
        quote_quantity=order.quote_quantity,
        reduce_only=order.reduce_only,
        contract=order.contract,
    )


def still_open(order: VenueOrder) -> VenueOrder:
    """An order as evidence that says nothing of its end."""
    return replace(order, status=VenueStatus.OPEN, reason="")


def fill_of(trade: Raw, client_order_id: str, *, by_symbol: bool) -> VenueFill:
    """The venue's word on a trade of ours.

    Args:
        trade: ccxt's structure.
        client_order_id: of its order.
        by_symbol: whether the venue counts its trades for each symbol, so that the symbol is part of
            what makes them unique.
    """
    fee = trade.get("fee") or {}
    instrument = instrument_of(trade["symbol"])
    trade_id = str(trade["id"])
    return VenueFill(
        venue_trade_id=f"{instrument}:{trade_id}" if by_symbol else trade_id,
        client_order_id=client_order_id,
        venue_order_id=str(trade["order"]),
        price=number(trade["price"]),
        quantity=number(trade["amount"]),
        fee=number(fee.get("cost") or "0"),
        fee_asset=str(fee.get("currency") or assets_of(trade["symbol"]).quote).lower(),
        liquidity=_LIQUIDITY.get(trade.get("takerOrMaker") or "", Liquidity.UNSPECIFIED),
        exchange_time=moment(trade["timestamp"]),
    )


def balances_of(told: Raw, account: str, venue: str, now: datetime) -> list[Balance]:
    """What an account holds, by asset."""
    totals: Raw = told.get("total") or {}
    found = []
    for code in sorted(totals):
        entry = told[code]
        total, free = number(entry.get("total") or "0"), number(entry.get("free") or "0")
        locked = number(entry["used"]) if entry.get("used") is not None else EXACT.subtract(total, free)
        found.append(
            Balance(
                account=account, venue=venue, asset=code.lower(), free=free, locked=locked, receive_time=now
            )
        )
    return found


def transfer_of(
    *,
    account: str,
    venue: str,
    transfer_id: str,
    code: str,
    amount: Decimal,
    time_ms: Any,
    now: datetime,
    kind: TransferKind = TransferKind.UNSPECIFIED,
    instrument: str = "",
) -> Transfer:
    """Money that came in (above zero) or left."""
    return Transfer(
        account=account,
        venue=venue,
        venue_transfer_id=transfer_id,
        asset=code.lower(),
        amount=amount,
        exchange_time=moment(time_ms),
        receive_time=now,
        kind=kind,
        instrument=instrument,
    )


def position_of(
    told: Raw, account: str, venue: str, contracts: Mapping[str, Contract | None], now: datetime
) -> VenuePosition:
    """The venue's word on contracts that are held."""
    instrument = instrument_of(told["symbol"])
    size = number(told.get("contracts") or "0")
    return VenuePosition(
        account=account,
        venue=venue,
        instrument=instrument,
        # The side says which way; the number has no sign.
        quantity=size.copy_abs().copy_negate() if told.get("side") == "short" else size.copy_abs(),
        contract=contracts.get(instrument),
        receive_time=now,
        entry_price=_said(told.get("entryPrice")),
        mark_price=_said(told.get("markPrice")),
        # Zero stands for none.
        liquidation_price=_said(told.get("liquidationPrice")) or None,
        unrealized_pnl=_said(told.get("unrealizedPnl")),
        margin=_said(told.get("initialMargin")),
    )


def _said(text: Any) -> Decimal | None:
    return None if text in {None, ""} else number(text)


def rules_of(market: Raw) -> InstrumentRules:
    """The venue's rules of a market.

    Raises:
        ValueError: the venue names no step of price or quantity.
    """
    limits, precision = market["limits"], market["precision"]
    if not precision.get("price") or not precision.get("amount"):
        raise ValueError(f"{market['symbol']} has no step of price or quantity")
    lot = number(precision["amount"])
    least = number(limits["amount"].get("min") or "0")
    return InstrumentRules(
        instrument=instrument_of(market["symbol"]),
        assets=assets_of(market["symbol"]),
        tick_size=number(precision["price"]),
        lot_size=lot,
        min_quantity=max(least, lot),
        max_quantity=number(limits["amount"].get("max") or "0") or _MAX_QUANTITY,
        min_notional=number(limits["cost"].get("min") or "0"),
        contract=contract_of(market),
        maker_fee_rate=_rate(market.get("maker")),
        taker_fee_rate=_rate(market.get("taker")),
        # Binance, Bybit and Crypto.com take the fee of a spot trade from what it brings in, that of a
        # contract from what it settles in.
        fee_in_received=not market.get("contract"),
    )


def _rate(text: Any) -> Decimal | None:
    """A fee rate as a fraction; None where the market has none, or only as a float."""
    try:
        return number(text)
    except ValueError:
        return None


def contract_of(market: Raw) -> Contract | None:
    """What one unit stands for; None for spot."""
    if not market.get("contract"):
        return None
    return Contract(
        size=number(market["contractSize"]),
        settle_asset=str(market["settle"]).lower(),
        inverse=bool(market["inverse"]),
    )


def number(text: Any) -> Decimal:
    """An amount, from text only.

    Raises:
        ValueError: it is no finite number, or it was a float on its way here.
    """
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise ValueError(f"an amount must come as text, not as {type(text).__name__}")  # noqa: TRY004
    try:
        amount = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"not an amount: {text[:40]!r}" if isinstance(text, str) else "") from None
    if not amount.is_finite():
        raise ValueError(f"not a finite amount: {amount}")
    return amount


def moment(time_ms: Any) -> datetime:
    """Milliseconds since the epoch as UTC."""
    return datetime.fromtimestamp(int(time_ms) // 1000, UTC).replace(microsecond=int(time_ms) % 1000 * 1000)


def _terms_of(told: Raw) -> Terms:
    trigger = told.get("triggerPrice")
    # ccxt puts the average price into a market order's price.
    limit = None if told["type"] == "market" or not told.get("price") else _limit_of(told)
    if trigger and number(trigger) > 0:
        at = Trigger(number(trigger))
        return StopMarketTerms(at) if limit is None else StopLimitTerms(at, limit)
    return limit or MarketTerms()


def _limit_of(told: Raw) -> LimitTerms:
    post_only = bool(told.get("postOnly")) or told.get("timeInForce") == "PO"
    info = told.get("info") or {}
    shown = number(info.get("icebergQty") or info.get("F") or "0")
    return LimitTerms(
        number(told["price"]),
        _TIMES.get(told.get("timeInForce") or "GTC", TimeInForce.GTC),
        post_only,
        display_quantity=shown if shown > 0 else None,
    )


def _standing(told: Raw, terms: Terms, amount: Decimal, filled: Decimal) -> tuple[VenueStatus, str]:
    status = told["status"]
    if status in {"open", "canceling", None}:
        return VenueStatus.OPEN, ""
    if status == "closed" and (filled >= amount > 0 or _quote_quantity(told) is not None):
        return VenueStatus.FILLED, ""
    reason = _reason(told, terms)
    ended_itself = status in {"expired", "rejected"} or isinstance(terms, MarketTerms)
    at_once = isinstance(terms, LimitTerms) and terms.time_in_force in _AT_ONCE
    if ended_itself or at_once:
        return VenueStatus.EXPIRED, reason
    return VenueStatus.CANCELLED, ""


def _quote_quantity(told: Raw) -> Decimal | None:
    """What it asked for in quote asset, where it did."""
    info = told.get("info") or {}
    asked = number(info.get("origQuoteOrderQty") or info.get("Q") or "0")
    return asked if asked > 0 else None


def _reason(told: Raw, terms: Terms) -> str:
    info = told.get("info") or {}
    said = str(info.get("rejectReason") or info.get("cancelType") or info.get("reason") or "")
    if "EXPIRED_IN_MATCH" in {info.get("status"), info.get("X")} or "STP" in said.upper():
        return _SELF_TRADE
    if said.startswith("EC_PostOnly"):
        return "POST_ONLY_WOULD_TRADE"
    if isinstance(terms, LimitTerms):
        return _AT_ONCE.get(terms.time_in_force, _EXPIRED)
    return _NO_LIQUIDITY if isinstance(terms, MarketTerms) else _EXPIRED
