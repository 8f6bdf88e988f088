"""Decisions as rows."""

from collections.abc import Mapping
from typing import Any

from services.kernel.names import InstrumentName
from services.risk.domain.checks import Check, CheckKind
from services.risk.domain.order import OrderTerms, Side
from services.risk.domain.reservation import Reservation
from services.risk.domain.traded import Traded
from services.risk.ports import Decision, StoredDecision
from services.risk.storage.rows import contract_from, contract_text

_NAMES = {kind: kind.name for kind in CheckKind}


def decision_row(stored: StoredDecision) -> dict[str, Any]:
    """A decision as a row of ``decisions``."""
    order, decision = stored.order, stored.decision
    reserved = decision.reservation
    return {
        "order_id": stored.order_id,
        "account": order.account,
        "instrument": str(order.instrument),
        "side": order.side.name,
        "quantity": order.quantity,
        "limit_price": order.limit_price,
        "approved": decision.approved,
        "checks": [
            [_NAMES[kind], passed, observed, allowed, message]
            for kind, passed, observed, allowed, message in decision.checks
        ],
        "reserved_asset": None if reserved is None else reserved.asset,
        "reserved_per_unit": None if reserved is None else reserved.per_unit,
        "limits_version": decision.limits_version,
        "decide_time": decision.decide_time,
        "correlation_id": stored.correlation_id,
        "trigger_price": order.trigger_price,
        "reduce_only": order.reduce_only,
        "order_group": order.group,
        "strategy": order.strategy,
        "contract": contract_text(order.contract),
        "base_asset": "" if reserved is None else reserved.traded.base,
        "quote_asset": "" if reserved is None else reserved.traded.quote,
        "inputs": dict(decision.inputs),
    }


def decision_from(row: Mapping[str, Any]) -> StoredDecision:
    """A row of ``decisions``, with the reservation as it was made."""
    order = OrderTerms(
        account=row["account"],
        instrument=InstrumentName.parse(row["instrument"]),
        side=Side[row["side"]],
        quantity=row["quantity"],
        limit_price=row["limit_price"],
        trigger_price=row["trigger_price"],
        reduce_only=row["reduce_only"],
        group=row["order_group"],
        strategy=row["strategy"],
        contract=contract_from(row["contract"]),
    )
    decision = Decision(
        checks=tuple(Check(CheckKind[kind], *rest) for kind, *rest in row["checks"]),
        reservation=_reserved(row, order),
        limits_version=row["limits_version"],
        decide_time=row["decide_time"],
        inputs=row["inputs"] or {},
    )
    return StoredDecision(row["order_id"], order, decision, row["correlation_id"])


def _reserved(row: Mapping[str, Any], order: OrderTerms) -> Reservation | None:
    if row["reserved_asset"] is None:
        return None
    return Reservation(
        order_id=row["order_id"],
        account=order.account,
        traded=Traded(order.instrument, row["base_asset"], row["quote_asset"], order.contract),
        side=order.side,
        quantity=order.quantity,
        asset=row["reserved_asset"],
        per_unit=row["reserved_per_unit"],
        group=order.group,
        stop=order.trigger_price is not None,
    )
