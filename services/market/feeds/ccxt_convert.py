"""ccxt's structures of market data as values of our domain.

Numbers come as decimals or text (``ccxt_exchange``); nothing here ever was a float.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from services.kernel.names import InstrumentName
from services.market.domain.book import Level
from services.market.domain.candles import Candle, Interval
from services.market.domain.instrument import Instrument, InstrumentState
from services.market.domain.trades import Side, Trade
from services.market.feeds.ccxt_exchange import Row

Raw = Mapping[str, Any]

_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
_ID: Final = re.compile(r"([a-z0-9]+)-([a-z0-9]+)(-perp)?")
_MAX_QUANTITY: Final = Decimal("1E+15")
"""In place of a largest quantity that the venue does not name."""


def symbols_of(instrument: str) -> tuple[str, ...]:
    """Ccxt's unified symbols that an instrument id may stand for.

    Raises:
        ValueError: it is no id of a spot pair or a perpetual.
    """
    match = _ID.fullmatch(instrument)
    if match is None:
        raise ValueError(f"not the id of a spot pair or a perpetual: {instrument!r}")
    base, quote = match[1].upper(), match[2].upper()
    if match[3] is None:
        return (f"{base}/{quote}",)
    return (f"{base}/{quote}:{quote}", f"{base}/{quote}:{base}")


def instrument(name: InstrumentName, market: Raw) -> Instrument:
    """An instrument with its rules.

    Raises:
        ValueError: the venue names no step of price or quantity.
    """
    limits, precision = market["limits"], market["precision"]
    if not precision.get("price") or not precision.get("amount"):
        raise ValueError(f"{market['symbol']} has no step of price or quantity")
    lot = number(precision["amount"])
    return Instrument(
        name=name,
        venue_symbol=str(market["id"]),
        base_asset=str(market["base"]).lower(),
        quote_asset=str(market["quote"]).lower(),
        tick_size=number(precision["price"]),
        lot_size=lot,
        min_quantity=max(number(limits["amount"].get("min") or 0), lot),
        max_quantity=number(limits["amount"].get("max") or 0) or _MAX_QUANTITY,
        min_notional=number(limits["cost"].get("min") or 0),
        state=InstrumentState.HALTED if market.get("active") is False else InstrumentState.TRADING,
    )


def levels(rows: Iterable[Row], *, descending: bool) -> tuple[Level, ...]:
    """Levels, best first."""
    return tuple(Level(price, quantity) for price, quantity in sorted(rows, reverse=descending))


def trade(name: InstrumentName, told: Raw, received: datetime) -> Trade:
    """A public trade.

    Raises:
        KeyError: it has no side.
        ValueError: an amount is none.
    """
    return Trade(
        instrument=name,
        venue_trade_id=str(told["id"]),
        price=number(told["price"]),
        quantity=number(told["amount"]),
        aggressor_side=_SIDES[told["side"]],
        exchange_time=moment(told["timestamp"]),
        receive_time=received,
    )


def binance_candle(name: InstrumentName, interval: Interval, row: Sequence[Any]) -> Candle:
    """A row of Binance's ``klines``: open time, OHLC, volume, close time, quote volume, count."""
    prices = [number(each) for each in row[1:5]]
    return Candle(
        instrument=name,
        interval=interval,
        open_time=moment(row[0]),
        open_price=prices[0],
        high_price=prices[1],
        low_price=prices[2],
        close_price=prices[3],
        base_volume=number(row[5]),
        quote_volume=number(row[7]),
        trade_count=int(row[8]),
        closed=True,
    )


def number(value: Any) -> Decimal:
    """An amount, from text or a decimal only.

    Raises:
        ValueError: it is no finite number, or it was a float on its way here.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"an amount must come as text, not as {type(value).__name__}")  # noqa: TRY004
    try:
        amount = Decimal(value)
    except ArithmeticError:
        raise ValueError("not an amount") from None
    if not amount.is_finite():
        raise ValueError(f"not a finite amount: {amount}")
    return amount


def moment(time_ms: Any) -> datetime:
    """Milliseconds since the epoch as UTC."""
    return datetime.fromtimestamp(int(time_ms) // 1000, UTC).replace(microsecond=int(time_ms) % 1000 * 1000)
