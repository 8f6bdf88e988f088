"""Rows to values and back."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Row

from services.simvenue.domain.orders import (
    Balance,
    Fill,
    LimitTerms,
    MarketTerms,
    NewOrder,
    Order,
    StopLimitTerms,
    StopMarketTerms,
    Terms,
    Transfer,
    TransferKind,
    trigger_of,
)
from services.simvenue.domain.positions import Position
from services.simvenue.domain.terms import (
    CloseReason,
    Liquidity,
    OrderStatus,
    SelfTrade,
    Side,
    TimeInForce,
)

Values = dict[str, Any]


def order_values(order: Order) -> Values:
    """An order as a row."""
    request, terms = order.request, order.request.terms
    limit = terms.limit if isinstance(terms, StopLimitTerms) else terms
    lasting = None if isinstance(limit, MarketTerms) else limit
    priced = limit if isinstance(limit, LimitTerms) else None
    return {
        "venue_order_id": order.venue_order_id,
        "account": order.account,
        "client_order_id": request.client_order_id,
        "symbol": request.symbol,
        "side": request.side.name,
        "quantity": request.quantity,
        "price": priced.price if priced else None,
        "time_in_force": lasting.time_in_force.name if lasting else None,
        "post_only": priced.post_only if priced else False,
        "status": order.status.name,
        "close_reason": order.close_reason.name if order.close_reason else None,
        "filled": order.filled,
        "notional": order.notional,
        "fees": order.fees,
        "create_ns": order.create_ns,
        "update_ns": order.update_ns,
        "trigger_price": trigger_of(terms),
        "asked_expire_ns": lasting.expire_ns if lasting else None,
        "expire_ns": order.expire_ns,
        "trigger_ns": order.trigger_ns,
        "display_quantity": priced.display if priced else None,
        "quote_quantity": request.quote_quantity,
        "self_trade": request.self_trade.name if request.self_trade else None,
        "reduce_only": request.reduce_only,
    }


def order_of(row: Row[Any]) -> Order:
    """A row as an order."""
    return Order(
        row.venue_order_id,
        row.account,
        NewOrder(
            row.client_order_id,
            row.symbol,
            Side[row.side],
            row.quantity,
            _terms_of(row),
            row.quote_quantity,
            SelfTrade[row.self_trade] if row.self_trade else None,
            bool(row.reduce_only),
        ),
        OrderStatus[row.status],
        CloseReason[row.close_reason] if row.close_reason else None,
        row.filled,
        row.notional,
        row.fees,
        row.create_ns,
        row.update_ns,
        row.expire_ns,
        row.trigger_ns,
    )


def _terms_of(row: Row[Any]) -> Terms:
    if row.price is not None:
        limit = LimitTerms(
            row.price,
            TimeInForce[row.time_in_force],
            row.post_only,
            row.asked_expire_ns,
            row.display_quantity,
        )
        return limit if row.trigger_price is None else StopLimitTerms(row.trigger_price, limit)
    if row.trigger_price is not None:
        return StopMarketTerms(row.trigger_price, TimeInForce[row.time_in_force], row.asked_expire_ns)
    return MarketTerms()


def fill_values(fill: Fill) -> Values:
    """A fill as a row."""
    return {
        "account": fill.account,
        "trade_id": fill.trade_id,
        "venue_order_id": fill.venue_order_id,
        "client_order_id": fill.client_order_id,
        "symbol": fill.symbol,
        "side": fill.side.name,
        "price": fill.price,
        "quantity": fill.quantity,
        "fee": fill.fee,
        "fee_currency": fill.fee_currency,
        "liquidity": fill.liquidity.name,
        "time_ns": fill.time_ns,
        "profit": fill.profit,
    }


def fill_of(row: Row[Any]) -> Fill:
    """A row as a fill."""
    return Fill(
        row.trade_id,
        row.venue_order_id,
        row.client_order_id,
        row.account,
        row.symbol,
        Side[row.side],
        row.price,
        row.quantity,
        row.fee,
        row.fee_currency,
        Liquidity[row.liquidity],
        row.time_ns,
        Decimal(0) if row.profit is None else row.profit,
    )


def transfer_values(transfer: Transfer) -> Values:
    """A transfer as a row."""
    return {
        "transfer_id": transfer.transfer_id,
        "account": transfer.account,
        "kind": transfer.kind.name,
        "currency": transfer.currency,
        "amount": transfer.amount,
        "time_ns": transfer.time_ns,
        "symbol": transfer.symbol or None,
    }


def transfer_of(row: Row[Any]) -> Transfer:
    """A row as a transfer."""
    return Transfer(
        row.transfer_id,
        row.account,
        TransferKind[row.kind],
        row.currency,
        row.amount,
        row.time_ns,
        row.symbol or "",
    )


def balance_values(account: str, balance: Balance) -> Values:
    """A balance as a row."""
    return {
        "account": account,
        "currency": balance.currency,
        "free": balance.free,
        "locked": balance.locked,
    }


def balance_of(row: Row[Any]) -> Balance:
    """A row as a balance."""
    return Balance(row.currency, row.free, row.locked)


def position_values(account: str, position: Position) -> Values:
    """A position as a row."""
    return {
        "account": account,
        "symbol": position.symbol,
        "quantity": position.quantity,
        "cost": position.cost,
        "realised": position.realised,
        "funding": position.funding,
    }


def position_of(row: Row[Any]) -> Position:
    """A row as a position."""
    return Position(row.symbol, row.quantity, row.cost, row.realised, row.funding)
