"""Between table rows and the domain's values."""

from typing import Any
from uuid import UUID

from services.chassis.persistence import Row
from services.exchange.domain.assets import Assets, Contract, Side
from services.exchange.domain.fills import Fill, Liquidity, Transfer
from services.exchange.domain.links import Contingency, Links
from services.exchange.domain.order import Handling, Order
from services.exchange.domain.states import OrderState
from services.exchange.storage.term_rows import status_of, status_row, terms_of, terms_row


def order_row(order: Order) -> dict[str, Any]:
    """The row of an order."""
    return {
        "order_id": str(order.order_id),
        "account": order.account,
        "venue": order.venue,
        "instrument": order.instrument,
        "base_asset": order.assets.base,
        "quote_asset": order.assets.quote,
        "side": order.side.value,
        "strategy": order.strategy,
        "client_order_id": order.client_order_id,
        "correlation_id": order.correlation_id,
        "create_time": order.create_time,
        "quote_quantity": order.quote_quantity,
        "reduce_only": order.reduce_only,
        **progress_row(order),
        **terms_row(order.terms),
        **status_row(order.trigger),
        **_links_row(order.links),
        **_contract_row(order.contract),
    }


def progress_row(order: Order) -> dict[str, Any]:
    """What can change of an order that has neither a trigger nor to do with other orders."""
    return {
        "quantity": order.quantity,
        "state": order.state.value,
        "live": not order.final,
        "filled_quantity": order.filled_quantity,
        "filled_notional": order.filled_notional,
        "reason": order.reason,
        "reason_message": order.reason_message,
        "venue_order_id": order.venue_order_id,
        "version": order.version,
        "update_time": order.update_time,
        "submit_time": order.submit_time,
        "handling": order.handling.value,
        "unprotected": order.unprotected,
        "base_fees": order.base_fees,
    }


def order_of(row: Row) -> Order:
    """The order of a row."""
    return Order(
        order_id=UUID(row["order_id"]),
        account=row["account"],
        venue=row["venue"],
        instrument=row["instrument"],
        assets=Assets(row["base_asset"], row["quote_asset"]),
        side=Side(row["side"]),
        quantity=row["quantity"],
        terms=terms_of(row),
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
        quote_quantity=row["quote_quantity"],
        reduce_only=row["reduce_only"],
        handling=Handling(row["handling"]),
        trigger=status_of(row),
        links=_links_of(row),
        unprotected=row["unprotected"],
        base_fees=row["base_fees"],
        contract=_contract_of(row),
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
        **_contract_row(fill.contract),
    }


def fill_of(row: Row) -> Fill:
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
        contract=_contract_of(row),
    )


def transfer_row(transfer: Transfer) -> dict[str, Any]:
    """The row of a transfer."""
    return {
        "venue": transfer.venue,
        "account": transfer.account,
        "venue_transfer_id": transfer.venue_transfer_id,
        "asset": transfer.asset,
        "amount": transfer.amount,
        "exchange_time": transfer.exchange_time,
        "receive_time": transfer.receive_time,
        "kind": transfer.kind.value,
        "instrument": transfer.instrument,
    }


def _links_row(links: Links) -> dict[str, Any]:
    return {
        "order_list": _text(links.order_list),
        "contingency": links.contingency.value,
        "parent_order": _text(links.parent),
        "linked_order": _text(links.linked),
        "replaces": _text(links.replaces),
        "replaced_by": _text(links.replaced_by),
        "group_id": _text(links.group),
        "total_quantity": links.total,
    }


def _links_of(row: Row) -> Links:
    return Links(
        order_list=_id(row["order_list"]),
        contingency=Contingency(row["contingency"]),
        parent=_id(row["parent_order"]),
        linked=_id(row["linked_order"]),
        replaces=_id(row["replaces"]),
        replaced_by=_id(row["replaced_by"]),
        group=_id(row["group_id"]),
        total=row["total_quantity"],
    )


def _contract_row(contract: Contract | None) -> dict[str, Any]:
    return {
        "contract_size": None if contract is None else contract.size,
        "settle_asset": None if contract is None else contract.settle_asset,
        "inverse": contract is not None and contract.inverse,
    }


def _contract_of(row: Row) -> Contract | None:
    if row["contract_size"] is None:
        return None
    return Contract(row["contract_size"], row["settle_asset"], row["inverse"])


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
