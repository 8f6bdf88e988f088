"""Use case: put the books right by hand. Nothing that stands in the ledger is edited."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.kernel.clock import Clock, IdSource
from services.kernel.errors import DomainError, ErrorKind
from services.kernel.names import AccountName
from services.portfolio.bookings import book
from services.portfolio.domain.events import Correction, Reversal
from services.portfolio.domain.ledger import TransactionKind
from services.portfolio.ports import BookedEntry, BooksWriter

_NEVER_REVERSED = frozenset({TransactionKind.FILL, TransactionKind.REVERSAL})


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An amount to add to what is held, or to take away where it is below zero."""

    venue: str
    asset: str
    amount: Decimal


async def correct(
    books: BooksWriter,
    account: AccountName,
    effect: Adjustment | str,
    *,
    reason: str,
    clock: Clock,
    ids: IdSource,
) -> Sequence[BookedEntry]:
    """Book a correction.

    Args:
        books: the write transaction.
        account: whose books.
        effect: an amount, or the id of the transaction to take back.
        reason: why.
        clock: the time.
        ids: names the correction.

    Returns:
        What was booked.

    Raises:
        DomainError: ACCOUNT_NOT_FOUND, TRANSACTION_NOT_FOUND, TRANSACTION_REVERSED or
            TRANSACTION_NOT_REVERSIBLE.
    """
    if not await books.knows(account.account):
        raise account.not_found(f"nothing was ever booked for {account}: a correction opens no books")
    transaction_id = str(ids.new())
    name = f"{account}/corrections/{transaction_id}"
    now = clock.now()
    event: Correction | Reversal
    if isinstance(effect, Adjustment):
        event = Correction(name, account.account, effect.venue, effect.asset, effect.amount, now, reason)
    else:
        await _require_reversible(books, account, effect)
        event = Reversal(name, account.account, effect, now, reason)
    await book(event, transaction_id=transaction_id, books=books)
    return await books.entries(account.account, transaction_id)


async def _require_reversible(books: BooksWriter, account: AccountName, transaction_id: str) -> None:
    """A fill is the venue's fact, and positions stand on it; a reversal is undone by booking anew."""
    found = await books.entries(account.account, transaction_id)
    if not found:
        raise DomainError(
            "TRANSACTION_NOT_FOUND",
            f"{account} has no transaction {transaction_id}",
            kind=ErrorKind.NOT_FOUND,
            metadata={"account": str(account), "transactionId": transaction_id},
        )
    if TransactionKind(found[0].kind) in _NEVER_REVERSED:
        raise DomainError(
            "TRANSACTION_NOT_REVERSIBLE",
            f"transaction {transaction_id} is a {found[0].kind} and is not taken back",
            kind=ErrorKind.PRECONDITION,
            metadata={"transactionId": transaction_id, "kind": found[0].kind},
        )
    before = await books.reversed_by(transaction_id)
    if before is not None:
        raise DomainError(
            "TRANSACTION_REVERSED",
            f"transaction {transaction_id} was taken back by {before}",
            kind=ErrorKind.PRECONDITION,
            metadata={"transactionId": transaction_id, "correction": before},
        )
