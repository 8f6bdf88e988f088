"""The transaction that books each kind of event."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from services.kernel.decimals import EXACT
from services.portfolio.domain.events import Contract, Correction, Fill, Transfer, TransferKind
from services.portfolio.domain.funding import split
from services.portfolio.domain.ledger import (
    CORRECTIONS,
    DEPOSITS,
    FEES,
    FUNDING,
    TRANSIT,
    ZERO,
    Entry,
    Transaction,
    TransactionKind,
    contract_unit,
    holding_account,
    move,
    position_account,
)

_TRANSFERS = {
    TransferKind.DEPOSIT: (TransactionKind.TRANSFER, DEPOSITS),
    TransferKind.WITHDRAWAL: (TransactionKind.TRANSFER, DEPOSITS),
    TransferKind.INTERNAL: (TransactionKind.INTERNAL, TRANSIT),
    TransferKind.CORRECTION: (TransactionKind.CORRECTION, CORRECTIONS),
}


def book_funding(transfer: Transfer, contracts: Mapping[str, Decimal]) -> tuple[Transaction, ...]:
    """The transactions of a funding payment: one for each strategy that held the position.

    Args:
        transfer: the payment.
        contracts: what each strategy held then; see :func:`services.portfolio.domain.funding.split`.
    """
    if transfer.amount == ZERO:
        return (book_transfer(transfer),)
    return tuple(
        replace(book_transfer(replace(transfer, amount=share)), strategy=strategy)
        for strategy, share in sorted(split(transfer.amount, contracts).items())
    )


def book_transfer(transfer: Transfer) -> Transaction:
    """The transaction of a deposit, withdrawal, funding payment, internal transfer or venue's correction."""
    if transfer.kind is TransferKind.FUNDING:
        kind = TransactionKind.FUNDING
        counterpart = f"{FUNDING}{transfer.venue}:{transfer.instrument}:{transfer.asset}"
    else:
        kind, prefix = _TRANSFERS[transfer.kind]
        counterpart = f"{prefix}{transfer.asset}"
    return Transaction(
        account=transfer.account,
        kind=kind,
        source=transfer.name,
        exchange_time=transfer.exchange_time,
        entries=move(
            transfer.asset,
            transfer.amount,
            into=holding_account(transfer.venue, transfer.asset),
            out_of=counterpart,
        ),
    )


def book_fill(fill: Fill, realized: Decimal = ZERO) -> Transaction:
    """The transaction of a fill, with its fee.

    Args:
        fill: what was traded.
        realized: profit that it realised of the account's position, in the contract's settle asset; only
            a perpetual books it, since the legs of a spot trade hold it already.
    """
    traded = _legs(fill) if fill.contract is None else _contracts(fill, fill.contract, realized)
    return Transaction(
        account=fill.account,
        kind=TransactionKind.FILL,
        source=fill.name,
        exchange_time=fill.exchange_time,
        strategy=fill.strategy,
        entries=(
            *traded,
            *move(
                fill.fee_asset,
                fill.fee,
                into=f"{FEES}{fill.fee_asset}",
                out_of=holding_account(fill.venue, fill.fee_asset),
            ),
        ),
    )


def book_correction(correction: Correction) -> Transaction:
    """The transaction of an amount put right by hand."""
    return Transaction(
        account=correction.account,
        kind=TransactionKind.CORRECTION,
        source=correction.name,
        exchange_time=correction.time,
        reason=correction.reason,
        entries=move(
            correction.asset,
            correction.amount,
            into=holding_account(correction.venue, correction.asset),
            out_of=f"{CORRECTIONS}{correction.asset}",
        ),
    )


def reverse(booked: Transaction, *, name: str, time: datetime, reason: str) -> Transaction:
    """The transaction that takes the effect of another one back: the same entries, negated.

    Args:
        booked: the other one, which stays as it is.
        name: resource name of the correction.
        time: our clock.
        reason: why.
    """
    return replace(
        booked,
        kind=TransactionKind.REVERSAL,
        source=name,
        exchange_time=time,
        reason=reason,
        entries=tuple(replace(entry, amount=EXACT.minus(entry.amount)) for entry in booked.entries),
    )


def _legs(fill: Fill) -> tuple[Entry, ...]:
    """The base leg and the quote leg of a spot trade."""
    base = EXACT.multiply(fill.quantity, Decimal(fill.side.value))
    quote = EXACT.minus(EXACT.multiply(base, fill.price))
    trading = f"trading:{fill.venue}:{fill.instrument}"
    return (
        *move(
            fill.base_asset,
            base,
            into=holding_account(fill.venue, fill.base_asset),
            out_of=f"{trading}:{fill.base_asset}",
        ),
        *move(
            fill.quote_asset,
            quote,
            into=holding_account(fill.venue, fill.quote_asset),
            out_of=f"{trading}:{fill.quote_asset}",
        ),
    )


def _contracts(fill: Fill, contract: Contract, realized: Decimal) -> tuple[Entry, ...]:
    """The contracts in the memorandum accounts, and the profit in the settle asset."""
    instrument = f"{fill.venue}:{fill.instrument}"
    return (
        *move(
            contract_unit(fill.venue, fill.instrument),
            EXACT.multiply(fill.quantity, Decimal(fill.side.value)),
            into=position_account(fill.venue, fill.instrument),
            out_of=f"memo:market:{instrument}",
        ),
        *move(
            contract.settle_asset,
            realized,
            into=holding_account(fill.venue, contract.settle_asset),
            out_of=f"income:pnl:{instrument}:{contract.settle_asset}",
        ),
    )
