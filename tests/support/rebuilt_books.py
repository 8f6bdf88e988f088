"""I5 for the portfolio: its read models are what the exchange's event log makes, booked anew from nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from decimal import Decimal
from typing import Any

from trademesh.exchange.v1 import order_events_pb2

from services.kernel.decimals import EXACT
from services.portfolio.convert import fill_from_proto, transfer_from_proto
from services.portfolio.domain.lots import LotMethod
from services.portfolio.ports import JournalLine
from services.portfolio.rebuild import ReadModels, rebuild
from tests.support.account_books import ACCOUNT, Books


def check_rebuilt(books: Books, exchange_log: Iterable[Any]) -> None:
    """Holds the live books, read through their doors, beside those made of the whole event log.

    Args:
        books: of the account, at rest, without corrections by hand that have not been taken back.
        exchange_log: every event of the exchange.
    """
    models = asyncio.run(rebuild(_journal(exchange_log)))
    assert _sums(models) == {
        (row.ledger_account, row.asset): row.amount for row in books.trial_balance.rows if row.amount != "0"
    }
    assert _positions(models) == {
        position.instrument: (
            Decimal(position.quantity),
            Decimal(position.cost),
            Decimal(position.realized_pnl),
            position.fill_count,
        )
        for position in books.positions
    }
    for (account, strategy, venue, instrument), position in models.positions.items():
        if strategy == "*" and position.contract is None:
            place = (account, venue, instrument)
            lots = [lot for lot in models.lots.values() if (lot.account, lot.venue, lot.instrument) == place]
            assert sum(lot.signed for lot in lots) == position.quantity


async def _journal(exchange_log: Iterable[Any]) -> AsyncIterator[JournalLine]:
    recorded, moved = order_events_pb2.FillRecorded(), order_events_pb2.TransferRecorded()
    for event in exchange_log:
        if event.payload.Unpack(recorded):
            yield JournalLine(event.event_id, fill_from_proto(recorded.fill), LotMethod.FIFO)
        elif event.payload.Unpack(moved):
            yield JournalLine(event.event_id, transfer_from_proto(moved.transfer), None)


def _account() -> str:
    return ACCOUNT.removeprefix("accounts/")


def _sums(models: ReadModels) -> Mapping[tuple[str, str], str]:
    totals: dict[tuple[str, str], Decimal] = {}
    for (account, _, ledger_account, asset), amount in models.sums.items():
        if account == _account():
            key = (ledger_account, asset)
            totals[key] = EXACT.add(totals.get(key, Decimal(0)), amount)
    return {key: f"{amount.normalize(EXACT):f}" for key, amount in totals.items() if amount != 0}


def _positions(models: ReadModels) -> Mapping[str, tuple[Decimal, Decimal, Decimal, int]]:
    return {
        f"venues/{venue}/instruments/{instrument}": (
            position.quantity,
            position.cost,
            position.realized_pnl,
            position.fill_count,
        )
        for (account, strategy, venue, instrument), position in models.positions.items()
        if account == _account() and strategy == "*"
    }
