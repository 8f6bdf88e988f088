"""The live read models of all accounts, to be compared with those that the journal makes."""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.portfolio.domain.lots import Gain, LotMethod
from services.portfolio.rebuild import ReadModels, gains_by_fills, position_key
from services.portfolio.storage.lots import lot_of
from services.portfolio.storage.rows import position_of
from services.portfolio.storage.tables import (
    LEDGER_ENTRIES,
    LEDGER_SUMS,
    POSITIONS,
    REALIZED_GAINS,
    STRATEGY_POSITIONS,
    TAX_LOTS,
)


async def read_models(connection: AsyncConnection) -> ReadModels:
    """The live read models. Reads whole tables."""
    entries = (await connection.execute(select(LEDGER_ENTRIES))).mappings().all()
    sums = (await connection.execute(select(LEDGER_SUMS))).mappings().all()
    own = (await connection.execute(select(POSITIONS))).mappings().all()
    by_strategy = (await connection.execute(select(STRATEGY_POSITIONS))).mappings().all()
    lots = {row["number"]: lot_of(row) for row in (await connection.execute(select(TAX_LOTS))).mappings()}
    gains = [
        Gain(
            lot=lots[row["lot"]],
            fill=row["fill"],
            strategy=row["strategy"],
            method=LotMethod(row["method"]),
            quantity=row["quantity"],
            price=row["price"],
            close_time=row["close_time"],
        )
        for row in (await connection.execute(select(REALIZED_GAINS))).mappings()
    ]
    positions = [
        *((position_of(row), None) for row in own),
        *((position_of(row), row["strategy"]) for row in by_strategy),
    ]
    return ReadModels(
        entries={
            (row["transaction_id"], str(row["line"])): (row["ledger_account"], row["asset"], row["amount"])
            for row in entries
        },
        sums={
            (row["account"], row["strategy"], row["ledger_account"], row["asset"]): row["amount"]
            for row in sums
            if row["amount"] != 0
        },
        positions={position_key(position, strategy): position for position, strategy in positions},
        lots={(lot.fill,): replace(lot, number=0) for lot in lots.values()},
        gains=gains_by_fills(gains),
    )
