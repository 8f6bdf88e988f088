"""Double-entry bookkeeping in several assets.

Every transaction sums to zero in each asset. A trade moves two assets, so each leg is balanced by a
trading account of the instrument in that leg's asset (P. Selinger, "Tutorial on multiple currency
accounting", 2005): the ledger balances without any price.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from services.kernel.decimals import EXACT
from services.portfolio.domain.events import Fill, Transfer

ZERO = Decimal(0)


class TransactionKind(Enum):
    """What a transaction books."""

    TRANSFER = "transfer"
    FILL = "fill"


class UnbalancedError(ValueError):
    """The entries of a transaction do not sum to zero in some asset: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a transaction.

    Attributes:
        ledger_account: as in ``assets:sim:btc``.
        asset: the asset of the amount.
        amount: debit above zero, credit below zero; never zero.
    """

    ledger_account: str
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Transaction:
    """Entries that belong together.

    Attributes:
        account: id of the account whose books these are.
        kind: what it books.
        source: resource name of the fill or the transfer.
        exchange_time: the venue's clock at the event.
        entries: sum to zero in each asset.

    Raises:
        UnbalancedError: they do not.
    """

    account: str
    kind: TransactionKind
    source: str
    exchange_time: datetime
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        unbalanced = {asset: total for asset, total in totals(self.entries).items() if total != 0}
        if unbalanced:
            msg = f"{self.source}: entries do not sum to zero: {unbalanced}"
            raise UnbalancedError(msg)


def totals(entries: Iterable[Entry]) -> Mapping[str, Decimal]:
    """The sum of the amounts in each asset."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in entries:
        sums[entry.asset] = EXACT.add(sums[entry.asset], entry.amount)
    return sums


def holding_account(venue: str, asset: str) -> str:
    """The ledger account of what is held of an asset at a venue."""
    return f"assets:{venue}:{asset}"


def fee_account(asset: str) -> str:
    """The ledger account of fees paid in an asset."""
    return f"expenses:fees:{asset}"


def deposit_account(asset: str) -> str:
    """The ledger account of deposits less withdrawals of an asset."""
    return f"equity:deposits:{asset}"


def book_transfer(transfer: Transfer) -> Transaction:
    """The transaction of a deposit or a withdrawal."""
    return Transaction(
        account=transfer.account,
        kind=TransactionKind.TRANSFER,
        source=transfer.name,
        exchange_time=transfer.exchange_time,
        entries=_move(
            transfer.asset,
            transfer.amount,
            into=holding_account(transfer.venue, transfer.asset),
            out_of=deposit_account(transfer.asset),
        ),
    )


def book_fill(fill: Fill) -> Transaction:
    """The transaction of a fill: the base leg, the quote leg and the fee."""
    base = EXACT.multiply(fill.quantity, Decimal(fill.side.value))
    quote = EXACT.minus(EXACT.multiply(base, fill.price))
    trading = f"trading:{fill.venue}:{fill.instrument}"
    return Transaction(
        account=fill.account,
        kind=TransactionKind.FILL,
        source=fill.name,
        exchange_time=fill.exchange_time,
        entries=(
            *_move(
                fill.base_asset,
                base,
                into=holding_account(fill.venue, fill.base_asset),
                out_of=f"{trading}:{fill.base_asset}",
            ),
            *_move(
                fill.quote_asset,
                quote,
                into=holding_account(fill.venue, fill.quote_asset),
                out_of=f"{trading}:{fill.quote_asset}",
            ),
            *_move(
                fill.fee_asset,
                fill.fee,
                into=fee_account(fill.fee_asset),
                out_of=holding_account(fill.venue, fill.fee_asset),
            ),
        ),
    )


def _move(asset: str, amount: Decimal, *, into: str, out_of: str) -> tuple[Entry, ...]:
    """Two entries, or none where nothing moves."""
    if amount == ZERO:
        return ()
    return (Entry(into, asset, amount), Entry(out_of, asset, EXACT.minus(amount)))
