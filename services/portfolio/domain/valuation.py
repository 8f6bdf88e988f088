"""What an account is worth. A missing price is listed, never taken for zero."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.portfolio.domain.position import Position

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account holds of one asset.

    Attributes:
        asset: the asset.
        quantity: how much.
        price: of one, in the valuation asset; None where there is none now.
        value: quantity times price; None where there is no price.
    """

    asset: str
    quantity: Decimal
    price: Decimal | None
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Valuation:
    """Worth of an account in one asset. Sums that miss a price are None.

    Attributes:
        asset: the valuation asset.
        holdings: by asset.
        equity: worth of all holdings.
        net_deposits: deposits less withdrawals, at today's prices.
        realized_pnl: profit of what was closed, before fees.
        unrealized_pnl: profit of what is held.
        fees: fees paid.
        missing_prices: assets without a price, sorted.
    """

    asset: str
    holdings: Sequence[Holding]
    equity: Decimal | None
    net_deposits: Decimal | None
    realized_pnl: Decimal | None
    unrealized_pnl: Decimal | None
    fees: Decimal | None
    missing_prices: Sequence[str]


def value(
    asset: str,
    *,
    holdings: Mapping[str, Decimal],
    deposits: Mapping[str, Decimal],
    fees: Mapping[str, Decimal],
    positions: Sequence[Position],
    prices: Mapping[str, Decimal],
) -> Valuation:
    """Value an account.

    Args:
        asset: the valuation asset; its own price is one.
        holdings: quantity by asset.
        deposits: net deposits by asset.
        fees: fees paid by asset.
        positions: by instrument, flat ones included.
        prices: price of one of each asset, in the valuation asset, where known.
    """
    known = {**prices, asset: ONE}
    valued = tuple(
        Holding(name, quantity, known.get(name), _times(quantity, known.get(name)))
        for name, quantity in sorted(holdings.items())
    )
    needed = {name for name, quantity in holdings.items() if quantity != 0}
    return Valuation(
        asset=asset,
        holdings=valued,
        equity=_sum(holding.value for holding in valued if holding.quantity != 0),
        net_deposits=_sum(_times(amount, known.get(name)) for name, amount in deposits.items()),
        realized_pnl=_sum(_times(p.realized_pnl, known.get(p.quote_asset)) for p in positions),
        unrealized_pnl=_sum(_unrealized(p, known) for p in positions if p.quantity != 0),
        fees=_sum(_times(amount, known.get(name)) for name, amount in fees.items()),
        missing_prices=sorted(needed - known.keys()),
    )


def _unrealized(position: Position, prices: Mapping[str, Decimal]) -> Decimal | None:
    base, quote = prices.get(position.base_asset), prices.get(position.quote_asset)
    if base is None or quote is None:
        return None
    worth = EXACT.multiply(position.quantity, base)
    return EXACT.subtract(worth, EXACT.multiply(position.cost, quote))


def _times(quantity: Decimal, price: Decimal | None) -> Decimal | None:
    return None if price is None else EXACT.multiply(quantity, price)


def _sum(parts: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for part in parts:
        if part is None:
            return None
        total = EXACT.add(total, part)
    return total
