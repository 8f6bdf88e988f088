"""Use case: follow what the exchange reports, so that reservations turn into holdings."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog

from services.kernel.decimals import EXACT
from services.risk.domain.order import Side
from services.risk.domain.protections import locks_after
from services.risk.domain.reservation import Holding, Reservation
from services.risk.domain.traded import Traded
from services.risk.domain.trades import OpenTrade, TradeFill, follow_fill
from services.risk.ports import RiskBook

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OrderReported:
    """How an order stands.

    Attributes:
        account: id of the account.
        order_id: the order.
        filled: how much of it is filled in all.
        ended: whether it is final.
        resting: what it needs, where it rests at the venue: one that risk never saw came from outside,
            and is set aside for.
    """

    account: str
    order_id: str
    filled: Decimal
    ended: bool
    resting: Reservation | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A fill.

    Attributes:
        order_id: the order.
        account: id of the account.
        traded: what was traded.
        side: buy or sell.
        quantity: in base asset or contracts.
        price: in quote asset.
        fee: in fee asset; below zero is a rebate.
        fee_asset: the asset of the fee.
        strategy: id of the order's strategy; empty for none.
        trade_time: when, by the venue's clock.
    """

    order_id: str
    account: str
    traded: Traded
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    strategy: str
    trade_time: datetime


@dataclass(frozen=True, slots=True)
class Transferred:
    """Assets came to, or left, an account.

    Attributes:
        account: id of the account.
        held: the venue and the asset.
        amount: below zero left.
        earned: whether it is part of what trading gains or loses, as funding is.
    """

    account: str
    held: Holding
    amount: Decimal
    earned: bool = False


ExchangeEvent = OrderReported | Filled | Transferred


async def follow(event: ExchangeEvent, book: RiskBook, now: datetime) -> None:
    """Apply one event, inside the transaction that also remembers it was seen."""
    match event:
        case Transferred():
            await book.add_holdings(event.account, {event.held: event.amount})
            if not event.earned:
                await book.add_flow(event.account, now.date(), event.held, event.amount)
        case Filled():
            await _fill(event, book)
        case OrderReported():
            await _report(event, book, now)


async def _report(event: OrderReported, book: RiskBook, now: datetime) -> None:
    if event.resting is not None:
        facts = await book.facts(event.account)
        if facts.state.reservation(event.order_id) is None:
            known = await book.known_orders((event.order_id,))
            if not known.decided and not known.ended:
                await book.reserve(event.resting)
    await book.report(event.account, event.order_id, event.filled, ended=event.ended, now=now)


async def _fill(fill: Filled, book: RiskBook) -> None:
    """Book a fill. What is set aside shrinks with the report of the order that follows it."""
    change = EXACT.multiply(fill.quantity, Decimal(fill.side.value))
    traded, venue = fill.traded, fill.traded.venue
    changes: dict[Holding, Decimal] = {}
    moves = [(fill.fee_asset, EXACT.minus(fill.fee))]
    if traded.contract is None:
        moves += [(traded.base, change), (traded.quote, EXACT.minus(EXACT.multiply(change, fill.price)))]
    for asset, move in moves:
        if asset:
            changes[venue, asset] = EXACT.add(changes.get((venue, asset), Decimal(0)), move)
    await book.add_holdings(fill.account, changes)
    await book.add_position(fill.account, traded, change, fill.price)
    await _trade(fill, change, book)


async def _trade(fill: Filled, change: Decimal, book: RiskBook) -> None:
    """Follow the trade that the fill belongs to; where it closes, see what the protections say."""
    facts = await book.facts(fill.account)
    reserved = facts.state.reservation(fill.order_id)
    before = await book.open_trade(fill.account, fill.traded, fill.strategy)
    if before is None:
        before = OpenTrade(fill.account, fill.strategy, fill.traded, fill.trade_time)
    part = TradeFill(
        change,
        fill.price,
        fill.fee,
        fill.fee_asset,
        fill.trade_time,
        stop=reserved is not None and reserved.stop,
    )
    after, closed = follow_fill(before, part)
    await book.put_open_trade(fill.account, fill.traded, fill.strategy, after)
    if closed is None:
        return
    await book.add_closed_trade(closed)
    lookback = facts.protections.lookback
    if lookback is None:
        return
    trades = await book.closed_trades(fill.account, closed.close_time - lookback)
    for lock in locks_after(facts.protections, closed, trades):
        await book.put_lock(lock)
        _log.warning(
            "locked",
            account=f"accounts/{lock.account}",
            instrument=lock.instrument,
            strategy=lock.strategy,
            source=lock.source,
            reason=lock.reason,
        )
