"""Statements of the hot path, made once: to build one takes SQLAlchemy longer than SQLite takes to run it."""

from functools import cache
from typing import Final

from sqlalchemy import Table, bindparam, func, insert, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from services.chassis.persistence import Prepared
from services.portfolio.domain.events import Side
from services.portfolio.domain.lots import LotMethod
from services.portfolio.storage.tables import (
    ACCOUNT_SETTINGS,
    JOURNAL,
    LEDGER_ENTRIES,
    LEDGER_SUMS,
    REALIZED_GAINS,
    TAX_LOTS,
)

ADD_TO_JOURNAL: Final = Prepared(insert(JOURNAL))
ADD_ENTRIES: Final = Prepared(insert(LEDGER_ENTRIES))
ADD_LOTS: Final = Prepared(insert(TAX_LOTS))
ADD_GAINS: Final = Prepared(insert(REALIZED_GAINS))
NEWEST_LOT: Final = Prepared(select(func.max(TAX_LOTS.c.number).label("newest")))

LOT_METHOD: Final = Prepared(
    select(ACCOUNT_SETTINGS.c.lot_method).where(ACCOUNT_SETTINGS.c.account == bindparam("account"))
)

SUM_NAMES: Final = tuple(f"ledger_account_{number}" for number in range(8))
"""Parameters of :data:`SUMS`; more than one transaction of a fill touches."""

SUMS: Final = Prepared(
    select(LEDGER_SUMS.c.ledger_account, LEDGER_SUMS.c.asset, LEDGER_SUMS.c.amount).where(
        LEDGER_SUMS.c.account == bindparam("account"),
        LEDGER_SUMS.c.strategy == bindparam("strategy"),
        LEDGER_SUMS.c.ledger_account.in_([bindparam(name) for name in SUM_NAMES]),
    )
)

SUMS_BY_STRATEGY: Final = Prepared(
    select(LEDGER_SUMS.c.strategy, LEDGER_SUMS.c.amount).where(
        LEDGER_SUMS.c.account == bindparam("account"),
        LEDGER_SUMS.c.ledger_account == bindparam("ledger_account"),
    )
)

LATER_ENTRIES: Final = Prepared(
    select(LEDGER_ENTRIES.c.strategy, LEDGER_ENTRIES.c.amount).where(
        LEDGER_ENTRIES.c.account == bindparam("account"),
        LEDGER_ENTRIES.c.exchange_time > bindparam("after_time"),
        LEDGER_ENTRIES.c.ledger_account == bindparam("ledger_account"),
    )
)

CHANGE_LOT: Final = Prepared(
    update(TAX_LOTS)
    .where(TAX_LOTS.c.number == bindparam("lot_number"))
    .values(remaining=bindparam("remaining"), live=bindparam("live"))
)


@cache
def put(table: Table, dialect: str) -> Prepared:
    """Store rows in place of those with the same primary keys."""
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    key = [column.name for column in table.primary_key]
    values = {
        column.name: statement.excluded[column.name] for column in table.columns if column.name not in key
    }
    return Prepared(statement.on_conflict_do_update(index_elements=key, set_=values))


@cache
def open_lots(method: LotMethod, side: Side) -> Prepared:
    """A page of the open lots that a fill of a side may close, in the order of the method."""
    columns = TAX_LOTS.c
    query = (
        select(TAX_LOTS)
        .where(
            columns.account == bindparam("account"),
            columns.venue == bindparam("venue"),
            columns.instrument == bindparam("instrument"),
            columns.live == true(),
        )
        .limit(bindparam("page"))
        .offset(bindparam("passed"))
    )
    if method is LotMethod.LIFO:
        return Prepared(query.order_by(columns.open_time.desc(), columns.number.desc()))
    if method is LotMethod.FIFO:
        return Prepared(query.order_by(columns.open_time, columns.number))
    # A sell closes lots that were bought, dearest first; a buy closes short ones, cheapest first.
    price = columns.price_key.desc() if side is Side.SELL else columns.price_key.asc()
    return Prepared(query.order_by(price, columns.open_time, columns.number))
