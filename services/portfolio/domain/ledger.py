"""Double-entry bookkeeping in several assets.

Every transaction sums to zero in each asset. A trade moves two assets, so each leg is balanced by a
trading account of the instrument in that leg's asset (P. Selinger, "Tutorial on multiple currency
accounting", 2005): the ledger balances without any price.

The ledger accounts, debit above zero and credit below zero:

    assets:{venue}:{asset}                        what is held
    equity:deposits:{asset}                       what came in less what went out, negated
    equity:transit:{asset}                        on its way between two venues or accounts of one owner
    equity:corrections:{asset}                    put right by the venue or by hand, negated
    trading:{venue}:{instrument}:{asset}          the other side of a spot trade's legs
    income:pnl:{venue}:{instrument}:{asset}       realised profit of a perpetual, negated
    income:funding:{venue}:{instrument}:{asset}   funding received less paid, negated
    expenses:fees:{asset}                         fees paid
    memo:position:{venue}:{instrument}            contracts held of a perpetual
    memo:market:{venue}:{instrument}              the same, negated

A perpetual moves neither base nor quote asset, so only realised profit, fee and funding are money in the
books. The contracts themselves stand in two memorandum accounts, in units of the instrument.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from services.kernel.decimals import EXACT

ZERO = Decimal(0)
ASSETS = "assets:"
DEPOSITS = "equity:deposits:"
TRANSIT = "equity:transit:"
CORRECTIONS = "equity:corrections:"
EQUITY = "equity:"
FEES = "expenses:fees:"
FUNDING = "income:funding:"
MEMO_POSITION = "memo:position:"


class TransactionKind(Enum):
    """What a transaction books."""

    TRANSFER = "transfer"
    FILL = "fill"
    FUNDING = "funding"
    INTERNAL = "internal"
    CORRECTION = "correction"
    REVERSAL = "reversal"


class UnbalancedError(ValueError):
    """The entries of a transaction do not sum to zero in some asset: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a transaction.

    Attributes:
        ledger_account: as in ``assets:sim:btc``.
        asset: the asset of the amount; the unit of an instrument, as in ``contract:sim:btc-usdt-perp``,
            in a memorandum account.
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
        source: resource name of the fill, the transfer or the correction.
        exchange_time: the venue's clock at the event; ours for a correction by hand.
        entries: sum to zero in each asset.
        strategy: id of the strategy that it belongs to; empty where it belongs to none.
        reason: why, of a correction or a reversal; empty otherwise.

    Raises:
        UnbalancedError: they do not.
    """

    account: str
    kind: TransactionKind
    source: str
    exchange_time: datetime
    entries: tuple[Entry, ...]
    strategy: str = ""
    reason: str = ""

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
    return f"{ASSETS}{venue}:{asset}"


def position_account(venue: str, instrument: str) -> str:
    """The ledger account of the contracts held of a perpetual."""
    return f"{MEMO_POSITION}{venue}:{instrument}"


def contract_unit(venue: str, instrument: str) -> str:
    """What stands in place of an asset where contracts are counted."""
    return f"contract:{venue}:{instrument}"


def move(asset: str, amount: Decimal, *, into: str, out_of: str) -> tuple[Entry, ...]:
    """Two entries, or none where nothing moves."""
    if amount == ZERO:
        return ()
    return (Entry(into, asset, amount), Entry(out_of, asset, EXACT.minus(amount)))
