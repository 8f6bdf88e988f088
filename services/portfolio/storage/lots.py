"""Tax lots and gains as rows."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.decimals import EXACT
from services.portfolio.domain.events import Fill, Side
from services.portfolio.domain.lots import Gain, Lot, LotMethod, Matched
from services.portfolio.ports import BookedGain, GainQuery, LotQuery
from services.portfolio.storage.rows import in_order
from services.portfolio.storage.statements import ADD_GAINS, ADD_LOT, CHANGE_LOT, open_lots
from services.portfolio.storage.tables import REALIZED_GAINS, TAX_LOTS

_PAGE = 100
_EXPONENT_ZERO = 5000
_SHARED = ("account", "venue", "instrument", "base_asset", "quote_asset", "fill", "strategy")
_AMOUNTS = ("quantity", "remaining", "price", "open_time")


def price_key(price: Decimal) -> str:
    """A price above zero as text that sorts as the number does: exponent, then digits."""
    normal = EXACT.normalize(price)
    digits = "".join(str(digit) for digit in normal.as_tuple().digits)
    return f"{normal.adjusted() + _EXPONENT_ZERO:05d}{digits}"


async def load_open(connection: AsyncConnection, fill: Fill, method: LotMethod) -> Sequence[Lot]:
    """Open lots in the order of the method, as many as the fill's quantity can close."""
    query = open_lots(method, fill.side)
    asked = {"account": fill.account, "venue": fill.venue, "instrument": fill.instrument, "page": _PAGE}
    found: list[Lot] = []
    enough = Decimal(0)
    while True:
        rows = await connection.execute(query, {**asked, "passed": len(found)})
        page = [lot_of(row) for row in rows.mappings()]
        found += page
        enough = sum((lot.remaining for lot in page), enough)
        if len(page) < _PAGE or enough >= fill.quantity:
            return found


async def store(connection: AsyncConnection, matched: Matched) -> None:
    """Write what a fill did to the lots."""
    if matched.gains:
        await connection.execute(ADD_GAINS, [_gain_row(gain) for gain in matched.gains])
        changed = [
            {"lot_number": lot.number, "remaining": lot.remaining, "live": lot.remaining > 0}
            for lot in matched.changed
        ]
        await connection.execute(CHANGE_LOT, changed)
    if matched.opened is not None:
        await connection.execute(ADD_LOT, _lot_row(matched.opened))


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


def _lot_row(lot: Lot) -> dict[str, Any]:
    return {
        **{name: getattr(lot, name) for name in (*_SHARED, *_AMOUNTS)},
        "side": lot.side.name.lower(),
        "price_key": price_key(lot.price),
        "live": lot.remaining > 0,
    }


def _gain_row(gain: Gain) -> dict[str, Any]:
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
