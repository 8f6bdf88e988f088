"""The price of one asset in another: of one instrument, or over one asset between the two.

A price along instruments that are quoted the right way round is a product and exact. Where an instrument is
quoted the other way round the quotient is rounded half-even to 18 significant digits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import InstrumentName

ONE = Decimal(1)
_QUOTIENT = Context(prec=18, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Pair:
    """A spot instrument.

    Attributes:
        instrument: its name.
        base_asset: the asset bought or sold.
        quote_asset: the asset that its price is in.
    """

    instrument: InstrumentName
    base_asset: str
    quote_asset: str


@dataclass(frozen=True, slots=True)
class Step:
    """One instrument on the way from asset to asset, and whether its price is turned round."""

    pair: Pair
    inverted: bool


Route = tuple[Step, ...]


def routes(pairs: Iterable[Pair], asset: str, into: str) -> Sequence[Route]:
    """Ways to price an asset in another: direct ones first, then those over one asset between the two.

    Args:
        pairs: of all venues that count.
        asset: the asset to price.
        into: the asset that the price is in; not the same one.
    """
    steps = _steps(pairs)
    direct = [(step,) for step in steps.get((asset, into), ())]
    over = [
        (first, second)
        for (start, between), firsts in steps.items()
        if start == asset and between != into
        for first in firsts
        for second in steps.get((between, into), ())
    ]
    return [*direct, *over]


def price_along(route: Route, marks: Mapping[InstrumentName, Decimal]) -> Decimal | None:
    """The price that a route gives; None where an instrument on it has no price now."""
    price = ONE
    for step in route:
        mark = marks.get(step.pair.instrument)
        if mark is None or mark <= 0:
            return None
        price = _QUOTIENT.divide(price, mark) if step.inverted else EXACT.multiply(price, mark)
    return price


def _steps(pairs: Iterable[Pair]) -> Mapping[tuple[str, str], Sequence[Step]]:
    """The instruments by the assets they lead from and to, those quoted the right way round first."""
    found: dict[tuple[str, str], list[Step]] = {}
    for step, ends in sorted(_both_ways(pairs), key=lambda each: each[0].inverted):
        found.setdefault(ends, []).append(step)
    return found


def _both_ways(pairs: Iterable[Pair]) -> Iterator[tuple[Step, tuple[str, str]]]:
    for pair in pairs:
        yield Step(pair, inverted=False), (pair.base_asset, pair.quote_asset)
        yield Step(pair, inverted=True), (pair.quote_asset, pair.base_asset)
