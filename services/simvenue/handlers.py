"""Use cases of the venue."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import structlog

from services.simvenue.domain.account import Account
from services.simvenue.domain.candles import Candle, Interval
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.market import Market, PublicTrade
from services.simvenue.domain.orders import Balance, Fill, NewOrder, Order, Transfer
from services.simvenue.domain.positions import Position
from services.simvenue.domain.solvency import liquidation_price, mark_of
from services.simvenue.domain.venue import Venue
from services.simvenue.drivers.driver import Source
from services.simvenue.floor import TradingFloor
from services.simvenue.ports import Ledger
from services.simvenue.streams import Book, book_of

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """What the venue is.

    Attributes:
        venue: its id in the mesh.
        source: what moves its market.
        speed: seconds of exchange time in a second of ours, as it was set.
        history_start_ns: exchange time from which on this run knows trades.
    """

    venue: str
    source: Source
    speed: str
    history_start_ns: int


class OrderWithFills(NamedTuple):
    """An order and all its fills, oldest first."""

    order: Order
    fills: Sequence[Fill]


class Holdings(NamedTuple):
    """What an account has, up to an event."""

    balances: Sequence[Balance]
    sequence: int
    time_ns: int


class ValuedPosition(NamedTuple):
    """A position, and what its market says of it.

    Attributes:
        position: the position.
        mark: price of the last trade; None before the first.
        margin: what is held for it.
        liquidation: mark price at which the account would be liquidated; None where there is none.
    """

    position: Position
    mark: Decimal | None
    margin: Decimal
    liquidation: Decimal | None = None


class CandlePage(NamedTuple):
    """Candles, and where the next ones begin, if there are any."""

    instrument: Instrument
    candles: Sequence[Candle]
    now_ns: int
    next_ns: int | None


class MarketData:
    """What everybody may know.

    Args:
        floor: where it happens.
        facts: what the venue is.
    """

    def __init__(self, floor: TradingFloor, facts: VenueFacts) -> None:
        self._floor = floor
        self.facts = facts

    @property
    def now_ns(self) -> int:
        """Exchange time."""
        return self._floor.now_ns

    def instruments(self) -> list[Instrument]:
        """All instruments, by symbol."""
        return [market.instrument for market in self._floor.venue.markets.values()]

    def book(self, symbol: str, depth: int) -> Book:
        """The best levels of a book now; raises UNKNOWN_SYMBOL."""
        return book_of(self._market(symbol), self._floor.now_ns, depth)

    def trades(
        self, symbol: str, after_trade_id: int | None, limit: int
    ) -> tuple[Instrument, Sequence[PublicTrade]]:
        """Trades after an id, oldest first, or the newest ones; raises UNKNOWN_SYMBOL."""
        market = self._market(symbol)
        if after_trade_id is None:
            return market.instrument, list(market.tape)[-limit:]
        later = [trade for trade in market.tape if trade.trade_id > after_trade_id]
        return market.instrument, later[:limit]

    def candles(
        self, symbol: str, interval: Interval, start_ns: int | None, end_ns: int | None, limit: int
    ) -> CandlePage:
        """Candles that open in a half-open range, oldest first; raises UNKNOWN_SYMBOL."""
        market = self._market(symbol)
        found = market.candles.series(interval).between(start_ns, end_ns, limit + 1)
        next_ns = found[limit].open_ns if len(found) > limit else None
        return CandlePage(market.instrument, found[:limit], self._floor.now_ns, next_ns)

    def _market(self, symbol: str) -> Market:
        return self._floor.venue.market(symbol)


class Trading:
    """What an account asks for. Every answer rests on what is on disk.

    Args:
        floor: where it happens.
        ledger: where the past is.
    """

    def __init__(self, floor: TradingFloor, ledger: Ledger) -> None:
        self._floor = floor
        self._ledger = ledger

    async def place(self, account: str, request: NewOrder, pieces: int = 1) -> OrderWithFills:
        """Accept an order and match it; see :meth:`Venue.place` for what is raised."""

        def command(venue: Venue, now_ns: int) -> OrderWithFills:
            return _with_fills(venue, venue.place(account, request, now_ns, pieces))

        answer = await self._floor.execute(command)
        _tell("venue_order_accepted", answer)
        return answer

    async def cancel(self, account: str, order_id: str | int) -> OrderWithFills:
        """Take an order out of the book; see :meth:`Venue.cancel` for what is raised."""

        def command(venue: Venue, now_ns: int) -> OrderWithFills:
            return _with_fills(venue, venue.cancel(account, order_id, now_ns))

        answer = await self._floor.execute(command)
        _tell("venue_order_cancelled", answer)
        return answer

    async def fill_late(self, account: str, venue_order_id: int, share: float) -> None:
        """Let a share of what a cancelled order left trade after all; see :meth:`Venue.fill_late`."""

        def command(venue: Venue, now_ns: int) -> bool:
            return venue.fill_late(account, venue_order_id, share, now_ns)

        filled = await self._floor.execute(command)
        _log.warning("venue_order_filled_late", account=account, venue_order_id=venue_order_id, filled=filled)

    async def order(self, account: str, order_id: str | int) -> OrderWithFills:
        """One order; raises UNKNOWN_ACCOUNT, ORDER_NOT_FOUND."""

        def command(venue: Venue, now_ns: int) -> OrderWithFills:
            del now_ns
            return _with_fills(venue, venue.account(account).find(order_id))

        return await self._floor.execute(command)

    async def open_orders(self, account: str, symbol: str) -> Sequence[Order]:
        """All open orders, of one symbol or (where it is empty) of all; raises UNKNOWN_ACCOUNT."""

        def command(venue: Venue, now_ns: int) -> Sequence[Order]:
            del now_ns
            orders = venue.account(account).open_orders()
            return [order for order in orders if symbol in {"", order.request.symbol}]

        return await self._floor.execute(command)

    async def balances(self, account: str) -> Holdings:
        """What an account has; raises UNKNOWN_ACCOUNT."""

        def command(venue: Venue, now_ns: int) -> Holdings:
            owner = venue.account(account)
            return Holdings(owner.balances(), owner.sequence, now_ns)

        return await self._floor.execute(command)

    async def positions(self, account: str) -> Sequence[ValuedPosition]:
        """Open positions of perpetuals, by symbol; raises UNKNOWN_ACCOUNT."""

        def command(venue: Venue, now_ns: int) -> Sequence[ValuedPosition]:
            del now_ns
            owner = venue.account(account)
            found = sorted(owner.positions.values(), key=lambda each: each.symbol)
            return [_valued(venue, owner, each) for each in found if each.quantity]

        return await self._floor.execute(command)

    async def fills(self, account: str, after_trade_id: int, limit: int) -> Sequence[Fill]:
        """Fills by trade id; raises UNKNOWN_ACCOUNT."""
        self._floor.venue.account(account)
        return await self._ledger.fills(account, after_trade_id, limit)

    async def transfers(self, account: str, after_transfer_id: int, limit: int) -> Sequence[Transfer]:
        """Transfers by transfer id; raises UNKNOWN_ACCOUNT."""
        self._floor.venue.account(account)
        return await self._ledger.transfers(account, after_transfer_id, limit)


def _with_fills(venue: Venue, order: Order) -> OrderWithFills:
    return OrderWithFills(order, venue.account(order.account).fills(order.venue_order_id))


def _valued(venue: Venue, account: Account, position: Position) -> ValuedPosition:
    market = venue.markets[position.symbol]
    price = liquidation_price(account, position, venue.markets) if venue.liquidates else None
    return ValuedPosition(position, mark_of(market), position.margin(market.instrument), price)


def _tell(event: str, answer: OrderWithFills) -> None:
    order = answer.order
    _log.info(
        event,
        account=order.account,
        symbol=order.request.symbol,
        client_order_id=order.request.client_order_id,
        venue_order_id=order.venue_order_id,
        status=order.status.name,
        filled=str(order.filled),
    )
