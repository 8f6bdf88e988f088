"""Use cases: book what happened, and answer from the books."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.kernel.names import AccountName, InstrumentName
from services.portfolio.domain.events import Fill, Transfer
from services.portfolio.domain.ledger import book_fill, book_transfer
from services.portfolio.domain.position import Position
from services.portfolio.domain.valuation import Valuation, value
from services.portfolio.ports import BookedEntry, Books, BooksWriter, EntryQuery, LedgerSum, MarkPrices


async def book(event: Fill | Transfer, *, transaction_id: str, books: BooksWriter) -> None:
    """Book one event of the exchange, inside the transaction that also remembers it was seen."""
    if isinstance(event, Transfer):
        await books.post(transaction_id, book_transfer(event))
        return
    await books.post(transaction_id, book_fill(event))
    held = await books.position(event.account, event.venue, event.instrument)
    if held is None:
        held = Position(event.account, event.venue, event.instrument, event.base_asset, event.quote_asset)
    await books.put_position(held.apply(event))


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
        marks: where mark prices come from.
        valuation_asset: the asset that worth is told in.
    """

    books: Books
    marks: MarkPrices
    valuation_asset: str

    async def valuation(self, account: AccountName) -> Valuation:
        """Worth of an account.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            sums = await reader.sums(account.account)
            positions = await reader.positions(account.account)
        _require(sums, account)
        return value(
            self.valuation_asset,
            holdings=_by_asset(sums, "assets:"),
            deposits={
                asset: EXACT.minus(amount) for asset, amount in _by_asset(sums, "equity:deposits:").items()
            },
            fees=_by_asset(sums, "expenses:fees:"),
            positions=positions,
            prices=await self._prices(positions),
        )

    async def positions(
        self, account: AccountName, *, after: InstrumentName | None, limit: int
    ) -> Sequence[MarkedPosition]:
        """Positions by instrument, after one of them.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            sums = await reader.sums(account.account)
            positions = await reader.positions(account.account)
        _require(sums, account)
        rest = [p for p in positions if after is None or (p.venue, p.instrument) > after.ids()][:limit]
        marks = await self.marks.of([_instrument(p) for p in rest])
        return [MarkedPosition(position, marks.get(_instrument(position))) for position in rest]

    async def entries(self, query: EntryQuery) -> Sequence[BookedEntry]:
        """Ledger entries, newest first.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            _require(await reader.sums(query.account), AccountName(query.account))
            return await reader.entries(query)

    async def trial_balance(self, account: AccountName) -> TrialBalance:
        """The sum of every ledger account.

        Raises:
            DomainError: ACCOUNT_NOT_FOUND where nothing was ever booked for it.
        """
        async with self.books.read() as reader:
            sums = await reader.sums(account.account)
        _require(sums, account)
        return TrialBalance(sums, _by_asset(sums, ""))

    async def _prices(self, positions: Sequence[Position]) -> Mapping[str, Decimal]:
        """Price of each base asset that has an instrument against the valuation asset."""
        priced = [p for p in positions if p.quote_asset == self.valuation_asset]
        marks = await self.marks.of([_instrument(p) for p in priced])
        return {p.base_asset: marks[_instrument(p)] for p in priced if _instrument(p) in marks}


def _by_asset(sums: Iterable[LedgerSum], prefix: str) -> Mapping[str, Decimal]:
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in sums:
        if row.ledger_account.startswith(prefix):
            totals[row.asset] = EXACT.add(totals[row.asset], row.amount)
    return totals


def _instrument(position: Position) -> InstrumentName:
    return InstrumentName(position.venue, position.instrument)


def _require(sums: Sequence[LedgerSum], account: AccountName) -> None:
    if not sums:
        raise account.not_found(f"nothing was ever booked for {account}")
