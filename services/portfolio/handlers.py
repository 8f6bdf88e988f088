"""Use cases: answer from the books."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import AccountName, InstrumentName
from services.portfolio.domain.equity import EquityPoint
from services.portfolio.domain.ledger import (
    ASSETS,
    CORRECTIONS,
    DEPOSITS,
    FEES,
    FUNDING,
    MEMO_POSITION,
    TRANSIT,
)
from services.portfolio.domain.lots import Lot, LotMethod
from services.portfolio.domain.position import Position
from services.portfolio.domain.prices import Pair, price_along, routes
from services.portfolio.domain.reconciliation import BalanceKey, Reconciliation, reconcile
from services.portfolio.domain.valuation import Balances, Valuation, value
from services.portfolio.ports import (
    BookedEntry,
    BookedGain,
    Books,
    EntryQuery,
    GainQuery,
    LedgerSum,
    LotQuery,
    Market,
    PointQuery,
    Venues,
)

_ROUTES = 8
"""Most ways that are tried to price one asset."""


@dataclass(frozen=True, slots=True)
class MarkedPosition:
    """A position with its price, where the market has one now."""

    position: Position
    mark_price: Decimal | None


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The sum of every ledger account, and of each asset over all of them."""

    rows: Sequence[LedgerSum]
    totals: Mapping[str, Decimal]

    @property
    def balanced(self) -> bool:
        """Whether every total is zero."""
        return all(total == 0 for total in self.totals.values())


@dataclass(frozen=True, slots=True)
class Queries:
    """Questions about an account.

    Attributes:
        books: the books.
        market: where prices come from.
        venues: where it is known what the venues say.
        valuation_asset: the asset that worth is told in where nobody asks for another.
    """

    books: Books
    market: Market
    venues: Venues
    valuation_asset: str

    async def valuation(self, account: AccountName, asset: str = "") -> Valuation:
        """Worth of an account.

        Args:
            account: whose.
            asset: the asset to tell it in; the setting's where it is empty.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            sums = await reader.sums(account.account)
            positions = await reader.positions(account.account)
        _require(sums, account)
        return await self.value(asset or self.valuation_asset, sums, positions)

    async def value(self, asset: str, sums: Sequence[LedgerSum], positions: Sequence[Position]) -> Valuation:
        """Worth of what a snapshot of the books says."""
        balances = balances_of(sums)
        held = {_instrument(p) for p in positions if p.contract is not None and p.quantity != 0}
        marks = await self.market.marks(sorted(held, key=str))
        prices = await self._prices(asset, sums, positions)
        return value(asset, balances=balances, positions=positions, prices=prices, marks=marks)

    async def positions(
        self, account: AccountName, *, after: InstrumentName | None, limit: int, strategy: str | None = None
    ) -> Sequence[MarkedPosition]:
        """Positions by instrument, after one of them.

        Args:
            account: whose.
            after: where to go on; None for the beginning.
            limit: most positions.
            strategy: those of this strategy alone, the empty one for what no strategy ordered.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            _require(await reader.sums(account.account), account)
            positions = await reader.positions(account.account, strategy)
        rest = [p for p in positions if after is None or (p.venue, p.instrument) > after.ids()][:limit]
        marks = await self.market.marks([_instrument(p) for p in rest])
        return [MarkedPosition(position, marks.get(_instrument(position))) for position in rest]

    async def entries(self, query: EntryQuery) -> Sequence[BookedEntry]:
        """Ledger entries.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            _require(await reader.sums(query.account), AccountName(query.account))
            return await reader.entries(query)

    async def lots(self, query: LotQuery) -> Sequence[Lot]:
        """Tax lots.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            _require(await reader.sums(query.account), AccountName(query.account))
            return await reader.lots(query)

    async def gains(self, query: GainQuery) -> Sequence[BookedGain]:
        """Realised gains by lot.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            _require(await reader.sums(query.account), AccountName(query.account))
            return await reader.gains(query)

    async def lot_method(self, account: AccountName) -> LotMethod:
        """Which lots a closing of the account takes from first, now; an account without books has one too."""
        async with self.books.read() as reader:
            return await reader.lot_method(account.account)

    async def trial_balance(self, account: AccountName, strategy: str | None = None) -> TrialBalance:
        """The sum of every ledger account.

        Args:
            account: whose.
            strategy: only what belongs to this one, the empty one for what belongs to none.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            _require(await reader.sums(account.account), account)
            sums = await reader.sums(account.account, strategy)
        return TrialBalance(sums, by_asset(sums, ""))

    async def equity_points(self, query: PointQuery) -> Sequence[EquityPoint]:
        """The equity curve.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            _require(await reader.sums(query.account), AccountName(query.account))
            return await reader.points(query)

    async def reconciliation(self, account: AccountName) -> Reconciliation:
        """The ledger beside what the venues say.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
            grpc.aio.AioRpcError: the exchange service cannot say it now.
        """
        # The venues first: what they say then is at least as old as what the books hold.
        said = await self.venues.said(account)
        async with self.books.read() as reader:
            sums = await reader.sums(account.account)
        _require(sums, account)
        return reconcile(_by_venue(sums), _contracts(sums), said)

    async def _prices(
        self, into: str, sums: Sequence[LedgerSum], positions: Sequence[Position]
    ) -> Mapping[str, Decimal]:
        """Price in one asset of each other one that stands in the books, where it has one."""
        booked = {row.asset for row in sums if not row.ledger_account.startswith("memo:")}
        # A perpetual that was opened without a fee has booked nothing in its settle asset yet.
        assets = (booked | {position.settle_asset for position in positions}) - {into}
        pairs = await self._pairs(sums, positions)
        ways = {asset: routes(pairs, asset, into)[:_ROUTES] for asset in assets}
        steps = [step.pair.instrument for found in ways.values() for way in found for step in way]
        marks = await self.market.marks(sorted(steps, key=str))
        prices: dict[str, Decimal] = {}
        for asset, found in ways.items():
            price = next((p for p in (price_along(way, marks) for way in found) if p is not None), None)
            if price is not None:
                prices[asset] = price
        return prices

    async def _pairs(self, sums: Sequence[LedgerSum], positions: Sequence[Position]) -> Sequence[Pair]:
        """The spot instruments that prices may come from; those that were traded first."""
        traded = [Pair(_instrument(p), p.base_asset, p.quote_asset) for p in positions if p.contract is None]
        perpetuals = {_instrument(p) for p in positions if p.contract is not None}
        venues = {row.ledger_account.split(":")[1] for row in sums if row.ledger_account.startswith(ASSETS)}
        listed = await self.market.pairs(venues | {position.venue for position in positions})
        return [pair for pair in dict.fromkeys([*traded, *listed]) if pair.instrument not in perpetuals]


def balances_of(sums: Sequence[LedgerSum]) -> Balances:
    """What the ledger says of an account, by asset."""
    deposits = defaultdict(Decimal, by_asset(sums, DEPOSITS))
    for asset, amount in by_asset(sums, TRANSIT).items():
        deposits[asset] = EXACT.add(deposits[asset], amount)
    return Balances(
        holdings=by_asset(sums, ASSETS),
        deposits=_negated(deposits),
        corrections=_negated(by_asset(sums, CORRECTIONS)),
        funding=_negated(by_asset(sums, FUNDING)),
        fees=by_asset(sums, FEES),
    )


def by_asset(sums: Iterable[LedgerSum], prefix: str) -> Mapping[str, Decimal]:
    """The sum over ledger accounts whose name begins so, by asset."""
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in sums:
        if row.ledger_account.startswith(prefix):
            totals[row.asset] = EXACT.add(totals[row.asset], row.amount)
    return totals


def _by_venue(sums: Iterable[LedgerSum]) -> Mapping[BalanceKey, Decimal]:
    """What is held, by venue and asset."""
    return {
        (row.ledger_account.split(":")[1], row.asset): row.amount
        for row in sums
        if row.ledger_account.startswith(ASSETS)
    }


def _contracts(sums: Iterable[LedgerSum]) -> Mapping[InstrumentName, Decimal]:
    """Contracts of perpetuals by the memorandum accounts."""
    return {
        InstrumentName(*row.ledger_account.removeprefix(MEMO_POSITION).split(":")): row.amount
        for row in sums
        if row.ledger_account.startswith(MEMO_POSITION)
    }


def _negated(amounts: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    return {asset: EXACT.minus(amount) for asset, amount in amounts.items()}


def _instrument(position: Position) -> InstrumentName:
    return InstrumentName(position.venue, position.instrument)


def _require(sums: Sequence[LedgerSum], account: AccountName) -> None:
    if not sums:
        raise account.not_found(f"nothing was ever booked for {account}")
