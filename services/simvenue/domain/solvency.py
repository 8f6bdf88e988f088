"""What an account is worth against what its perpetuals must be covered by: cross margin, one currency.

The formulas are those of Binance's "Liquidation Protocols" for cross margin: the margin balance is the
wallet plus the profit not realised; the maintenance margin is the notional at the mark price times a rate;
liquidation comes where the first is no more than the second.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from services.kernel.decimals import EXACT
from services.simvenue.domain.account import Account
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market
from services.simvenue.domain.positions import Position

_ZERO: Final = Decimal(0)
_PLACES: Final = Decimal("1e-8")
_ROUNDING: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Solvency:
    """An account's margin in one currency.

    Attributes:
        wallet: what it has, free and locked.
        profit: what its positions would realise at their marks.
        maintenance: what they must be covered by.
    """

    wallet: Decimal
    profit: Decimal = _ZERO
    maintenance: Decimal = _ZERO

    @property
    def equity(self) -> Decimal:
        """Wallet and profit not realised: Binance's margin balance."""
        return EXACT.add(self.wallet, self.profit)

    @property
    def broken(self) -> bool:
        """Whether the account is liquidated."""
        return self.maintenance > 0 and self.equity <= self.maintenance

    def with_position(self, position: Position, instrument: Instrument, mark: Decimal) -> "Solvency":
        """The same with one more position."""
        return Solvency(
            self.wallet,
            EXACT.add(self.profit, position.profit_at(mark)),
            EXACT.add(self.maintenance, maintenance_of(position, instrument, mark)),
        )


def maintenance_of(position: Position, instrument: Instrument, mark: Decimal) -> Decimal:
    """What a position must be covered by at a mark price, in quote currency."""
    rate = instrument.perpetual.maintenance_rate if instrument.perpetual else _ZERO
    return EXACT.multiply(EXACT.multiply(position.quantity.copy_abs(), mark), rate)


def solvency_of(account: Account, currency: str, markets: Mapping[str, Market]) -> Solvency | None:
    """An account's margin in a currency now; None where a market has no price yet."""
    found = Solvency(account.total(currency))
    for position, market in open_positions(account, currency, markets):
        mark = mark_of(market)
        if mark is None:
            return None
        found = found.with_position(position, market.instrument, mark)
    return found


def liquidation_price(account: Account, position: Position, markets: Mapping[str, Market]) -> Decimal | None:
    """The mark price at which a position alone would break its account, rounded to eight places.

    All other marks stay where they are. None where no price above zero does it, or a mark is missing.
    """
    instrument = markets[position.symbol].instrument
    others = Solvency(account.total(instrument.quote))
    for other, market in open_positions(account, instrument.quote, markets):
        mark = mark_of(market)
        if mark is None:
            return None
        if other.symbol != position.symbol:
            others = others.with_position(other, market.instrument, mark)
    rate = maintenance_of(Position("", position.quantity), instrument, Decimal(1))
    # wallet + others' profit + quantity * price - cost = others' maintenance + |quantity| * price * rate
    owed = EXACT.add(EXACT.subtract(position.cost, others.equity), others.maintenance)
    price = _ROUNDING.divide(owed, EXACT.subtract(position.quantity, rate))
    return None if price <= 0 else _ROUNDING.quantize(price, _PLACES)


def mark_of(market: Market) -> Decimal | None:
    """The mark price: that of the last trade; None before the first."""
    return None if market.last_price is None else market.instrument.price(market.last_price)


def open_positions(
    account: Account, currency: str, markets: Mapping[str, Market]
) -> Iterator[tuple[Position, Market]]:
    """Positions that are open and settle in a currency, with their markets, by symbol."""
    for symbol in sorted(account.positions):
        position, market = account.positions[symbol], markets[symbol]
        if position.quantity and market.instrument.quote == currency:
            yield position, market
