"""Protobuf to domain and back."""

from datetime import datetime
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.exchange.v1 import balance_pb2, fill_pb2
from trademesh.portfolio.v1 import ledger_pb2, portfolio_pb2, position_pb2
from trademesh.type.v1 import side_pb2

from services.chassis.rpc.timestamps import to_datetime, to_timestamp
from services.kernel.decimals import parse, render
from services.kernel.names import AccountName, InstrumentName
from services.portfolio.domain.events import Fill, Side, Transfer
from services.portfolio.domain.ledger import TransactionKind
from services.portfolio.domain.position import Position
from services.portfolio.domain.valuation import Valuation
from services.portfolio.handlers import MarkedPosition, TrialBalance
from services.portfolio.ports import BookedEntry

_SIDES = {side_pb2.SIDE_BUY: Side.BUY, side_pb2.SIDE_SELL: Side.SELL}
_KINDS = {
    TransactionKind.TRANSFER.value: ledger_pb2.LEDGER_TRANSACTION_KIND_TRANSFER,
    TransactionKind.FILL.value: ledger_pb2.LEDGER_TRANSACTION_KIND_FILL,
}
_FILL_COLLECTION = "/fills/"


def fill_from_proto(message: fill_pb2.Fill) -> Fill:
    """Read a fill of the exchange.

    Raises:
        ValueError: an amount is not a decimal, or the side is not set.
        DomainError: the instrument's name is not one.
    """
    instrument = InstrumentName.parse(message.instrument, field="instrument")
    account = AccountName.parse(message.name.partition(_FILL_COLLECTION)[0], field="name")
    side = _SIDES.get(message.side)
    if side is None:
        msg = f"{message.name} has no side"
        raise ValueError(msg)
    return Fill(
        name=message.name,
        account=account.account,
        venue=instrument.venue,
        instrument=instrument.instrument,
        base_asset=message.base_asset,
        quote_asset=message.quote_asset,
        side=side,
        price=parse(message.price),
        quantity=parse(message.quantity),
        fee=parse(message.fee),
        fee_asset=message.fee_asset,
        exchange_time=to_datetime(message.exchange_time),
    )


def transfer_from_proto(message: balance_pb2.Transfer) -> Transfer:
    """Read a transfer of the exchange.

    Raises:
        ValueError: the amount is not a decimal.
        DomainError: the account's name is not one.
    """
    return Transfer(
        name=f"{message.venue}/transfers/{message.venue_transfer_id}",
        account=AccountName.parse(message.account, field="account").account,
        venue=message.venue.removeprefix("venues/"),
        asset=message.asset,
        amount=parse(message.amount),
        exchange_time=to_datetime(message.exchange_time),
    )


def portfolio_to_proto(
    account: AccountName, worth: Valuation, *, event_sequence: int, read_time: datetime
) -> portfolio_pb2.Portfolio:
    """Write the worth of an account."""
    return portfolio_pb2.Portfolio(
        name=f"{account}/portfolio",
        valuation_asset=worth.asset,
        equity=_amount(worth.equity),
        net_deposits=_amount(worth.net_deposits),
        realized_pnl=_amount(worth.realized_pnl),
        unrealized_pnl=_amount(worth.unrealized_pnl),
        fees=_amount(worth.fees),
        holdings=[
            portfolio_pb2.Holding(
                asset=holding.asset,
                quantity=render(holding.quantity),
                price=_amount(holding.price),
                value=_amount(holding.value),
            )
            for holding in worth.holdings
        ],
        missing_prices=worth.missing_prices,
        event_sequence=event_sequence,
        read_time=to_timestamp(read_time),
    )


def position_to_proto(marked: MarkedPosition) -> position_pb2.Position:
    """Write a position."""
    position = marked.position
    unrealized = None if marked.mark_price is None else position.unrealized_pnl(marked.mark_price)
    return position_pb2.Position(
        name=f"accounts/{position.account}/positions/{position.venue}-{position.instrument}",
        instrument=str(InstrumentName(position.venue, position.instrument)),
        quantity=render(position.quantity),
        average_price=_amount(position.average_price()),
        realized_pnl=render(position.realized_pnl),
        unrealized_pnl=_amount(unrealized),
        mark_price=_amount(marked.mark_price),
        fill_count=position.fill_count,
        last_fill_time=_optional_time(position),
    )


def entry_to_proto(account: AccountName, entry: BookedEntry) -> ledger_pb2.LedgerEntry:
    """Write a ledger entry."""
    return ledger_pb2.LedgerEntry(
        name=f"{account}/ledgerEntries/{entry.number}",
        transaction_id=entry.transaction_id,
        kind=_KINDS[entry.kind],
        ledger_account=entry.ledger_account,
        asset=entry.asset,
        amount=render(entry.amount),
        source=entry.source,
        exchange_time=to_timestamp(entry.exchange_time),
        create_time=to_timestamp(entry.create_time),
        correlation_id=entry.correlation_id,
    )


def trial_balance_to_proto(
    account: AccountName, balance: TrialBalance, *, event_sequence: int, read_time: datetime
) -> ledger_pb2.TrialBalance:
    """Write a trial balance."""
    return ledger_pb2.TrialBalance(
        name=f"{account}/trialBalance",
        rows=[
            ledger_pb2.TrialBalanceRow(
                ledger_account=row.ledger_account, asset=row.asset, amount=render(row.amount)
            )
            for row in balance.rows
        ],
        totals=[
            ledger_pb2.TrialBalanceTotal(asset=asset, amount=render(total))
            for asset, total in sorted(balance.totals.items())
        ],
        balanced=balance.balanced,
        event_sequence=event_sequence,
        read_time=to_timestamp(read_time),
    )


def _optional_time(position: Position) -> Timestamp | None:
    return None if position.last_fill_time is None else to_timestamp(position.last_fill_time)


def _amount(amount: Decimal | None) -> str:
    """An amount that may be missing: the empty string says so."""
    return "" if amount is None else render(amount)
