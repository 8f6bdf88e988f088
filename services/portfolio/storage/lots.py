"""Tax lots and gains as rows."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.decimals import EXACT
from services.portfolio.domain.events import Side
from services.portfolio.domain.lots import Gain, Lot, LotMethod
from services.portfolio.ports import BookedGain, GainQuery, LotQuery
from services.portfolio.storage.rows import in_order
from services.portfolio.storage.tables import REALIZED_GAINS, TAX_LOTS

_EXPONENT_ZERO = 5000
_SHARED = ("account", "venue", "instrument", "base_asset", "quote_asset", "fill", "strategy")
_AMOUNTS = ("quantity", "remaining", "price", "open_time")


def price_key(price: Decimal) -> str:
    """A price above zero as text that sorts as the number does: exponent, then digits."""
    normal = EXACT.normalize(price)
    digits = "".join(str(digit) for digit in normal.as_tuple().digits)
    return f"{normal.adjusted() + _EXPONENT_ZERO:05d}{digits}"


async def list_lots(connection: AsyncConnection, asked: LotQuery) -> Sequence[Lot]:
    """Lots in the order of booking."""
    columns = TAX_LOTS.c
    query = (
        select(TAX_LOTS)
        .where(columns.account == asked.account, columns.number > asked.after)
        .order_by(columns.number)
        .limit(asked.limit)
    )
    if asked.instrument is not None:
        query = query.where(
            columns.venue == asked.instrument.venue, columns.instrument == asked.instrument.instrument
        )
    if asked.live_only:
        query = query.where(columns.live == true())
    return [lot_of(row) for row in (await connection.execute(query)).mappings()]


async def list_gains(connection: AsyncConnection, asked: GainQuery) -> Sequence[BookedGain]:
    """Gains in the order of booking, or of closing where a time is given."""
    columns, lots = REALIZED_GAINS.c, TAX_LOTS.c
    query = (
        select(
            *(column.label(f"gain_{column.name}") for column in columns),
            *lots,
        )
        .join(TAX_LOTS, lots.number == columns.lot)
        .where(columns.account == asked.account)
        .limit(asked.limit)
    )
    order = (columns.close_time, columns.number) if asked.timed else (columns.number,)
    query = in_order(query, order, asked.after)
    if asked.instrument is not None:
        query = query.where(
            lots.venue == asked.instrument.venue, lots.instrument == asked.instrument.instrument
        )
    if asked.start_time is not None:
        query = query.where(columns.close_time >= asked.start_time)
    if asked.end_time is not None:
        query = query.where(columns.close_time < asked.end_time)
    return [_booked_gain(row) for row in (await connection.execute(query)).mappings()]


def lot_of(row: Mapping[Any, Any]) -> Lot:
    """The lot of a row."""
    return Lot(
        side=Side[row["side"].upper()],
        number=row["number"],
        **{name: row[name] for name in (*_SHARED, *_AMOUNTS)},
    )


def lot_row(lot: Lot) -> dict[str, Any]:
    """The row of a lot."""
    return {
        "number": lot.number,
        **{name: getattr(lot, name) for name in (*_SHARED, *_AMOUNTS)},
        "side": lot.side.name.lower(),
        "price_key": price_key(lot.price),
        "live": lot.remaining > 0,
    }


def gain_row(gain: Gain) -> dict[str, Any]:
    """The row of a gain."""
    return {
        "account": gain.lot.account,
        "lot": gain.lot.number,
        "fill": gain.fill,
        "strategy": gain.strategy,
        "method": gain.method.value,
        "quantity": gain.quantity,
        "price": gain.price,
        "close_time": gain.close_time,
    }


def _booked_gain(row: Mapping[Any, Any]) -> BookedGain:
    gain = Gain(
        lot=lot_of(row),
        fill=row["gain_fill"],
        strategy=row["gain_strategy"],
        method=LotMethod(row["gain_method"]),
        quantity=row["gain_quantity"],
        price=row["gain_price"],
        close_time=row["gain_close_time"],
    )
    return BookedGain(row["gain_number"], gain)
