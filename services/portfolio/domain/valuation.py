"""What an account is worth. A missing price is listed, never taken for zero."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from services.kernel.decimals import EXACT, MAX_DIGITS
from services.kernel.names import InstrumentName
from services.portfolio.domain.position import Position

ONE = Decimal(1)
_FITTED = Context(prec=MAX_DIGITS, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Balances:
    """What the ledger says of an account, each by asset.

    Attributes:
        holdings: what is held at all venues.
        deposits: deposits less withdrawals, with what is on its way.
        corrections: what was put right, added less taken away.
        funding: funding received less paid.
        fees: fees paid.
    """

    holdings: Mapping[str, Decimal]
    deposits: Mapping[str, Decimal]
    corrections: Mapping[str, Decimal]
    funding: Mapping[str, Decimal]
    fees: Mapping[str, Decimal]


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

    Where none does, exactly:

        equity = net_deposits + corrections + realized_pnl + unrealized_pnl + funding - fees

    Attributes:
        asset: the valuation asset.
        holdings: by asset.
        equity: worth of all holdings, and the profit at the mark price of perpetuals.
        net_deposits: deposits less withdrawals, at today's prices.
        realized_pnl: profit of what was closed, before fees and funding.
        unrealized_pnl: profit of what is held.
        fees: fees paid.
        funding: funding received less paid.
        corrections: what was put right.
        missing_prices: assets, and perpetuals by name, that equity needs and that have no price; sorted.
        prices: price of one of each asset that has one, the valuation asset among them.
    """

    asset: str
    holdings: Sequence[Holding]
    equity: Decimal | None
    net_deposits: Decimal | None
    realized_pnl: Decimal | None
    unrealized_pnl: Decimal | None
    fees: Decimal | None
    funding: Decimal | None
    corrections: Decimal | None
    missing_prices: Sequence[str]
    prices: Mapping[str, Decimal]


def value(
    asset: str,
    *,
    balances: Balances,
    positions: Sequence[Position],
    prices: Mapping[str, Decimal],
    marks: Mapping[InstrumentName, Decimal],
) -> Valuation:
    """Value an account.

    Args:
        asset: the valuation asset; its own price is one.
        balances: of the ledger.
        positions: by instrument, flat ones included.
        prices: price of one of each asset, in the valuation asset, where known.
        marks: price of each perpetual, in its quote asset, where known.
    """
    known = {**prices, asset: ONE}
    valued = tuple(
        Holding(name, quantity, known.get(name), _product(quantity, known.get(name)))
        for name, quantity in sorted(balances.holdings.items())
    )
    held = [position for position in positions if position.quantity != 0]
    contracts = [position for position in held if position.contract is not None]
    return Valuation(
        asset=asset,
        holdings=valued,
        equity=_sum(
            [
                *(holding.value for holding in valued if holding.quantity != 0),
                *(_unrealized(position, known, marks) for position in contracts),
            ]
        ),
        net_deposits=worth_of(balances.deposits, known),
        realized_pnl=_sum(_times(p.realized_pnl, known.get(p.settle_asset)) for p in positions),
        unrealized_pnl=_sum(_unrealized(position, known, marks) for position in held),
        fees=worth_of(balances.fees, known),
        funding=worth_of(balances.funding, known),
        corrections=worth_of(balances.corrections, known),
        missing_prices=sorted(_needed(balances.holdings, contracts) - known.keys() - set(map(str, marks))),
        prices=known,
    )


def fitted(amount: Decimal) -> Decimal:
    """A computed amount as it can be sent and stored: rounded half-even where it has over 38 digits."""
    return _FITTED.plus(amount)


def worth_of(amounts: Mapping[str, Decimal], prices: Mapping[str, Decimal]) -> Decimal | None:
    """What amounts of several assets are worth together; None where one that is not zero has no price."""
    return _sum(_times(amount, prices.get(name)) for name, amount in amounts.items())


def _needed(holdings: Mapping[str, Decimal], contracts: Iterable[Position]) -> set[str]:
    needed = {name for name, quantity in holdings.items() if quantity != 0}
    for position in contracts:
        needed |= {position.settle_asset, str(InstrumentName(position.venue, position.instrument))}
    return needed


def _unrealized(
    position: Position, prices: Mapping[str, Decimal], marks: Mapping[InstrumentName, Decimal]
) -> Decimal | None:
    settle = prices.get(position.settle_asset)
    if position.contract is not None:
        mark = marks.get(InstrumentName(position.venue, position.instrument))
        if mark is None or settle is None:
            return None
        return EXACT.multiply(position.unrealized_pnl(mark), settle)
    # At the prices of the assets, not of the instrument: so that the parts of equity add up.
    base = prices.get(position.base_asset)
    if base is None or settle is None:
        return None
    return EXACT.subtract(EXACT.multiply(position.quantity, base), EXACT.multiply(position.cost, settle))


def _times(quantity: Decimal, price: Decimal | None) -> Decimal | None:
    # Nothing needs no price.
    return quantity if quantity == 0 else _product(quantity, price)


def _product(quantity: Decimal, price: Decimal | None) -> Decimal | None:
    return None if price is None else EXACT.multiply(quantity, price)


def _sum(parts: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for part in parts:
        if part is None:
            return None
        total = EXACT.add(total, part)
    return total
