"""What risk knows, in the database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from services.chassis.persistence import (
    Connection,
    Database,
    add_exactly,
    find_row,
    insert_if_absent,
    put_row,
)
from services.kernel.names import InstrumentName
from services.risk.domain.account import AccountState, Reservation
from services.risk.domain.limits import Limits, TradingMode, TradingState
from services.risk.domain.order import Side
from services.risk.ports import StoredDecision
from services.risk.storage.decisions import decision_from, decision_row
from services.risk.storage.tables import (
    DECISIONS,
    ENDED_ORDERS,
    HOLDINGS,
    LIMITS,
    POSITIONS,
    RESERVATIONS,
    TRADING,
)


class SqlRiskReader:
    """What risk knows, as one connection sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def limits(self, account: str) -> Limits | None:
        """Limits of an account."""
        row = await find_row(self._connection, sa.select(LIMITS).where(LIMITS.c.account == account))
        return None if row is None else Limits(**_without(row, "account"))

    async def trading(self, account: str) -> TradingState | None:
        """Mode of an account."""
        row = await find_row(self._connection, sa.select(TRADING).where(TRADING.c.account == account))
        if row is None:
            return None
        return TradingState(TradingMode(row["mode"]), row["reason"], row["update_time"])

    async def state(self, account: str) -> AccountState:
        """Holdings, positions and reservations of an account."""
        holdings = await self._connection.execute(
            sa.select(HOLDINGS.c.asset, HOLDINGS.c.quantity).where(HOLDINGS.c.account == account)
        )
        positions = await self._connection.execute(
            sa.select(POSITIONS.c.instrument, POSITIONS.c.quantity).where(POSITIONS.c.account == account)
        )
        reservations = await self._connection.execute(
            sa.select(RESERVATIONS).where(RESERVATIONS.c.account == account)
        )
        return AccountState(
            holdings={row.asset: row.quantity for row in holdings},
            positions={InstrumentName.parse(row.instrument): row.quantity for row in positions},
            reservations=tuple(_reservation(row) for row in reservations.mappings()),
        )

    async def decision(self, order_id: str) -> StoredDecision | None:
        """The decision on an order."""
        row = await find_row(self._connection, sa.select(DECISIONS).where(DECISIONS.c.order_id == order_id))
        return None if row is None else decision_from(row)

    async def reservation(self, order_id: str) -> Reservation | None:
        """What is set aside for an order."""
        row = await find_row(
            self._connection, sa.select(RESERVATIONS).where(RESERVATIONS.c.order_id == order_id)
        )
        return None if row is None else _reservation(row)


class SqlRiskWriter(SqlRiskReader):
    """What risk knows, inside one write transaction; whoever opened it commits it."""

    async def put_limits(self, account: str, limits: Limits) -> None:
        """Store the limits of an account."""
        await put_row(self._connection, LIMITS, {"account": account}, asdict(limits))

    async def put_trading(self, account: str, trading: TradingState) -> None:
        """Store the mode of an account."""
        await put_row(
            self._connection, TRADING, {"account": account}, {**asdict(trading), "mode": trading.mode.value}
        )

    async def put_decision(self, order_id: str, stored: StoredDecision) -> None:
        """Store a decision, with its reservation."""
        await self._connection.execute(sa.insert(DECISIONS).values(decision_row(order_id, stored)))
        if stored.decision.reservation is not None:
            await self.put_reservation(stored.decision.reservation)

    async def put_reservation(self, reservation: Reservation) -> None:
        """Store what is set aside for an order."""
        await put_row(
            self._connection,
            RESERVATIONS,
            {"order_id": reservation.order_id},
            {
                "account": reservation.account,
                "instrument": str(reservation.instrument),
                "side": reservation.side.name,
                "remaining": reservation.remaining,
                "asset": reservation.asset,
                "per_unit": reservation.per_unit,
            },
        )

    async def end(self, order_id: str) -> None:
        """Set nothing aside for an order any more, nor later."""
        await self._connection.execute(sa.delete(RESERVATIONS).where(RESERVATIONS.c.order_id == order_id))
        if await self.decision(order_id) is None:
            await insert_if_absent(self._connection, ENDED_ORDERS, {"order_id": order_id})

    async def has_ended(self, order_id: str) -> bool:
        """Whether an order ended before it was decided on."""
        row = await find_row(
            self._connection, sa.select(ENDED_ORDERS).where(ENDED_ORDERS.c.order_id == order_id)
        )
        return row is not None

    async def add_holding(self, account: str, asset: str, change: Decimal) -> None:
        """Change what an account holds of an asset."""
        key = {"account": account, "asset": asset}
        await add_exactly(self._connection, HOLDINGS, key, "quantity", change)

    async def add_position(self, account: str, instrument: InstrumentName, change: Decimal) -> None:
        """Change what an account has traded of an instrument."""
        key = {"account": account, "instrument": str(instrument)}
        await add_exactly(self._connection, POSITIONS, key, "quantity", change)

    async def open_account(self, account: str, limits: Limits, trading: TradingState) -> None:
        """Store the first limits and mode of an account; those it has already stay."""
        await insert_if_absent(self._connection, LIMITS, {"account": account, **asdict(limits)})
        await insert_if_absent(
            self._connection,
            TRADING,
            {"account": account, **asdict(trading), "mode": trading.mode.value},
        )


class SqlRiskStore:
    """What risk knows, in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlRiskReader]:
        """Open a snapshot."""
        async with self._database.read() as connection:
            yield SqlRiskReader(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlRiskWriter]:
        """Open a write transaction."""
        async with self._database.write() as connection:
            yield SqlRiskWriter(connection)


def _reservation(row: Mapping[Any, Any]) -> Reservation:
    return Reservation(
        order_id=row["order_id"],
        account=row["account"],
        instrument=InstrumentName.parse(row["instrument"]),
        side=Side[row["side"]],
        remaining=row["remaining"],
        asset=row["asset"],
        per_unit=row["per_unit"],
    )


def _without(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}
