"""Events as rows of the journal, and back."""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.portfolio.domain.events import (
    Contract,
    Correction,
    Event,
    Fill,
    Reversal,
    Side,
    Transfer,
    TransferKind,
)
from services.portfolio.domain.ledger import TransactionKind
from services.portfolio.domain.lots import LotMethod
from services.portfolio.ports import JournalLine
from services.portfolio.storage.tables import JOURNAL

Row = dict[str, Any]
_PAGE = 500
_SHARED = "*"
"""In place of a strategy, which has another name: a payment that the strategies share."""
_EMPTY: Row = {
    "strategy": "",
    "venue": "",
    "instrument": "",
    "asset": "",
    "amount": None,
    "transfer_kind": "",
    "base_asset": "",
    "quote_asset": "",
    "side": "",
    "price": None,
    "quantity": None,
    "fee": None,
    "fee_asset": "",
    "contract_size": None,
    "settle_asset": "",
    "inverse": False,
    "reverses": None,
}


def event_columns(event: Event) -> Row:
    """The columns of the journal that hold an event."""
    match event:
        case Fill():
            return _EMPTY | _fill_columns(event)
        case Transfer():
            return _EMPTY | {
                "venue": event.venue,
                "instrument": event.instrument,
                "asset": event.asset,
                "amount": event.amount,
                "transfer_kind": event.kind.value,
                "strategy": _SHARED if event.shared else "",
            }
        case Correction():
            return _EMPTY | {"venue": event.venue, "asset": event.asset, "amount": event.amount}
        case Reversal():
            return _EMPTY | {"reverses": event.transaction_id}


def contract_columns(contract: Contract | None) -> Row:
    """The columns that hold what one unit stands for."""
    if contract is None:
        return {"contract_size": None, "settle_asset": "", "inverse": False}
    return {
        "contract_size": contract.size,
        "settle_asset": contract.settle_asset,
        "inverse": contract.inverse,
    }


def contract_of(row: Mapping[Any, Any]) -> Contract | None:
    """What one unit stands for; None for spot."""
    size: Decimal | None = row["contract_size"]
    return None if size is None else Contract(size, row["settle_asset"], row["inverse"])


async def read_journal(connection: AsyncConnection) -> AsyncIterator[JournalLine]:
    """Every row of the journal of all accounts, in the order of booking."""
    last = 0
    while True:
        query = select(JOURNAL).where(JOURNAL.c.number > last).order_by(JOURNAL.c.number).limit(_PAGE)
        rows = (await connection.execute(query)).mappings().all()
        for row in rows:
            method = LotMethod(row["lot_method"]) if row["lot_method"] else None
            yield JournalLine(row["transaction_id"], _event(row), method)
        if len(rows) < _PAGE:
            return
        last = rows[-1]["number"]


def _fill_columns(fill: Fill) -> Row:
    names = ("strategy", "venue", "instrument", "base_asset", "quote_asset")
    amounts = ("price", "quantity", "fee", "fee_asset")
    return {
        **{name: getattr(fill, name) for name in (*names, *amounts)},
        "side": fill.side.name.lower(),
        **contract_columns(fill.contract),
    }


def _event(row: Mapping[Any, Any]) -> Event:
    kind = TransactionKind(row["kind"])
    if kind is TransactionKind.FILL:
        return _fill(row)
    if kind is TransactionKind.REVERSAL:
        return Reversal(row["source"], row["account"], row["reverses"], row["exchange_time"], row["reason"])
    if kind is TransactionKind.CORRECTION and not row["transfer_kind"]:
        return Correction(
            row["source"],
            row["account"],
            row["venue"],
            row["asset"],
            row["amount"],
            row["exchange_time"],
            row["reason"],
        )
    return Transfer(
        name=row["source"],
        account=row["account"],
        venue=row["venue"],
        asset=row["asset"],
        amount=row["amount"],
        exchange_time=row["exchange_time"],
        kind=TransferKind(row["transfer_kind"]),
        instrument=row["instrument"],
        shared=row["strategy"] == _SHARED,
    )


def _fill(row: Mapping[Any, Any]) -> Fill:
    names = ("account", "venue", "instrument", "base_asset", "quote_asset", "strategy")
    amounts = ("price", "quantity", "fee", "fee_asset", "exchange_time")
    return Fill(
        name=row["source"],
        side=Side[row["side"].upper()],
        contract=contract_of(row),
        **{name: row[name] for name in (*names, *amounts)},
    )
