"""What an account holds and what its pending orders may still do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName
from services.risk.domain.order import ONE, Assets, OrderTerms, Side

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for one order until it is final.

    Attributes:
        order_id: the order.
        account: id of the account.
        instrument: what is traded.
        side: buy or sell.
        remaining: quantity not filled yet, in base asset.
        asset: the asset set aside: quote for a buy, base for a sell.
        per_unit: how much of it for one unit of base asset.
    """

    order_id: str
    account: str
    instrument: InstrumentName
    side: Side
    remaining: Decimal
    asset: str
    per_unit: Decimal

    @property
    def quantity(self) -> Decimal:
        """How much of the asset is set aside now."""
        return EXACT.multiply(self.remaining, self.per_unit)

    def filled(self, quantity: Decimal) -> "Reservation":
        """What stays set aside after a fill."""
        return replace(self, remaining=max(ZERO, EXACT.subtract(self.remaining, quantity)))


def reserve(
    order_id: str, order: OrderTerms, assets: Assets, *, price: Decimal, fee_rate: Decimal
) -> Reservation:
    """What an order sets aside: a buy its worst price and fee, a sell the quantity itself."""
    buy = order.side is Side.BUY
    return Reservation(
        order_id=order_id,
        account=order.account,
        instrument=order.instrument,
        side=order.side,
        remaining=order.quantity,
        asset=assets.quote if buy else assets.base,
        per_unit=EXACT.multiply(price, EXACT.add(ONE, fee_rate)) if buy else ONE,
    )


@dataclass(frozen=True, slots=True)
class AccountState:
    """What risk knows of an account at one moment.

    Attributes:
        holdings: quantity by asset, by all fills and transfers seen.
        positions: quantity by instrument, by all fills seen.
        reservations: those of orders that are not final.
    """

    holdings: Mapping[str, Decimal]
    positions: Mapping[InstrumentName, Decimal]
    reservations: tuple[Reservation, ...]

    def free(self, asset: str) -> Decimal:
        """What no order has set aside."""
        return EXACT.subtract(self.holdings.get(asset, ZERO), self.reserved(asset))

    def reserved(self, asset: str) -> Decimal:
        """What orders have set aside."""
        return _sum(each.quantity for each in self.reservations if each.asset == asset)

    def pending(self, instrument: InstrumentName, side: Side) -> Decimal:
        """Quantity of the orders of one side that may still be filled."""
        return _sum(
            each.remaining
            for each in self.reservations
            if each.instrument == instrument and each.side is side
        )

    def instruments(self) -> set[InstrumentName]:
        """Instruments with a position or a pending order."""
        held = {name for name, quantity in self.positions.items() if quantity != ZERO}
        return held | {each.instrument for each in self.reservations}

    def greatest_position(self, instrument: InstrumentName, extra: OrderTerms | None = None) -> Decimal:
        """The largest absolute position that could come about if one side's pending orders all filled."""
        position = self.positions.get(instrument, ZERO)
        long = EXACT.add(position, self.pending(instrument, Side.BUY))
        short = EXACT.subtract(position, self.pending(instrument, Side.SELL))
        if extra is not None and extra.instrument == instrument:
            if extra.side is Side.BUY:
                long = EXACT.add(long, extra.quantity)
            else:
                short = EXACT.subtract(short, extra.quantity)
        return max(long.copy_abs(), short.copy_abs())


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
