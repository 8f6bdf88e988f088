"""Use case: book what happened."""

from collections.abc import Sequence

from services.kernel.decimals import EXACT
from services.portfolio.domain.booking import book_correction, book_fill, book_funding, book_transfer, reverse
from services.portfolio.domain.events import Correction, Event, Fill, Reversal, Transfer
from services.portfolio.domain.ledger import Entry, Transaction, TransactionKind
from services.portfolio.domain.lots import match_lots
from services.portfolio.domain.position import Position
from services.portfolio.ports import BooksWriter, Record


async def book(event: Event, *, transaction_id: str, books: BooksWriter) -> None:
    """Book one event, inside the transaction that also remembers that it was seen.

    Raises:
        LookupError: the transaction that a reversal speaks of is not in the books.
    """
    match event:
        case Fill():
            await _book_fill(event, transaction_id, books)
        case Transfer():
            await books.record(Record(transaction_id, event, await _transferred(event, books)))
        case Correction():
            await books.record(Record(transaction_id, event, [book_correction(event)]))
        case Reversal():
            await books.record(Record(transaction_id, event, await _reversed(event, books)))


async def _book_fill(fill: Fill, transaction_id: str, books: BooksWriter) -> None:
    """Journal, ledger, the account's position, the strategy's own, and the lots of a spot fill."""
    before = await books.position(fill) or _flat(fill)
    after = before.apply(fill)
    own = await books.position(fill, strategy=fill.strategy) or _flat(fill)
    method = await books.lot_method(fill.account) if fill.contract is None else None
    realized = EXACT.subtract(after.realized_pnl, before.realized_pnl)
    await books.record(Record(transaction_id, fill, [book_fill(fill, realized)], method))
    await books.put_position(after)
    await books.put_position(own.apply(fill), strategy=fill.strategy)
    if method is not None:
        reduces = before.quantity * fill.side.value < 0
        lots = await books.open_lots(fill, method) if reduces else ()
        await books.put_lots(match_lots(fill, lots, method))


async def _transferred(transfer: Transfer, books: BooksWriter) -> Sequence[Transaction]:
    if not transfer.shared:
        return [book_transfer(transfer)]
    return book_funding(transfer, await books.contracts(transfer))


async def _reversed(reversal: Reversal, books: BooksWriter) -> Sequence[Transaction]:
    lines = await books.entries(reversal.account, reversal.transaction_id)
    if not lines:
        msg = f"{reversal.name}: there is no transaction {reversal.transaction_id}"
        raise LookupError(msg)
    strategies = dict.fromkeys(line.strategy for line in lines)
    booked = [
        Transaction(
            account=reversal.account,
            kind=TransactionKind(lines[0].kind),
            source=lines[0].source,
            exchange_time=lines[0].exchange_time,
            entries=tuple(
                Entry(line.ledger_account, line.asset, line.amount)
                for line in lines
                if line.strategy == strategy
            ),
            strategy=strategy,
        )
        for strategy in strategies
    ]
    return [reverse(each, name=reversal.name, time=reversal.time, reason=reversal.reason) for each in booked]


def _flat(fill: Fill) -> Position:
    return Position(
        fill.account, fill.venue, fill.instrument, fill.base_asset, fill.quote_asset, contract=fill.contract
    )
