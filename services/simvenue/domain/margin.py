"""What orders of perpetuals need to be covered by. They hold nothing; each new one is held against all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.kernel.decimals import EXACT
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.orders import Order, held_price
from services.simvenue.domain.positions import Position
from services.simvenue.domain.terms import Side

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order that is asked for: side, contracts, the price it is margined at, whether it opens."""

    instrument: Instrument
    side: Side
    quantity: Decimal
    price: Decimal
    opens: bool = True


def margin_of(
    orders: Iterable[Order],
    wanted: Wanted,
    positions: Mapping[str, Position],
    instruments: Mapping[str, Instrument],
) -> Decimal:
    """Margin that open orders of perpetuals and one more would need where all of them filled.

    What would only close a position needs none. It is given to the oldest orders first.
    """
    closable: dict[tuple[str, Side], Decimal] = {}
    for position in positions.values():
        side = Side.SELL if position.quantity > 0 else Side.BUY
        closable[position.symbol, side] = position.quantity.copy_abs()
    total = _ZERO
    for each in [*_open(orders, instruments), wanted]:
        key = each.instrument.symbol, each.side
        closing = min(each.quantity, closable.get(key, _ZERO))
        closable[key] = EXACT.subtract(closable.get(key, _ZERO), closing)
        if not each.opens:
            continue
        opening = EXACT.multiply(EXACT.subtract(each.quantity, closing), each.price)
        rate = each.instrument.perpetual.margin_rate if each.instrument.perpetual else _ZERO
        total = EXACT.add(total, EXACT.multiply(opening, rate))
    return total


def _open(orders: Iterable[Order], instruments: Mapping[str, Instrument]) -> Iterable[Wanted]:
    for order in orders:
        instrument, price = instruments[order.request.symbol], held_price(order.request.terms)
        if instrument.perpetual is not None and price is not None:
            left = EXACT.subtract(order.request.quantity, order.filled)
            yield Wanted(instrument, order.request.side, left, price, not order.request.reduce_only)
