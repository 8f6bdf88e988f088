"""Protobuf to domain and back."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from trademesh.exchange.v1 import balance_pb2, fill_pb2
from trademesh.portfolio.v1 import (
    correction_pb2,
    equity_pb2,
    ledger_pb2,
    portfolio_pb2,
    position_pb2,
    reconciliation_pb2,
    tax_lot_pb2,
)
from trademesh.type.v1 import contract_pb2, side_pb2

from services.chassis.rpc.timestamps import to_datetime, to_timestamp
from services.kernel.decimals import parse, render
from services.kernel.names import AccountName, InstrumentName, StrategyName, VenueName
from services.portfolio.corrections import Adjustment
from services.portfolio.domain.equity import EquityPoint
from services.portfolio.domain.events import Contract, Fill, Side, Transfer, TransferKind
from services.portfolio.domain.ledger import TransactionKind
from services.portfolio.domain.lots import Lot, LotMethod
from services.portfolio.domain.position import Position
from services.portfolio.domain.reconciliation import Reconciliation
from services.portfolio.domain.valuation import Valuation, fitted
from services.portfolio.handlers import MarkedPosition, TrialBalance
from services.portfolio.ports import BookedEntry, BookedGain

_SIDES = {side_pb2.SIDE_BUY: Side.BUY, side_pb2.SIDE_SELL: Side.SELL}
_SIDES_TO_PROTO = {side: number for number, side in _SIDES.items()}
# protobuf takes the name of an enum's value in place of its number.
_KINDS = {kind.value: f"LEDGER_TRANSACTION_KIND_{kind.name}" for kind in TransactionKind}
_LOT_METHODS = {method: f"LOT_METHOD_{method.name}" for method in LotMethod}
_LOT_METHODS_FROM_PROTO = {tax_lot_pb2.LotMethod.Value(name): method for method, name in _LOT_METHODS.items()}
_TRANSFER_KINDS = {
    balance_pb2.TransferKind.Value(f"TRANSFER_KIND_{kind.name}"): kind for kind in TransferKind
}
_MANUAL = "manual"
_STRATEGIES = "strategies/"
_FILL_COLLECTION = "/fills/"


def fill_from_proto(message: fill_pb2.Fill) -> Fill:
    """Read a fill of the exchange.

    Raises:
        ValueError: an amount is not a decimal, or the side is not set.
        DomainError: the instrument's name is not one.
    """
    instrument = _instrument(message.instrument)
    account = _account(message.name.partition(_FILL_COLLECTION)[0])
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
        strategy=message.strategy.removeprefix(_STRATEGIES),
        contract=contract_from_proto(message.contract) if message.HasField("contract") else None,
    )


# Few names come again and again: each is read once.


@lru_cache(maxsize=1024)
def _instrument(name: str) -> InstrumentName:
    return InstrumentName.parse(name, field="instrument")


@lru_cache(maxsize=1024)
def _account(name: str) -> AccountName:
    return AccountName.parse(name, field="name")


def contract_from_proto(message: contract_pb2.ContractTerms) -> Contract | None:
    """Read what one unit stands for; None for spot.

    Raises:
        ValueError: the size is not a decimal.
    """
    if message.kind != contract_pb2.INSTRUMENT_KIND_PERPETUAL:
        return None
    return Contract(parse(message.contract_size), message.settle_asset, message.inverse)


def transfer_from_proto(message: balance_pb2.Transfer) -> Transfer:
    """Read a transfer of the exchange.

    Raises:
        ValueError: the amount is not a decimal.
        DomainError: the account's name is not one.
    """
    amount = parse(message.amount)
    unsaid = TransferKind.DEPOSIT if amount > 0 else TransferKind.WITHDRAWAL
    kind = _TRANSFER_KINDS.get(message.kind, unsaid)
    return Transfer(
        name=f"{message.venue}/transfers/{message.venue_transfer_id}",
        account=AccountName.parse(message.account, field="account").account,
        venue=message.venue.removeprefix("venues/"),
        asset=message.asset,
        amount=amount,
        exchange_time=to_datetime(message.exchange_time),
        kind=kind,
        instrument=message.instrument.rpartition("/")[2],
        shared=kind is TransferKind.FUNDING,
    )


def strategy_from_proto(text: str) -> str | None:
    """Read whose books a request asks for: a strategy's, those of no strategy, or (None) the account's."""
    if not text:
        return None
    return "" if text == _MANUAL else StrategyName.parse(text, field="strategy").strategy


def instrument_from_proto(text: str) -> InstrumentName | None:
    """Read the instrument that a request asks for; None where it asks for all."""
    return InstrumentName.parse(text, field="instrument") if text else None


def effect_from_proto(message: correction_pb2.Correction) -> Adjustment | str:
    """Read what a correction does: an amount, or the transaction it takes back.

    Raises:
        DomainError: the venue's name is not one.
    """
    if message.WhichOneof("effect") == "reversed_transaction_id":
        return message.reversed_transaction_id
    asked = message.adjustment
    venue = VenueName.parse(asked.venue, field="correction.adjustment.venue")
    return Adjustment(venue.venue, asked.asset, parse(asked.amount))


def lot_method_from_proto(message: tax_lot_pb2.AccountSettings) -> LotMethod:
    """Read the method of an account; the contract's rules let no other value through."""
    return _LOT_METHODS_FROM_PROTO[message.lot_method]


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
        funding=_amount(worth.funding),
        corrections=_amount(worth.corrections),
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


def position_to_proto(marked: MarkedPosition, strategy: str | None = None) -> position_pb2.Position:
    """Write a position, of a strategy where one was asked for."""
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
        settle_asset=position.settle_asset,
        cost=_amount(position.cost),
        contract=None if position.contract is None else contract_to_proto(position.contract),
        strategy="" if strategy is None else _strategy(strategy) or _MANUAL,
    )


def contract_to_proto(contract: Contract) -> contract_pb2.ContractTerms:
    """Write what one unit stands for."""
    return contract_pb2.ContractTerms(
        kind=contract_pb2.INSTRUMENT_KIND_PERPETUAL,
        contract_size=render(contract.size),
        settle_asset=contract.settle_asset,
        inverse=contract.inverse,
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
        strategy=_strategy(entry.strategy),
        reason=entry.reason,
    )


def correction_to_proto(
    account: AccountName, asked: correction_pb2.Correction, booked: Sequence[BookedEntry]
) -> correction_pb2.Correction:
    """Write a correction as it was booked."""
    answer = correction_pb2.Correction(
        name=booked[0].source,
        reason=asked.reason,
        ledger_entries=[entry_to_proto(account, entry) for entry in booked],
        create_time=to_timestamp(booked[0].create_time),
    )
    if asked.HasField("adjustment"):
        answer.adjustment.CopyFrom(asked.adjustment)
    else:
        answer.reversed_transaction_id = asked.reversed_transaction_id
    return answer


def lot_to_proto(lot: Lot) -> tax_lot_pb2.TaxLot:
    """Write a tax lot."""
    return tax_lot_pb2.TaxLot(
        name=_lot_name(lot),
        instrument=str(InstrumentName(lot.venue, lot.instrument)),
        side=_SIDES_TO_PROTO[lot.side],
        quantity=render(lot.quantity),
        remaining_quantity=render(lot.remaining),
        price=render(lot.price),
        fill=lot.fill,
        strategy=_strategy(lot.strategy),
        open_time=to_timestamp(lot.open_time),
    )


def gain_to_proto(booked: BookedGain) -> tax_lot_pb2.RealizedGain:
    """Write what a closing gained on a lot."""
    gain, lot = booked.gain, booked.gain.lot
    held = Duration()
    held.FromTimedelta(gain.held)
    return tax_lot_pb2.RealizedGain(
        name=f"accounts/{lot.account}/realizedGains/{booked.number}",
        tax_lot=_lot_name(lot),
        instrument=str(InstrumentName(lot.venue, lot.instrument)),
        side=_SIDES_TO_PROTO[lot.side],
        quantity=render(gain.quantity),
        open_price=render(lot.price),
        close_price=render(gain.price),
        proceeds_amount=_amount(gain.proceeds),
        cost_amount=_amount(gain.cost),
        gain_amount=_amount(gain.amount),
        quote_asset=lot.quote_asset,
        open_fill=lot.fill,
        close_fill=gain.fill,
        open_time=to_timestamp(lot.open_time),
        close_time=to_timestamp(gain.close_time),
        holding_duration=held,
        lot_method=_LOT_METHODS[gain.method],
        strategy=_strategy(gain.strategy),
    )


def account_settings_to_proto(account: AccountName, method: LotMethod) -> tax_lot_pb2.AccountSettings:
    """Write how the books of an account are kept."""
    return tax_lot_pb2.AccountSettings(name=f"{account}/accountSettings", lot_method=_LOT_METHODS[method])


def equity_point_to_proto(account: AccountName, point: EquityPoint) -> equity_pb2.EquityPoint:
    """Write a point of the equity curve."""
    answer = equity_pb2.EquityPoint(
        name=f"{account}/equityPoints/{point.number}",
        create_time=to_timestamp(point.time),
        cause=f"EQUITY_POINT_CAUSE_{point.cause.name}",
        valuation_asset=point.asset,
        incomplete=point.linked is None,
        missing_prices=point.missing_prices,
    )
    if point.linked is not None:
        answer.equity = _amount(point.linked.equity)
        answer.net_flow_amount = _amount(point.linked.net_flow)
        answer.growth_index = _amount(point.linked.growth)
        answer.drawdown = _amount(point.linked.drawdown)
        answer.max_drawdown = _amount(point.linked.max_drawdown)
    return answer


def reconciliation_to_proto(
    account: AccountName, found: Reconciliation, *, event_sequence: int, read_time: datetime
) -> reconciliation_pb2.Reconciliation:
    """Write a comparison with the venues."""
    return reconciliation_pb2.Reconciliation(
        name=f"{account}/reconciliation",
        balances=[
            reconciliation_pb2.BalanceComparison(
                venue=f"venues/{venue}",
                asset=asset,
                ledger_quantity=render(compared.ledger),
                venue_quantity=render(compared.venue),
                difference_quantity=_amount(compared.difference),
            )
            for (venue, asset), compared in found.balances
        ],
        positions=[
            reconciliation_pb2.PositionComparison(
                instrument=str(instrument),
                ledger_quantity=render(compared.ledger),
                venue_quantity=render(compared.venue),
                difference_quantity=_amount(compared.difference),
            )
            for instrument, compared in found.positions
        ],
        matching=found.matching,
        event_sequence=event_sequence,
        read_time=to_timestamp(read_time),
    )


def trial_balance_to_proto(
    account: AccountName,
    balance: TrialBalance,
    *,
    event_sequence: int,
    read_time: datetime,
    strategy: str | None = None,
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
        strategy="" if strategy is None else _strategy(strategy) or _MANUAL,
    )


def _optional_time(position: Position) -> Timestamp | None:
    return None if position.last_fill_time is None else to_timestamp(position.last_fill_time)


def _strategy(strategy: str) -> str:
    return f"{_STRATEGIES}{strategy}" if strategy else ""


def _lot_name(lot: Lot) -> str:
    return f"accounts/{lot.account}/taxLots/{lot.number}"


def _amount(amount: Decimal | None) -> str:
    """A computed amount: the empty string where it is missing, rounded half-even beyond 38 digits."""
    return "" if amount is None else render(fitted(amount))
