"""Between table rows and the domain's values."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from services.exchange.domain.fills import Fill, Liquidity
from services.exchange.domain.order import Assets, LimitTerms, MarketTerms, Order, Side, Terms, TimeInForce
from services.exchange.domain.states import OrderState

_LIMIT = "limit"
_MARKET = "market"


def order_row(order: Order) -> dict[str, Any]:
    """The row of an order."""
    limit = order.terms if isinstance(order.terms, LimitTerms) else None
    return {
        "order_id": str(order.order_id),
        "account": order.account,
        "venue": order.venue,
        "instrument": order.instrument,
        "base_asset": order.assets.base,
        "quote_asset": order.assets.quote,
        "side": order.side.value,
        "quantity": order.quantity,
        "kind": _LIMIT if limit else _MARKET,
        "limit_price": limit.price if limit else None,
        "time_in_force": limit.time_in_force.value if limit else None,
        "post_only": limit.post_only if limit else False,
        "strategy": order.strategy,
        "state": order.state.value,
        "live": not order.final,
        "filled_quantity": order.filled_quantity,
        "filled_notional": order.filled_notional,
        "reason": order.reason,
        "reason_message": order.reason_message,
        "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id,
        "version": order.version,
        "correlation_id": order.correlation_id,
        "create_time": order.create_time,
        "update_time": order.update_time,
        "submit_time": order.submit_time,
    }


def order_of(row: RowMapping) -> Order:
    """The order of a row."""
    return Order(
        order_id=UUID(row["order_id"]),
        account=row["account"],
        venue=row["venue"],
        instrument=row["instrument"],
        assets=Assets(row["base_asset"], row["quote_asset"]),
        side=Side(row["side"]),
        quantity=row["quantity"],
        terms=_terms_of(row),
        strategy=row["strategy"],
        state=OrderState(row["state"]),
        filled_quantity=row["filled_quantity"],
        filled_notional=row["filled_notional"],
        reason=row["reason"],
        reason_message=row["reason_message"],
        client_order_id=row["client_order_id"],
        venue_order_id=row["venue_order_id"],
        version=row["version"],
        correlation_id=row["correlation_id"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        submit_time=row["submit_time"],
    )


def fill_row(fill: Fill) -> dict[str, Any]:
    """The row of a fill."""
    return {
        "fill_id": str(fill.fill_id),
        "order_id": str(fill.order_id),
        "account": fill.account,
        "venue": fill.venue,
        "instrument": fill.instrument,
        "base_asset": fill.assets.base,
        "quote_asset": fill.assets.quote,
        "side": fill.side.value,
        "price": fill.price,
        "quantity": fill.quantity,
        "fee": fill.fee,
        "fee_asset": fill.fee_asset,
        "liquidity": fill.liquidity.value,
        "venue_trade_id": fill.venue_trade_id,
        "strategy": fill.strategy,
        "exchange_time": fill.exchange_time,
        "receive_time": fill.receive_time,
        "correlation_id": fill.correlation_id,
    }


def fill_of(row: RowMapping) -> Fill:
    """The fill of a row."""
    return Fill(
        fill_id=UUID(row["fill_id"]),
        order_id=UUID(row["order_id"]),
        account=row["account"],
        venue=row["venue"],
        instrument=row["instrument"],
        assets=Assets(row["base_asset"], row["quote_asset"]),
        side=Side(row["side"]),
        price=row["price"],
        quantity=row["quantity"],
        fee=row["fee"],
        fee_asset=row["fee_asset"],
        liquidity=Liquidity(row["liquidity"]),
        venue_trade_id=row["venue_trade_id"],
        strategy=row["strategy"],
        exchange_time=row["exchange_time"],
        receive_time=row["receive_time"],
        correlation_id=row["correlation_id"],
    )


def _terms_of(row: RowMapping) -> Terms:
    if row["kind"] == _MARKET:
        return MarketTerms()
    return LimitTerms(row["limit_price"], TimeInForce(row["time_in_force"]), row["post_only"])
