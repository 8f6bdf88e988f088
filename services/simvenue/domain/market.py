"""One instrument's market: its book, what the crowd does in it, its tape and its candles."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from services.simvenue.domain.book import CROWD, Match, OrderBook
from services.simvenue.domain.candles import Candles
from services.simvenue.domain.instrument import Instrument
from services.simvenue.domain.stops import StopBook
from services.simvenue.domain.terms import QueueModel, Side

_TAPE = 10_000


class PublicTrade(NamedTuple):
    """A trade as everybody sees it; price in ticks, quantity in lots."""

    sequence: int
    trade_id: int
    time_ns: int
    price: int
    lots: int
    taker_side: Side


class BookChange(NamedTuple):
    """Levels that changed: price in ticks and new total in lots, 0 where the level is gone."""

    sequence: int
    time_ns: int
    bids: Sequence[tuple[int, int]]
    asks: Sequence[tuple[int, int]]


PublicEvent = PublicTrade | BookChange


class CrowdOrder(NamedTuple):
    """A participant of the crowd sends an order.

    Attributes:
        order_id: below zero, chosen by the driver, never used again.
        side: which way.
        lots: above zero.
        limit: worst price in ticks; None takes any.
        rest: whether the remainder rests.
    """

    order_id: int
    side: Side
    lots: int
    limit: int | None
    rest: bool


class CrowdCancel(NamedTuple):
    """A participant of the crowd cancels an order, if it still rests."""

    order_id: int


class CrowdLevels(NamedTuple):
    """The crowd's liquidity at these prices becomes exactly this.

    Attributes:
        levels: side, price in ticks, lots of the crowd there.
        clear: whether the crowd's liquidity at every other price goes.
    """

    levels: Sequence[tuple[Side, int, int]]
    clear: bool = False


class CrowdTrade(NamedTuple):
    """A trade is known to have happened: the crowd sends the order that took it.

    Attributes:
        taker_side: side of that order.
        price: ticks.
        lots: quantity.
    """

    taker_side: Side
    price: int
    lots: int


CrowdAction = CrowdOrder | CrowdCancel | CrowdLevels | CrowdTrade


class Market:
    """One instrument's market. Times are exchange time, in nanoseconds, and never run backwards.

    Args:
        instrument: what is traded.
        trade_ids: gives each trade its id.
        queue_model: who leaves where a recorded level shrinks without a trade.
    """

    def __init__(
        self,
        instrument: Instrument,
        trade_ids: Iterator[int],
        queue_model: QueueModel = QueueModel.RISK_AVERSE,
    ) -> None:
        self.instrument = instrument
        self.book = OrderBook(trade_ids)
        self._leave = (
            self.book.reduce_from_back
            if queue_model is QueueModel.RISK_AVERSE
            else self.book.reduce_in_proportion
        )
        self.candles = Candles()
        self.stops = StopBook()
        self.tape: deque[PublicTrade] = deque(maxlen=_TAPE)
        self.last_price: int | None = None
        self.sequence = 0
        self._level_ids = count(-1, -1)

    def act(self, action: CrowdAction) -> list[Match]:
        """Do what the crowd does; answers the trades that it led to."""
        match action:
            case CrowdOrder(order_id, side, lots, limit, rest):
                return self.book.submit(order_id, CROWD, side, lots, limit, rest=rest).matches
            case CrowdCancel(order_id):
                self.book.cancel(order_id)
                return []
            case CrowdLevels(levels, clear):
                return self._set_levels(levels, clear=clear)
            case CrowdTrade(taker_side, price, lots):
                return self._trade(taker_side, price, lots)

    def publish(self, time_ns: int, matches: Iterable[Match]) -> list[PublicEvent]:
        """Turn what just happened into numbered public events: the trades, then the changed levels.

        Stops that the trades set off are due afterwards.
        """
        events: list[PublicEvent] = []
        for match in matches:
            self.sequence += 1
            trade = PublicTrade(
                self.sequence, match.trade_id, time_ns, match.price, match.lots, match.taker_side
            )
            self.last_price = match.price
            self.stops.see(match.price)
            self.candles.add(time_ns, match.price, match.lots)
            self.tape.append(trade)
            events.append(trade)
        bids, asks = self.book.take_changes(Side.BUY), self.book.take_changes(Side.SELL)
        if bids or asks:
            self.sequence += 1
            events.append(BookChange(self.sequence, time_ns, bids, asks))
        return events

    def _set_levels(self, levels: Sequence[tuple[Side, int, int]], *, clear: bool) -> list[Match]:
        """Less comes before more, so that the crowd never trades with liquidity that is on its way out."""
        wanted = {(side, price): lots for side, price, lots in levels}
        if clear:
            for side in Side:
                for price, _ in self.book.depth(side, len(self.book.half(side).keys)):
                    wanted.setdefault((side, price), 0)
        more: list[tuple[Side, int, int]] = []
        for (side, price), lots in wanted.items():
            present = self.book.owned_at(CROWD, side, price)
            if lots < present:
                self._leave(CROWD, side, price, present - lots)
            elif lots > present:
                more.append((side, price, lots - present))
        matches: list[Match] = []
        for side, price, lots in more:
            matches += self._add(side, price, lots)
        return matches

    def _add(self, side: Side, price: int, lots: int) -> list[Match]:
        """More of the crowd at a price: it takes what crosses, and rests behind everybody there."""
        if self.book.enlarge_last(CROWD, side, price, lots):
            return []
        return self.book.submit(next(self._level_ids), CROWD, side, lots, price, rest=True).matches

    def _trade(self, taker_side: Side, price: int, lots: int) -> list[Match]:
        """Let a known trade happen here.

        The book may be a little behind the tape. That the trade had this price proves that the crowd
        had nothing better on the side it hit, and nothing of the other side at this price or through
        it; that it had this size proves that the crowd had the rest of it at this price. A real
        account's order keeps its place: it is hit when the queue before it is used up.
        """
        maker_side = taker_side.opposite
        for better in self.book.prices_through(maker_side, price):
            if better != price:
                self._withdraw(maker_side, better)
        for stale in self.book.prices_through(taker_side, price):
            self._withdraw(taker_side, stale)
        matches: list[Match] = []
        missing = lots - self.book.walk(taker_side, lots, price, CROWD).lots
        if missing:
            matches += self._add(maker_side, price, missing)
        order_id = next(self._level_ids)
        matches += self.book.submit(order_id, CROWD, taker_side, lots, price, rest=False).matches
        return matches

    def _withdraw(self, side: Side, price: int) -> None:
        present = self.book.owned_at(CROWD, side, price)
        if present:
            self.book.reduce_from_back(CROWD, side, price, present)
